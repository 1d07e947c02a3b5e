/**
 * Owns how long a completion may be at a place: the rest of the line, a whole block, or as the text itself turns out.
 * It reads punctuation and indentation only, so that it works in any language.
 */
import {isOnlyClosers} from "./brackets.js";

export type LineMode = "auto" | "never" | "always";

export interface LinePlace {
    /** Text before the cursor, the last few lines suffice. */
    before: string;
    /** Text behind the cursor, the first few lines suffice. */
    after: string;
}

/** A line that ends so opens a block or a list: brackets, `=>`, `:` (Python, YAML), words of Ruby, Lua and shells. */
const opensBlock = /([([{]|=>|->|:|\b(?:do|then|else|begin|try|of))\s*$/;
/** A comment line alone before an empty line asks for what it describes. */
const isComment = /^\s*(?:\/\/|\/?\*|#|--|;;|<!--|"""|''')/;

/**
 * `never`: code follows on the line, so only the gap is filled. `always`: the syntax calls for a block or an argument
 * list. `auto`: the engine stops where the thought ends.
 */
export function lineMode({before, after}: LinePlace): LineMode {
    const afterLine = firstLine(after);
    if (!isOnlyClosers(afterLine)) return "never";
    const lines = before.split("\n");
    const line = lines.at(-1) ?? "";
    // A string ends on its line; between auto-closed brackets a list or a callback may go on over lines.
    if (afterLine.trim() !== "") return /^\s*["'`]/.test(afterLine) ? "never" : "auto";
    if (line.trim() !== "") return opensBlock.test(line) ? "always" : "auto";
    const previous = lines.slice(0, -1).findLast((each) => each.trim() !== "");
    if (previous === undefined) return "auto";
    const isDeeper = indentOf(line) > indentOf(previous);
    if (opensBlock.test(previous) || isComment.test(previous)) return isBlockFilled(line, after) ? "auto" : "always";
    return isDeeper ? "always" : "auto";
}

/** The block already has a body: the next line of text is indented at least as deep as the cursor. */
function isBlockFilled(line: string, after: string): boolean {
    const next = after
        .split("\n")
        .slice(1)
        .find((each) => each.trim() !== "");
    return next !== undefined && line.length > 0 && indentOf(next) >= indentOf(line) && !isOnlyClosers(next);
}

function firstLine(text: string): string {
    const end = text.indexOf("\n");
    return (end < 0 ? text : text.slice(0, end)).replace(/\r$/, "");
}

function indentOf(line: string): number {
    return (/^[\t ]*/.exec(line)?.[0] ?? "").replaceAll("\t", "    ").length;
}
