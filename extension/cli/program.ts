/**
 * The grammar of the command line: which commands and flags there are, and which function runs each. Parsing failures
 * become coded errors here; nothing here does the work.
 */
import {Command, type CommanderError, Option} from "commander";
import {maxCandidates} from "../protocol/engine.js";
import {type KvasirError, unknownFlag, usage} from "../protocol/errors.js";
import {temperature, wholeNumber} from "./argument-parsers.js";
import {addBenchCommand} from "./bench/bench-command.js";
import type {CommandContext, CommandResult} from "./command-context.js";
import {addCommonFlags, type CommonFlags} from "./common-flags.js";
import {runInteractive} from "./chat/interactive.js";
import {type AskFlags, runAsk} from "./commands/ask.js";
import {type CacheAction, runCache} from "./commands/cache.js";
import {runCalibrate} from "./commands/calibrate.js";
import {type CompleteFlags, runComplete} from "./commands/complete.js";
import {runDoctor} from "./commands/doctor.js";
import {runCuda} from "./commands/cuda.js";
import {runModelsGet} from "./commands/models-get.js";
import {runModelsList, runModelsUse} from "./commands/models.js";
import {runRead} from "./commands/read.js";
import type {ServeFlags} from "./commands/serve.js";
import {packageVersion} from "./package-root.js";

/** Told what a command found; undefined when it has printed everything itself. */
export type OnResult = (result: CommandResult | undefined) => void;

/** Runs one command with the flags given before and behind its name. */
export type Runner = (
    command: Command,
    work: (flags: CommonFlags) => Promise<CommandResult | undefined>,
) => Promise<void>;

export interface ProgramOptions {
    context: CommandContext;
    input: NodeJS.ReadableStream;
    onResult: OnResult;
}

