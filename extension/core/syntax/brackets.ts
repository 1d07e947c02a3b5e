/**
 * Owns counting brackets in text that need not be a whole program, outside strings and comments. It is a
 * scan, not a parser: it runs at every key stroke, over whatever stands around a cursor.
 */
import type {Syntax} from "./syntax-of.js";

export interface Unmatched {
    bracket: string;
    /** UTF-16 offset in the scanned text. */
    at: number;
}

export interface BracketScan {
    /** Openers without a closer, outermost first. */
    open: Unmatched[];
    /** Closers without an opener, in order. */
    closers: Unmatched[];
    /** Where the text ends: code, or inside a string or comment. */
    endsIn: "code" | "string" | "comment";
    /** What would be written to be there again: the string's quote, the comment's mark; `""` in code. */
    openedBy: string;
}

const closerOf: Record<string, string> = {"(": ")", "[": "]", "{": "}"};
const openers = new Set(Object.keys(closerOf));
const closers = new Set(Object.values(closerOf));

/** The closer of an opener. */
export function closing(opener: string): string {
    return closerOf[opener] ?? "";
}

/**
 * Finds the brackets that have no partner in a text. A closer of another kind than the innermost opener
 * closes nothing (half-written code has such) unless an opener of its kind is open further out.
 */
export function scanBrackets(text: string, syntax: Syntax): BracketScan {
    const open: Unmatched[] = [];
    const unmatched: Unmatched[] = [];
    let endsIn: BracketScan["endsIn"] = "code";
    let openedBy = "";
    for (let at = 0; at < text.length;) {
        const skipped = skipNonCode(text, at, syntax);
        if (skipped !== undefined) {
            if (skipped.isOpen) {
                endsIn = skipped.kind;
                openedBy = skipped.mark;
            }
            at = skipped.end;
            continue;
        }
        const character = text[at]!;
        if (openers.has(character)) open.push({bracket: character, at});
        else if (closers.has(character)) {
            const partner = open.findLastIndex(({bracket}) => closerOf[bracket] === character);
            if (partner === -1) unmatched.push({bracket: character, at});
            else open.length = partner;
        }
        at += 1;
    }
    return {open: syntax.hasBrackets ? open : [], closers: syntax.hasBrackets ? unmatched : [], endsIn, openedBy};
}

interface Skipped {
    kind: "string" | "comment";
    mark: string;
    end: number;
    /** The text ended before it did. */
    isOpen: boolean;
}

/** The string or comment that begins at an offset, if one does. */
function skipNonCode(text: string, at: number, syntax: Syntax): Skipped | undefined {
    const lineComment = syntax.lineComments.find((mark) => text.startsWith(mark, at));
    if (lineComment !== undefined) {
        const end = text.indexOf("\n", at);
        return {kind: "comment", mark: lineComment, end: end === -1 ? text.length : end, isOpen: end === -1};
    }
    if (syntax.hasBlockComments && text.startsWith("/*", at)) {
        const end = text.indexOf("*/", at + 2);
        return {kind: "comment", mark: "/*", end: end === -1 ? text.length : end + 2, isOpen: end === -1};
    }
    const longQuote = syntax.longQuotes.find((quote) => text.startsWith(quote, at));
    if (longQuote !== undefined) {
        const end = unescapedIndexOf(text, longQuote, at + longQuote.length, text.length);
        return {
            kind: "string",
            mark: longQuote,
            end: end === -1 ? text.length : end + longQuote.length,
            isOpen: end === -1,
        };
    }
    const quote = text[at];
    if (!syntax.hasBrackets || (quote !== '"' && quote !== "'")) return undefined;
    if (quote === "'" && syntax.hasCharacterQuotes) {
        const literal = /^'(?:\\[^\n][^'\n]*|[^'\\\n]{1,2})'/.exec(text.slice(at, at + 16));
        return literal === null ? undefined : {kind: "string", mark: quote, end: at + literal[0].length, isOpen: false};
    }
    const newline = text.indexOf("\n", at);
    const lineEnd = newline === -1 ? text.length : newline;
    const end = unescapedIndexOf(text, quote, at + 1, lineEnd);
    if (end !== -1) return {kind: "string", mark: quote, end: end + 1, isOpen: false};
    // No partner on its line: an apostrophe or a lifetime, unless it is the last line, where a string is being typed.
    const isTyped = newline === -1 && !(quote === "'" && /\w/.test(text[at - 1] ?? ""));
    return isTyped ? {kind: "string", mark: quote, end: text.length, isOpen: true} : undefined;
}

function unescapedIndexOf(text: string, quote: string, from: number, to: number): number {
    for (let at = from; at < to; at++) {
        if (text[at] === "\\") at += 1;
        else if (text.startsWith(quote, at)) return at;
    }
    return -1;
}

/** How far from the cursor brackets are looked for: whole files in all but the longest. */
const maxScanned = 40_000;

/**
 * The closers that text typed at a cursor may still add, in order: those of the openers before the cursor
 * that nothing after the cursor closes. In a program that is complete but for the gap there are none, so
 * `foo(|)` takes no further `)`.
 */
export function missingClosers(textBefore: string, textAfter: string, syntax: Syntax): string[] {
    const before = scanBrackets(lastLines(textBefore), syntax);
    const after = scanBrackets(textAfter.slice(0, maxScanned), syntax);
    const expected = before.open.map(({bracket}) => closing(bracket)).reverse();
    const given = after.closers.map(({bracket}) => bracket);
    // What follows closes from some opener outwards; the fewest inner openers left over is the likeliest reading.
    for (let nMissing = 0; nMissing < expected.length; nMissing++) {
        const rest = expected.slice(nMissing);
        const isWhole = textAfter.length <= maxScanned;
        if (isWhole && rest.length > given.length) continue;
        if (rest.every((closer, i) => i >= given.length || given[i] === closer)) return expected.slice(0, nMissing);
    }
    return expected;
}

function lastLines(text: string): string {
    if (text.length <= maxScanned) return text;
    const start = text.indexOf("\n", text.length - maxScanned);
    return text.slice(start === -1 ? text.length - maxScanned : start + 1);
}
