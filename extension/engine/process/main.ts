/**
 * The engine process's composition root: arguments, log lines, signals, exit code. Standard output and error go to a
 * log file that the client who starts us has opened.
 */
import {parseArgs} from "node:util";
import type {EngineProcess} from "./engine-process.js";
import {startEngineProcess} from "./engine-process.js";
import {dropNativeStack, keepNativeStack} from "./native-stack.js";

/** A process that is told to end and does not within this is ended anyway. */
const lastWordsMs = 3_000;

const {values} = parseArgs({
    options: {
        folder: {type: "string"},
        version: {type: "string"},
        "idle-ms": {type: "string"},
        "refine-after-ms": {type: "string"},
    },
});
const log = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
// The log may be gone with its folder; the engine is not.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

const {folder} = values;
if (folder === undefined) {
    log("usage: engine --folder PATH [--version TEXT] [--idle-ms N]");
    process.exit(2);
}

let running: EngineProcess | undefined;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
        log(`got ${signal}`);
        if (running === undefined) process.exit(0);
        running.stop();
        // What is being written is whole or not there, so nothing is lost by not waiting longer.
        setTimeout(() => process.exit(0), lastWordsMs).unref();
    });
}
process.on("uncaughtException", (error) => die("an exception nobody caught", error));
process.on("unhandledRejection", (error) => die("a rejection nobody handled", error));

try {
    running = await startEngineProcess({
        folder,
        version: values.version ?? "unknown",
        idleMs: Number(values["idle-ms"] ?? 600_000),
        createEngine: async (settings, refineWatch) => {
            // Loaded late: the process is found before llama.cpp is loaded.
            const {createEngine} = await import("../engine.js");
            keepNativeStack(folder);
            const refineAfterMs = values["refine-after-ms"];
            return createEngine(settings, {
                log: (level, message) => log(`${level}: ${message}`),
                refineWatch,
                ...(refineAfterMs === undefined ? {} : {refineAfterMs: Number(refineAfterMs)}),
            });
        },
        log,
    });
    if (running === undefined) log("another engine is there already");
    else await running.ended;
    dropNativeStack(folder);
    process.exit(0);
} catch (error) {
    die("it could not start", error);
}

/** Clients see the closed socket and start another engine; the log keeps the reason. */
function die(what: string, error: unknown): never {
    log(`ends because of ${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exit(1);
}