export function buildProgram({context, input, onResult}: ProgramOptions): Command {
    const {terminal} = context;
    const program = new Command("kvasir")
        .description("A private coding assistant on a local model that keeps a whole repository in reach.")
        .version(packageVersion(), "-V, --version", "print the version")
        .helpOption("-h, --help", "print this")
        .configureHelp({showGlobalOptions: true})
        .configureOutput({
            writeOut: (text) => void terminal.stdout.write(text),
            // Failures are thrown, and told once, in our own words.
            writeErr: () => undefined,
            getOutHelpWidth: () => Math.min(terminal.columns, 120),
            getOutHasColors: () => false,
        })
        .exitOverride()
        .allowExcessArguments(false);
    addCommonFlags(program);

    const run: Runner = async (command, work) => onResult(await work(command.optsWithGlobals<CommonFlags>()));

    program
        .command("doctor")
        .description("machine, GPU, model, addon and cache, and what to do about what is wrong")
        .action((_: object, command: Command) => run(command, (flags) => runDoctor(context, flags)));

    program
        .command("read")
        .description("read files or folders into segments")
        .argument("<path...>", "files or folders; ignore rules apply")
        .option("--refine", "then score them again with better scores and keep the better rows: about two reads more")
        .action((paths: string[], own: {refine?: boolean}, command: Command) =>
            run(command, (flags) => runRead(context, paths, flags, own)),
        );

    program
        .command("ask")
        .description("answer a question with the repository as context")
        .argument("[question]", "in quotes; before --context")
        .option("--context <path...>", "see these files or folders and no others")
        .option("--session <name>", "go on with the conversation of that name")
        .option("--max-tokens <n>", "longest answer", wholeNumber(1, 1_000_000), 512)
        .option("--temperature <t>", "0 always takes the likeliest token", temperature, 0)
        .option("--seed <n>", "of the random choice", wholeNumber(0, 2 ** 32 - 1))
        .option("-i, --interactive", "chat in the terminal")
        .action((question: string | undefined, _: object, command: Command) =>
            run(command, async (common) => {
                const flags = common as AskFlags;
                if (flags.interactive !== true) return runAsk(context, question, flags);
                if (flags.json === true) throw usage("--interactive and --json do not go together.");
                await runInteractive(context, input, question, flags);
                return undefined;
            }),
        );

    program
        .command("complete")
        .description("one inline completion")
        .argument("<file>", "the file with the cursor")
        .requiredOption("--line <l>", "line of the cursor, from 1", wholeNumber(1))
        .requiredOption("--column <c>", "column of the cursor, from 1, in UTF-16 units", wholeNumber(1))
        .option("--context <path...>", "see these files or folders and no others")
        .option("--candidates <n>", "several to choose from", wholeNumber(1, maxCandidates), 1)
        .action((file: string, _: object, command: Command) =>
            run(command, (flags) => runComplete(context, file, flags as CompleteFlags)),
        );

    program
        .command("serve")
        .description("the OpenAI API on this machine, over the files of this folder")
        .option("--port <n>", "0 for any that is free", wholeNumber(0, 65_535), 8427)
        .option("--read", "read every file ahead")
        .option("--max-body-mib <n>", "largest request", wholeNumber(1, 256), 8)
        .option("--max-pending <n>", "requests that run or wait", wholeNumber(1, 100), 16)
        .option("--timeout <s>", "longest request, in seconds", wholeNumber(1, 86_400), 600)
        .action((_: object, command: Command) =>
            run(command, async (flags) => {
                // Loaded late: other commands need no server.
                const {runServe} = await import("./commands/serve.js");
                return runServe(context, flags as ServeFlags);
            }),
        );

    program
        .command("mcp")
        .description("tools over this folder for agents (Model Context Protocol, on standard input and output)")
        .action((_: object, command: Command) =>
            run(command, async (flags) => {
                if (flags.json === true) throw usage("mcp speaks its own protocol: --json does not go with it.");
                const {runMcp} = await import("./commands/mcp.js");
                return runMcp(context, flags);
            }),
        );

    program
        .command("calibrate")
        .description("measure the head profile of the model on the files of this folder")
        .action((_: object, command: Command) => run(command, (flags) => runCalibrate(context, flags)));

    const models = program.command("models").description("choose, look for and download models");
    const folder = ["--folder <path...>", "look for models there too"] as const;
    models
        .command("list", {isDefault: true})
        .description("the catalogue, and the models on this machine")
        .option(...folder)
        .action((_: object, command: Command) =>
            run(command, (flags) => runModelsList(context, flags, {isAdvice: false})),
        );
    models
        .command("advise")
        .description("what fits into this machine, and with how much of a repository, before anything is downloaded")
        .option(...folder)
        .action((_: object, command: Command) =>
            run(command, (flags) => runModelsList(context, flags, {isAdvice: true})),
        );
    models
        .command("get")
        .description(
            "download a model of the catalogue, or from hf:USER/REPOSITORY/FILE, hf:USER/REPOSITORY:QUANT or a URL",
        )
        .argument("<model>")
        .addOption(new Option("--progress", "print progress as lines of JSON on standard error").hideHelp())
        .action((name: string, _: object, command: Command) =>
            run(command, (flags) => runModelsGet(context, name, flags)),
        );
    models
        .command("use")
        .description("use this model from now on when --model is not given")
        .argument("<model>", "a file, or the id or name of a model on this machine")
        .option(...folder)
        .action((name: string, _: object, command: Command) =>
            run(command, (flags) => runModelsUse(context, name, flags)),
        );

    program
        .command("cuda")
        .description("what llama.cpp for CUDA would take, and fetching it (by npm)")
        .option("--add", "fetch it")
        .action((_: object, command: Command) => run(command, (flags) => runCuda(context, flags)));

    const cache = program.command("cache").description("show and mend the store");
    const cacheAction = (action: CacheAction, command: Command, path?: string) =>
        run(command, (flags) => runCache(context, action, path, flags));
    cache
        .command("list", {isDefault: true})
        .description("what the store holds")
        .action((_: object, command: Command) => cacheAction("list", command));
    cache
        .command("drop")
        .description("forget what was read of one file")
        .argument("<path>", "as `cache list` shows it")
        .action((path: string, _: object, command: Command) => cacheAction("drop", command, path));
    cache
        .command("clear")
        .description("forget everything")
        .action((_: object, command: Command) => cacheAction("clear", command));
    cache
        .command("verify")
        .description("check every segment and remove damaged ones")
        .action((_: object, command: Command) => cacheAction("verify", command));

    addBenchCommand(program, context, run);
    return program;
}

/** What commander throws, as a coded error; undefined when it only printed help or the version. */
export function usageErrorOf(error: CommanderError): KvasirError | undefined {
    // `help` is what a command that needs a subcommand throws; it was not asked for.
    if (error.code === "commander.help")
        return usage("no command was given.", "Run `kvasir --help` for the commands there are.");
    if (error.exitCode === 0) return undefined;
    const message = error.message.replace(/^error: /, "");
    const flag = /unknown option '([^']+)'/.exec(message)?.[1];
    if (flag !== undefined) return unknownFlag(flag);
    return usage(asSentence(message), "Run `kvasir --help`, or `kvasir COMMAND --help`, for what there is.");
}

function asSentence(message: string): string {
    return /[.?!)]$/.test(message) ? message : `${message}.`;
}
