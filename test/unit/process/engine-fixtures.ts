/** Engines and clients for the tests of this folder; everything ends with the test that made it. */
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import {build} from "esbuild";
import {onTestFinished} from "vitest";
import {type EngineProcess, startEngineProcess} from "../../../extension/engine/process/engine-process.js";
import {
    type EngineClientOptions,
    type RejoiningEngineClient,
    createEngineClient,
} from "../../../extension/client/engine-client.js";
import type {EngineSettings} from "../../../extension/protocol/engine.js";
import {type ScriptedEngine, createScriptedEngine, someSettings} from "./scripted-engine.js";

export async function runtimeFolder(): Promise<string> {
    // Short: the path of a socket has little room.
    const folder = await mkdtemp(path.join(tmpdir(), "kv-"));
    // A process that was ended a moment ago may still be writing its last line.
    onTestFinished(() => rm(folder, {recursive: true, force: true, maxRetries: 10, retryDelay: 100}));
    return folder;
}

export interface ServedEngine {
    process: EngineProcess;
    /** Those made so far; the last one serves. */
    engines: ScriptedEngine[];
    log: string[];
}

/** An engine in this very process, so that a test sees what it is asked. */
export async function serveEngine(folder: string, idleMs = 60_000): Promise<ServedEngine> {
    const engines: ScriptedEngine[] = [];
    const log: string[] = [];
    const started = await startEngineProcess({
        folder,
        version: "test",
        idleMs,
        createEngine: async () => {
            const engine = createScriptedEngine();
            engines.push(engine);
            return engine;
        },
        log: (line) => log.push(line),
    });
    if (started === undefined) throw new Error("another engine is there");
    onTestFinished(async () => {
        started.stop();
        await started.ended;
    });
    return {process: started, engines, log};
}

export function newClient(
    folder: string,
    options: Partial<EngineClientOptions> & {wants?: Partial<EngineSettings>; script?: string} = {},
): RejoiningEngineClient {
    const {wants, script, ...others} = options;
    const client = createEngineClient({
        folder,
        program: () => ({
            executable: process.execPath,
            script: script ?? path.join(folder, "there-is-no-engine.mjs"),
            version: "test",
            idleMs: 300,
        }),
        settings: () => ({...someSettings, ...wants}),
        name: "test",
        log: {info: () => {}, warn: () => {}},
        ...others,
    });
    const pids = new Set<number>();
    client.onDidChangeConnection((state) => {
        if (state.name === "connected" && state.pid !== process.pid) pids.add(state.pid);
    });
    onTestFinished(async () => {
        await client.dispose();
        for (const pid of pids) endProcess(pid);
    });
    return client;
}

function endProcess(pid: number): void {
    try {
        process.kill(pid, "SIGKILL");
    } catch {
        // Ended by itself.
    }
}

/** The program of an engine process without a model, as it would be shipped. */
export async function buildScriptedProcess(folder: string): Promise<string> {
    const outfile = path.join(folder, "engine.mjs");
    await build({
        entryPoints: [path.join(import.meta.dirname, "children/scripted-process.ts")],
        outfile,
        bundle: true,
        platform: "node",
        format: "esm",
        logLevel: "silent",
        // Bundled CommonJS packages call require(), which an ES module does not have.
        banner: {
            js: 'import {createRequire as __createRequire} from "node:module"; const require = __createRequire(import.meta.url);',
        },
    });
    return outfile;
}

/** Ends when the condition holds; the test's own time limit is the limit. */
export async function eventually(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** An ask of one turn. */
export function question(text: string, conversation = "c1") {
    return {
        workspace: "w",
        conversation,
        turns: [{role: "user" as const, text}],
        maxTokens: 10,
        temperature: 0,
    };
}
