/** Runs the program of the command line in this process, with streams that are strings. */
import {Readable} from "node:stream";
import {CommanderError} from "commander";
import type {CommandContext, CommandResult} from "../../../extension/cli/command-context.js";
import {Interrupt} from "../../../extension/cli/interrupt.js";
import {reportFailure, reportResult} from "../../../extension/cli/output/report.js";
import {buildProgram, usageErrorOf} from "../../../extension/cli/program.js";
import {memoryTerminal} from "./memory-terminal.js";
import {recordingEngine, type Recorded, type RecordingOptions} from "./recording-engine.js";

export interface Ran {
    code: number;
    out: string;
    err: string;
    recorded: Recorded;
}

export async function runProgram(
    root: string,
    args: readonly string[],
    {
        input = [],
        interrupt = new Interrupt(),
        ...recording
    }: RecordingOptions & {input?: readonly string[]; interrupt?: Interrupt} = {},
): Promise<Ran> {
    const terminal = memoryTerminal();
    const {recorded, createEngine} = recordingEngine(recording);
    const context: CommandContext = {
        terminal,
        root,
        interrupt,
        createEngine,
        joinEngine: () => {
            throw new Error("no test of this folder joins an engine");
        },
    };
    const isJson = args.includes("--json");
    let result: CommandResult | undefined;
    let code = 0;
    try {
        await buildProgram({
            context,
            input: Readable.from(input.map((line) => `${line}\n`)),
            onResult: (found) => (result = found),
        }).parseAsync(args, {from: "user"});
        if (result !== undefined) code = reportResult(result, isJson, terminal);
    } catch (thrown) {
        const error = thrown instanceof CommanderError ? usageErrorOf(thrown) : thrown;
        if (error !== undefined) code = reportFailure(error, isJson, terminal);
    }
    return {code, out: terminal.out(), err: terminal.err(), recorded};
}
