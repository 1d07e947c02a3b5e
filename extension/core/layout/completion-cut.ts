/**
 * Owns where a completion ends: the model goes on writing, a person wants the thought it stands in. Rules
 * look at lines, indentation and brackets, and say whether more text could still change the answer, so that
 * generation stops as soon as none can.
 */
import {scanBrackets} from "../syntax/brackets.js";
import {type CursorPlace, indentOf, opensBlock} from "./completion-place.js";

export interface Cut {
    /** UTF-16 offset in the raw text at which the completion ends. */
    end: number;
    /** No further text would change `end`: generation may stop. */
    isFinal: boolean;
    /** The completion ends before a closing bracket that stands behind the cursor already. */
    isAtCloser: boolean;
}

/** More lines than this nobody reads in grey. */
export const defaultMaxLines = 24;

interface Line {
    text: string;
    start: number;
    end: number;
    /** A line feed follows: the line is complete. */
    isComplete: boolean;
}

/** Where a raw completion ends at a place. */
export function cutCompletion(raw: string, place: CursorPlace, maxLines = defaultMaxLines): Cut {
    const byLines = cutAtLine(raw, place, maxLines);
    const closer = surplusCloser(raw, place);
    if (closer === undefined || closer > byLines.end) return byLines;
    return {end: closer, isFinal: true, isAtCloser: true};
}

/** The first closer that neither the completion nor the text before the cursor has an opener for, or the quote that the text after it has. */
function surplusCloser(
    raw: string,
    {syntax, missing, openedBy, isInString, lineAfter}: CursorPlace,
): number | undefined {
    if (isInString && lineAfter.startsWith(openedBy)) {
        const quote = closingQuote(raw, openedBy);
        return quote;
    }
    const {closers} = scanBrackets(openedBy + raw, syntax);
    const surplus = closers.find(({bracket}, i) => missing[i] !== bracket);
    return surplus === undefined ? undefined : surplus.at - openedBy.length;
}

function closingQuote(raw: string, quote: string): number | undefined {
    for (let at = 0; at < raw.length; at++) {
        if (raw[at] === "\\") at += 1;
        else if (raw.startsWith(quote, at)) return at;
    }
    return undefined;
}

function cutAtLine(raw: string, place: CursorPlace, maxLines: number): Cut {
    const at = (end: number, isFinal: boolean): Cut => ({end, isFinal, isAtCloser: false});
    const lines = linesOf(raw);
    const first = lines[0]!;
    if (place.reach === "gap") return at(first.end, first.isComplete);

    const opensItself = (line: Line) =>
        nOpen(raw.slice(0, line.end), place) > 0 ||
        opensBlock(line === first ? place.lineBefore + line.text : line.text, place.syntax);
    // A line that is already whole and goes on below: the completion is the next line, and what that opens.
    const isNextLine = place.reach === "line" && first.text.trim() === "" && place.lineBefore.trim() !== "";
    const lead = isNextLine ? (lines.find(({text}) => text.trim() !== "") ?? first) : first;
    if (place.reach === "line" && !opensItself(lead)) return at(lead.end, lead.isComplete);

    // Of what a line opens everything is deeper than the line; of statements nothing is shallower than the cursor.
    const ownIndent = isNextLine ? indentOf(lead.text) : place.baseIndent;
    const isInside = (indent: number) => (place.reach === "statements" ? indent >= ownIndent : indent > ownIndent);
    let end = lead.end;
    let nLines = lines.indexOf(lead) + 1;
    let nBlank = 0;
    for (const line of lines.slice(nLines)) {
        const nOpenBefore = nOpen(raw.slice(0, line.start), place);
        if (line.text.trim() === "") {
            nBlank += 1;
            // Two blank lines part anything; one parts statements, and follows a line's block that is closed.
            const isParted =
                nBlank > 1 || (nOpenBefore === 0 && place.reach === "statements" && isWhole(raw.slice(0, end), place));
            if (isParted && line.isComplete) return at(end, true);
            continue;
        }
        if (nOpenBefore === 0 && !isInside(indentOf(line.text))) {
            if (closesBlock(line.text, place)) return at(line.end, line.isComplete);
            const indent = /^\s*/.exec(line.text)![0].length;
            const isStandingThere =
                place.lineAfter.trimStart().startsWith(line.text[indent]!) && /[)\]}]/.test(line.text[indent]!);
            return isStandingThere ? {end: line.start + indent, isFinal: true, isAtCloser: true} : at(end, true);
        }
        if (nLines === maxLines) return at(end, true);
        nLines += 1;
        nBlank = 0;
        end = line.end;
        if (place.reach === "line" && line.isComplete && !opensItself(line) && ownIndent >= indentOf(line.text))
            return at(end, true);
    }
    return at(raw.length, false);
}

/** A block of statements is whole when its last line opens nothing: `if x:` before a blank line is not. */
function isWhole(text: string, {syntax}: CursorPlace): boolean {
    return !opensBlock(text, syntax);
}

/** A line of closers that the block's opener is still waiting for. */
function closesBlock(line: string, {missing}: CursorPlace): boolean {
    const closer = /^\s*([)\]}])/.exec(line)?.[1];
    return closer !== undefined && missing[0] === closer;
}

function nOpen(text: string, {syntax, openedBy}: CursorPlace): number {
    return scanBrackets(openedBy + text, syntax).open.length;
}

function linesOf(raw: string): Line[] {
    const lines: Line[] = [];
    for (let start = 0; ;) {
        const newline = raw.indexOf("\n", start);
        const end = newline === -1 ? raw.length : newline;
        lines.push({text: raw.slice(start, end).replace(/\r$/, ""), start, end, isComplete: newline !== -1});
        if (newline === -1) return lines;
        start = newline + 1;
    }
}
