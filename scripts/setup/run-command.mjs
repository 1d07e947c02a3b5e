/** Runs the programs that set-up relies on: output goes to a log and to the progress line, failures become SetupErrors. */
import {spawn} from "node:child_process";
import {createWriteStream} from "node:fs";
import {mkdir} from "node:fs/promises";
import path from "node:path";
import {logs, root} from "./paths.mjs";
import {SetupError} from "./setup-error.mjs";

/** What is kept of a failing program's output: enough to find the reason in it. */
const tailLines = 400;

/**
 * @param {string} program
 * @param {readonly string[]} programArguments
 * @param {{log: string, report?: (line: string) => void, cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean}} options
 *   `log`: name of the log file; `report` gets every line as it comes
 * @returns {Promise<string>} standard output
 */
export async function runCommand(program, programArguments, {log, report = () => {}, cwd = root, env, shell = false}) {
    await mkdir(logs, {recursive: true});
    const logFile = path.join(logs, `setup-${log}.log`);
    const logStream = createWriteStream(logFile, {flags: "a"});
    logStream.write(`\n$ ${program} ${programArguments.join(" ")}\n`);
    const child = spawn(program, [...programArguments], {
        cwd,
        env: {...withoutGit(process.env), ...env},
        shell,
        stdio: ["ignore", "pipe", "pipe"],
        windowsHide: true,
    });
    let output = "";
    /** @type {string[]} */
    const tail = [];
    for (const [stream, isOut] of /** @type {const} */ ([
        [child.stdout, true],
        [child.stderr, false],
    ])) {
        let partial = "";
        stream.setEncoding("utf8");
        stream.on("data", (/** @type {string} */ chunk) => {
            logStream.write(chunk);
            if (isOut) output += chunk;
            const lines = (partial + chunk).split(/[\r\n]+/);
            partial = lines.pop() ?? "";
            for (const line of lines.filter((text) => text.trim() !== "")) {
                report(line.trim());
                tail.push(line);
                if (tail.length > tailLines) tail.shift();
            }
        });
        stream.on("end", () => {
            if (partial.trim() !== "") tail.push(partial);
        });
    }
    const ending = await new Promise((resolve) => {
        child.once("error", (error) => resolve(`did not start: ${error.message}`));
        child.once("close", (code, signal) => resolve(code === 0 ? "" : `ended with ${signal ?? `code ${code}`}`));
    });
    await new Promise((resolve) => logStream.end(resolve));
    if (ending !== "") {
        throw new SetupError(`${path.basename(program)} ${ending}.`, {
            output: tail.join("\n"),
            log: path.relative(root, logFile),
        });
    }
    return output;
}

/**
 * npm, by the very npm that started us when there is one.
 * @param {readonly string[]} npmArguments
 * @param {Parameters<typeof runCommand>[2]} options
 */
export async function runNpm(npmArguments, options) {
    // Said even under `npm run -s`, which hands its silence down: it is what tells why a fetch failed.
    const spoken = [...npmArguments, "--loglevel=http"];
    const started = process.env.npm_execpath;
    if (started !== undefined && /^npm-cli\.[cm]?js$/.test(path.basename(started))) {
        return runCommand(process.execPath, [started, ...spoken], options);
    }
    // On Windows npm is a .cmd file, which only a shell starts; the arguments are ours and need no quoting.
    return runCommand("npm", spoken, {...options, shell: process.platform === "win32"});
}

/**
 * Set-up may run inside a git hook, whose GIT_DIR would turn our clone of another repository into work on this one.
 * @param {NodeJS.ProcessEnv} env
 */
export function withoutGit(env) {
    return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
}
