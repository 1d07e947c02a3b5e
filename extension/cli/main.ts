/**
 * The command line's composition root: streams, signals, engine, exit code. Standard output belongs to results alone.
 */
import {Console} from "node:console";
import {CommanderError} from "commander";
import {KvasirError, isKvasirError} from "../protocol/errors.js";
import type {CommandContext, CommandResult} from "./command-context.js";
import {Interrupt, listenForSignals} from "./interrupt.js";
import {joinEngine} from "./join-engine.js";
import {reportFailure, reportResult} from "./output/report.js";
import {createTerminal} from "./output/terminal.js";
import {buildProgram, usageErrorOf} from "./program.js";

// A library that logs to the console must not end up inside somebody's JSON.
globalThis.console = new Console(process.stderr, process.stderr);
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read our output has seen enough (`kvasir ask ... | head`).
    if (error.code === "EPIPE") process.exit(0);
    throw error;
});

const interrupt = new Interrupt();
listenForSignals(interrupt);
process.exitCode = await main(process.argv.slice(2));
// Native threads must not keep a finished command alive; what was written goes out first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
process.exit();

async function main(args: readonly string[]): Promise<number> {
    const terminal = createTerminal(process.stdout, process.stderr, process.env);
    const context: CommandContext = {
        terminal,
        root: process.cwd(),
        interrupt,
        createEngine: async (settings) => {
            // Loaded late: help and wrong usage need no llama.cpp.
            const {createEngine} = await import("../engine/engine.js");
            return createEngine(settings, {});
        },
        joinEngine,
    };
    // Known before the arguments are parsed, since they may be what is wrong.
    const isJson = args.includes("--json");
    let result: CommandResult | undefined;
    const program = buildProgram({context, input: process.stdin, onResult: (found) => (result = found)});
    try {
        await program.parseAsync(args, {from: "user"});
    } catch (thrown) {
        const error = thrown instanceof CommanderError ? usageErrorOf(thrown) : codedError(thrown);
        return error === undefined ? 0 : reportFailure(error, isJson, terminal);
    }
    return result === undefined ? 0 : reportResult(result, isJson, terminal);
}

/** Whatever fails after Ctrl-C failed because of it. */
function codedError(thrown: unknown): unknown {
    const isAbort = thrown instanceof Error && thrown.name === "AbortError";
    if (!isAbort && !isKvasirError(thrown, "cancelled")) return thrown;
    return new KvasirError("cancelled", "the command was cancelled.", {
        fix: "What was read so far is kept; run it again to go on.",
        cause: thrown,
    });
}
