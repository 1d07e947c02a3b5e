/**
 * Owns what the text around a cursor says about the completion that fits there: the rest of a line, a
 * statement, a whole block; which closing brackets may still be written. Computed once per completion.
 */
import {missingClosers, scanBrackets} from "../syntax/brackets.js";
import {type Syntax, syntaxOf} from "../syntax/syntax-of.js";

export interface Cursor {
    /** The whole text before and after it, or as much as is at hand. */
    textBefore: string;
    textAfter: string;
    /** Path of the file, or an editor's language name. */
    pathOrLanguage: string;
}

/** `auto` by the syntax, `never` more than one line, `always` a block. */
export type MultiLine = "auto" | "never" | "always";

/**
 * How far a completion may go. `gap`: not beyond the line, whatever it opens. `line`: the line, and what it
 * opens up to its end. `body`: the block that the line before the cursor opened. `statements`: what stands
 * at the cursor's indentation, up to a blank line.
 */
export type Reach = "gap" | "line" | "body" | "statements";

export interface CursorPlace {
    syntax: Syntax;
    reach: Reach;
    /** The cursor's line before and after the cursor. */
    lineBefore: string;
    lineAfter: string;
    /** The nearest line above that is not blank; `""` at the top. */
    lineAbove: string;
    /** Columns of indentation: deeper lines belong to a `body`, lines at least as deep to `statements`. */
    baseIndent: number;
    /** Closers that may be written without an opener of the completion's own, in order. */
    missing: readonly string[];
    /** What to put before the completion so that it is scanned as standing in the string or comment it continues. */
    openedBy: string;
    isInString: boolean;
}

/** Only what an editor closes by itself, and what ends a statement, may stand behind the cursor on a line that is still open. */
const closedByEditor = /^[\s)\]}>"'`;,:]*$/;

/** Reads the place of a cursor. */
export function cursorPlace(
    {textBefore, textAfter, pathOrLanguage}: Cursor,
    multiLine: MultiLine = "auto",
): CursorPlace {
    const syntax = syntaxOf(pathOrLanguage);
    const lineStart = textBefore.lastIndexOf("\n") + 1;
    const lineBefore = textBefore.slice(lineStart);
    const lineAfter = /^[^\r\n]*/.exec(textAfter)![0];
    const lineAbove = lastNonBlankLine(textBefore.slice(0, lineStart));
    const {endsIn, openedBy} = scanBrackets(textBefore.slice(-scanned), syntax);
    const isOpened = lineBefore.trim() !== "" && opensBlock(lineBefore, syntax);
    const reach = reachOf();
    const isInString = endsIn === "string";
    return {
        syntax,
        reach,
        lineBefore,
        lineAfter,
        lineAbove,
        baseIndent: indentOf(lineBefore),
        missing: missingClosers(textBefore, textAfter, syntax),
        openedBy,
        isInString,
    };

    function reachOf(): Reach {
        if (multiLine === "never" || !closedByEditor.test(lineAfter)) return "gap";
        if (endsIn !== "code" && !(endsIn === "string" && syntax.longQuotes.includes(openedBy)))
            return multiLine === "always" ? "line" : "gap";
        if (isOpened) return "body";
        if (lineBefore.trim() === "") return "statements";
        return multiLine === "always" ? "statements" : "line";
    }
}

/** Further back a string that began is not looked for. */
const scanned = 20_000;

/** True when a line opens a block or a list that goes on below it. */
export function opensBlock(line: string, syntax: Syntax): boolean {
    const code = line.trimEnd();
    if (syntax.hasIndentedBlocks && /:$/.test(code)) return true;
    if (!syntax.hasBrackets) return false;
    return /(?:[([{]|=>|\b(?:do|then|else|begin))$/.test(code) || /\bdo\s*\|[^|]*\|$/.test(code);
}

/** Columns of white space at the start of a line, a tab counting as four. */
export function indentOf(line: string): number {
    let columns = 0;
    for (const character of line) {
        if (character === " ") columns += 1;
        else if (character === "\t") columns += 4;
        else break;
    }
    return columns;
}

function lastNonBlankLine(text: string): string {
    for (let end = text.length; end > 0;) {
        const newline = text.lastIndexOf("\n", end - 1);
        const line = text.slice(newline + 1, end);
        if (line.trim() !== "") return line.replace(/\r$/, "");
        end = newline;
    }
    return "";
}
