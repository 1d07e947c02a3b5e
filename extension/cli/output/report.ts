/** How a command ends in print: its result, or its failure, for people or as the one JSON object. */
import {exitCodeOf, type KvasirError, toKvasirError} from "../../protocol/errors.js";
import type {CommandResult} from "../command-context.js";
import type {Terminal} from "./terminal.js";

/** @returns the exit code */
export function reportResult({json, text, exitCode = 0}: CommandResult, isJson: boolean, terminal: Terminal): number {
    if (isJson) terminal.stdout.write(`${JSON.stringify(json)}\n`);
    else if (text !== "") terminal.stdout.write(`${text}\n`);
    return exitCode;
}

/** @returns the exit code */
export function reportFailure(thrown: unknown, isJson: boolean, terminal: Terminal): number {
    const error = toKvasirError(thrown);
    if (isJson) {
        terminal.stdout.write(`${JSON.stringify({error: {code: error.code, message: sentenceOf(error)}})}\n`);
    } else {
        const colors = terminal.errColors;
        terminal.stderr.write(`${colors.red("error")} ${colors.bold(error.code)}: ${sentenceOf(error)}\n`);
    }
    return exitCodeOf(error.code);
}

/** Message and way out on one line, whatever line ends a message brought along. */
export function sentenceOf({message, fix}: Pick<KvasirError, "message" | "fix">): string {
    return [message, fix]
        .filter((part) => part !== undefined && part !== "")
        .join(" ")
        .replaceAll(/\s*[\r\n]+\s*/g, " ")
        .trim();
}
