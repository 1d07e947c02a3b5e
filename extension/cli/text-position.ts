/** From a line and column, as people and editors count them, to an offset in a text. Pure. */
import {positionOutside} from "../protocol/errors.js";

/**
 * @param line from 1
 * @param column from 1, in UTF-16 units; one behind the last character is the end of the line
 * @returns UTF-16 offset
 * @throws KvasirError `position-outside`
 */
export function offsetAt(text: string, line: number, column: number, path: string): number {
    const starts = lineStarts(text);
    const start = starts[line - 1];
    if (line < 1 || start === undefined)
        throw positionOutside(path, line, column, `it has ${starts.length} line${starts.length === 1 ? "" : "s"}`);
    const length = lineLength(text, start, starts[line] ?? text.length + 1);
    if (column < 1 || column > length + 1)
        throw positionOutside(path, line, column, `line ${line} ends at column ${length + 1}`);
    return start + column - 1;
}

/** Offsets where lines start: behind \n, \r\n, and a \r of its own. The text behind the last one is a line too. */
function lineStarts(text: string): number[] {
    const starts = [0];
    for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
    return starts;
}

function lineLength(text: string, start: number, next: number): number {
    return text.slice(start, next).replace(/[\r\n]+$/, "").length;
}
