/**
 * Owns the starting of an engine process: detached, so that it outlives this window, with a log file of its own and
 * nothing of the editor's environment that would confuse it.
 */
import {spawn} from "node:child_process";
import {mkdir, open, readFile, rename, stat} from "node:fs/promises";
import path from "node:path";

export interface EngineProgram {
    /** What runs it: Node, or the editor itself, which is Node when asked to be. */
    executable: string;
    /** The engine's bundle, absolute. */
    script: string;
    version: string;
    idleMs: number;
    /** Variables besides this process's own. */
    env?: NodeJS.ProcessEnv;
    /** Quiet time before files are scored again; the engine's own when left out. */
    refineAfterMs?: number;
}

export interface StartedEngine {
    pid: number | undefined;
    /** Set when the process has ended: 0 when another engine was there already. */
    ended: () => {code: number | null} | undefined;
}

export const engineLogName = "engine.log";
const maxLogBytes = 1024 * 1024;

/** @param onCrash told how the process ended when it did not end in order, while this window is there */
export async function startEngine(
    folder: string,
    program: EngineProgram,
    onCrash: (how: string) => void = () => {},
): Promise<StartedEngine> {
    await mkdir(folder, {recursive: true, mode: 0o700});
    const logFile = path.join(folder, engineLogName);
    const found = await stat(logFile).catch(() => undefined);
    if (found !== undefined && found.size > maxLogBytes) await rename(logFile, `${logFile}.1`).catch(() => undefined);
    const log = await open(logFile, "a", 0o600);
    let ended: {code: number | null} | undefined;
    try {
        const child = spawn(
            program.executable,
            [
                program.script,
                ...["--folder", folder, "--version", program.version, "--idle-ms", String(program.idleMs)],
                ...(program.refineAfterMs === undefined ? [] : ["--refine-after-ms", String(program.refineAfterMs)]),
            ],
            {
                detached: true,
                // Not the workspace: an engine must not keep a folder from being removed.
                cwd: path.dirname(program.script),
                env: engineEnvironment({...process.env, ...program.env}),
                stdio: ["ignore", log.fd, log.fd],
                windowsHide: true,
            },
        );
        child.once("exit", (code, signal) => {
            ended = {code};
            if (signal !== null) onCrash(`by ${signal}`);
            else if (code !== 0) onCrash(`with code ${code}`);
        });
        child.once("error", () => (ended = {code: null}));
        child.unref();
        return {pid: child.pid, ended: () => ended};
    } finally {
        await log.close();
    }
}

/** The editor sets variables that would have Node load its own hooks. */
export function engineEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const kept = Object.entries(env).filter(
        ([name]) => !name.startsWith("VSCODE_") && !name.startsWith("ELECTRON_") && name !== "NODE_OPTIONS",
    );
    // The editor's executable is Node only when told so; Node itself does not mind.
    return {...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: "1"};
}

/** The end of the engine's log, for an error that says why it did not start. */
export async function lastLogLine(folder: string): Promise<string | undefined> {
    const text = await readFile(path.join(folder, engineLogName), "utf8").catch(() => "");
    return text
        .trimEnd()
        .split("\n")
        .findLast((line) => /^\d{4}-\d\d-\d\dT/.test(line));
}
