/** An edit of a selection by words: the question to the model, and what of its answer takes the selection's place. */
import {fenced} from "./fence.js";
import {parseCodeBlocks} from "./code-block.js";
import {indentOf, isBlank, reindent, toLines} from "./edit/line-text.js";

export interface InlineEditSubject {
    path: string;
    language: string;
    /** From 1, whole lines, both included. */
    startLine: number;
    endLine: number;
    text: string;
    /** A few lines on each side, so that the new code fits. */
    before: string;
    after: string;
}

export function inlineEditQuestion(
    {path, language, startLine, endLine, text, before, after}: InlineEditSubject,
    wish: string,
): string {
    const around = [
        before === "" ? "" : `The lines before it:\n${fenced(before, language)}`,
        after === "" ? "" : `The lines after it:\n${fenced(after, language)}`,
    ].filter((part) => part !== "");
    const what =
        text.trim() === ""
            ? `Write new code at line ${startLine} of ${path}.`
            : `Change lines ${startLine} to ${endLine} of ${path}.`;
    return [
        what,
        ...around,
        ...(text.trim() === "" ? [] : [`The lines to change:\n${fenced(text, language)}`]),
        `What to do: ${wish.trim()}`,
        text.trim() === ""
            ? "Answer with the new code only, in one block."
            : "Answer with the changed lines only, in one block, without the lines before and after.",
    ].join("\n\n");
}

/**
 * The code that takes the place of the selection, at its depth and with its line endings. While an answer still comes,
 * what is there so far.
 * @returns undefined while there is no code
 */
export function inlineEditText(answer: string, {text, before, after}: InlineEditSubject): string | undefined {
    const block = parseCodeBlocks(answer).find(({kind}) => kind !== "shell");
    const code = block?.code ?? (isProse(answer) ? undefined : answer);
    if (code === undefined || code.trim() === "") return undefined;
    const wanted = toLines(text);
    let lines = toLines(code).lines;
    lines = withoutEcho(lines, toLines(before).lines, toLines(after).lines);
    const first = lines.find((line) => !isBlank(line)) ?? "";
    const model =
        wanted.lines.find((line) => !isBlank(line)) ?? toLines(before).lines.findLast((line) => !isBlank(line)) ?? "";
    // A model that writes at no depth, or at another one, means the depth of the selection.
    const fitted =
        indentOf(first).length < indentOf(model).length ? reindent(lines, indentOf(first), indentOf(model)) : lines;
    if (text.trim() === "") {
        const {eol} = toLines(before + after);
        return setApart(fitted, toLines(before).lines.at(-1), toLines(after).lines[0]).join(eol) + eol;
    }
    return fitted.join(wanted.eol) + (wanted.endsWithBreak ? wanted.eol : "");
}

/** New code on the one empty line between two pieces of code is as far from both as they were from each other. */
function setApart(lines: readonly string[], above: string | undefined, below: string | undefined): string[] {
    const first = lines.findIndex((line) => !isBlank(line));
    const code = lines.slice(first, lines.findLastIndex((line) => !isBlank(line)) + 1);
    // The beginning of a block and its end have no empty line inside, and a comment stands right above what it is about.
    const isApartAbove = above !== undefined && !isBlank(above) && !/[{([:]\s*$/.test(above);
    const isApartBelow =
        below !== undefined &&
        !isBlank(below) &&
        !/^\s*[)}\]]/.test(below) &&
        !/^\s*(?:\/\/|#|--)|\*\/\s*$/.test(code.at(-1) ?? "");
    return [...(isApartAbove ? [""] : []), ...code, ...(isApartBelow ? [""] : [])];
}

/** Models repeat the line before or after though they were asked not to. */
function withoutEcho(lines: readonly string[], before: readonly string[], after: readonly string[]): string[] {
    let start = 0;
    for (let size = Math.min(before.length, lines.length - 1); size > 0; size--) {
        if (isSame(lines.slice(0, size), before.slice(before.length - size))) {
            start = size;
            break;
        }
    }
    let end = lines.length;
    for (let size = Math.min(after.length, lines.length - start - 1); size > 0; size--) {
        if (isSame(lines.slice(lines.length - size), after.slice(0, size), start > 0)) {
            end = lines.length - size;
            break;
        }
    }
    return lines.slice(start, end);
}

/** The same words; brackets alone count only where the line that opens them was repeated too, else they are the answer's own. */
function isSame(a: readonly string[], b: readonly string[], mayBeBrackets = false): boolean {
    const isText = mayBeBrackets || a.some((line) => /[\p{L}\p{N}]/u.test(line));
    return isText && a.every((line, index) => line.trim() === b[index]?.trim());
}

function isProse(answer: string): boolean {
    const text = answer.trim().replace(/`[^`\n]*`/g, "code");
    // A sentence that ends, or four of its words in a row: no line of code begins like that.
    return /^(?:[A-Z][\p{L}']*[ ,][\p{L}', ]+[.:]|[A-Z][a-z']*(?:,? [\p{L}'-]+){3}|I |Sure|Here|To )/mu.test(text);
}
