/** `kvasir bench ...`: each bench is one subcommand, added here. */
import path from "node:path";
import type {Command} from "commander";
import {commaList, nats, wholeNumber} from "../argument-parsers.js";
import type {CommandContext} from "../command-context.js";
import type {Runner} from "../program.js";
import {runChoose, type ChooseFlags} from "./choose/choose.js";
import {runPlot, type PlotFlags} from "./plot/plot.js";
import type {QualityFlags} from "./quality/quality-flags.js";
import {runQuality} from "./quality/quality.js";
import {runTasks, type TasksFlags} from "./tasks/tasks.js";
import {runSpeed, type SpeedFlags} from "./speed.js";

export function addBenchCommand(program: Command, context: CommandContext, run: Runner): void {
    const bench = program.command("bench").description("measure Kvasir on this machine");
    bench
        .command("speed")
        .description("the speed table, with the peers that are installed, in one run")
        .option("--rounds <n>", "how often each side is measured", wholeNumber(1, 50), 3)
        .option("--rows <a,b>", "these rows only", commaList)
        .option("--repo <path>", `files to work on (default: the demo repository, ${path.join(".kvasir", "repos")})`)
        .action((_: object, command: Command) => run(command, (flags) => runSpeed(context, flags as SpeedFlags)));
    bench
        .command("quality")
        .description("what each policy loses, on pairs of a target and the files it is written beside")
        .option("--pairs <file>", "pairs to measure")
        .option("--repo <path...>", "repositories to make pairs from, by their imports")
        .option("--n-pairs <n>", "how many pairs to make", wholeNumber(1, 10_000), 60)
        .option("--seed <n>", "of the choice of pairs", wholeNumber(0, 2 ** 32 - 1), 1)
        .option("--write-pairs <file>", "keep the pairs that were made")
        .option("--pairs-only", "write the pairs and measure nothing")
        .option(
            "--policies <a,b>",
            "these policies (default: all); NAME:stride=2 and NAME:part=0.5 change a part",
            commaList,
        )
        .option("--budgets <a,b>", "shares of rows to keep, above 0 and below 1", commaList, ["0.25", "0.125"])
        .option("--positions <a,b>", "parallel, sequential or both (default: --position)", commaList)
        .option("--profile <file>", "another head profile of this model")
        .option("--calibrate-on <path>", "measure the head profile on this folder first")
        .option("--html <file>", "write a page with plots")
        .action((_: object, command: Command) => run(command, (flags) => runQuality(context, flags as QualityFlags)));
    bench
        .command("choose")
        .description("how much of the right files' benefit each way of choosing finds in a repository")
        .requiredOption("--repo <path>", "the repository")
        .option("--n-targets <n>", "how many targets to complete", wholeNumber(1, 10_000), 12)
        .option("--seed <n>", "of the choice of targets and files", wholeNumber(0, 2 ** 32 - 1), 1)
        .option("--pool-tokens <n>", "tokens of the files that are known", wholeNumber(1), 32_768)
        .option("--choosers <a,b>", "these ways of choosing (default: all)", commaList)
        .option("--files <a,b>", "how many files to choose", commaList, ["4", "8"])
        .option("--budgets <a,b>", "shares of rows to keep; 1 is every row", commaList, ["0.25"])
        .option(
            "--min-benefit <nats>",
            "leave out targets whose imports help by less, per token of their names",
            nats,
            0.25,
        )
        .action((_: object, command: Command) => run(command, (flags) => runChoose(context, flags as ChooseFlags)));
    bench
        .command("tasks")
        .description(
            "questions whose answers stand in the files, answered behind all rows and behind those that are kept",
        )
        .requiredOption("--repo <path...>", "repositories to ask about")
        .option("--n-sets <n>", "how many sets of files to ask about", wholeNumber(1, 10_000), 12)
        .option("--context-tokens <n>", "tokens of the files of a set", wholeNumber(512), 4096)
        .option("--per-task <n>", "at most this many questions of each task about a set", wholeNumber(1, 100), 4)
        .option("--seed <n>", "of the choice of files and questions", wholeNumber(0, 2 ** 32 - 1), 1)
        .option("--policies <a,b>", "these policies (default: --policy)", commaList)
        .option("--budgets <a,b>", "shares of rows to keep, above 0 and below 1", commaList, ["0.25", "0.125"])
        .option("--asked <a,b>", "alone, in-turn or both: each question alone, or all in one conversation", commaList, [
            "alone",
            "in-turn",
        ])
        .action((_: object, command: Command) => run(command, (flags) => runTasks(context, flags as TasksFlags)));
    bench
        .command("plot")
        .description("pictures of what `bench quality --json` measured")
        .argument("<file...>", "JSON of one run or several")
        .requiredOption("--out <folder>", "where the pictures go")
        .option("--policies <a,b>", "these policies (default: all that there are)", commaList)
        .option("--profile <file>", "a head profile to draw too")
        .action((files: string[], _: object, command: Command) =>
            run(command, (flags) => runPlot(context, files, flags as PlotFlags)),
        );
}
