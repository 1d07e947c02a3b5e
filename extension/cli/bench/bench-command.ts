/** `kvasir bench ...`: each bench is one subcommand, added here. */
import path from "node:path";
import type {Command} from "commander";
import {commaList, wholeNumber} from "../argument-parsers.js";
import type {CommandContext} from "../command-context.js";
import type {Runner} from "../program.js";
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
}
