/** New names for a symbol: when a model is good enough to be asked, the question, and the names in its answer. */
import {fenced} from "./fence.js";

/** Below about three billion weights at four bits, names are guesses that cost more attention than they save. */
const minWeightsBytes = 1.6e9;

/** @param setting `auto` asks only a model of some size */
export function mayRename(
    setting: "auto" | "on" | "off",
    model: {weightsBytes: number; supported: boolean} | undefined,
): boolean {
    if (setting === "off" || model === undefined || !model.supported) return false;
    return setting === "on" || model.weightsBytes >= minWeightsBytes;
}

export function renameQuestion(
    name: string,
    {path, language, text}: {path: string; language: string; text: string},
): string {
    return [
        `Suggest better names for \`${name}\` in ${path}.`,
        fenced(text, language),
        "Answer with one to five names, one on each line, in the naming style of this code, the best first, and nothing else.",
    ].join("\n\n");
}

/** Words that can be a name in most languages, each once, without the old one. */
export function parseNames(answer: string, oldName: string): string[] {
    const names = answer
        .split(/\r?\n|,/)
        .map((line) => /^\s*(?:[-*•]|\d+[.)])?\s*`?([\p{L}_$][\p{L}\p{N}_$]*)`?\s*$/u.exec(line)?.[1])
        .filter((name): name is string => name !== undefined && name !== oldName && name.length <= 80);
    return [...new Set(names)].slice(0, 5);
}
