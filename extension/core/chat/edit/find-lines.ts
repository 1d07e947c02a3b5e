/**
 * Finds lines that a model quotes in the file that it means. Models drop trailing spaces, change the depth and forget
 * blank lines, so the search grows more lenient step by step, and says how the place is indented.
 */
import {indentOf, isBlank} from "./line-text.js";

export interface FoundLines {
    /** Lines [start, end) of the text. */
    start: number;
    end: number;
    /** What the first quoted line begins with, and what the found one begins with. */
    quotedIndent: string;
    foundIndent: string;
}

const forms: readonly ((line: string) => string)[] = [
    (line) => line,
    (line) => line.trimEnd(),
    (line) => line.trim(),
    (line) => line.trim().replace(/\s+/g, " "),
];

/**
 * @param near the place nearest to this line is taken when there are several
 * @returns undefined when the lines are not there, or nothing but blank lines was quoted
 */
export function findLines(lines: readonly string[], quoted: readonly string[], near = 0): FoundLines | undefined {
    const wanted = trimBlank(quoted);
    if (wanted.length === 0) return undefined;
    for (const form of forms) {
        const found = nearest(matches(lines.map(form), wanted.map(form)), near);
        if (found !== undefined) return describe(lines, wanted, found, found + wanted.length);
    }
    // Blank lines aside, on both sides.
    const solid = lines.flatMap((line, index) => (isBlank(line) ? [] : [index]));
    const solidWanted = wanted.filter((line) => !isBlank(line)).map((line) => line.trim());
    const starts = matches(
        solid.map((index) => (lines[index] as string).trim()),
        solidWanted,
    );
    const at = nearest(
        starts.map((start) => solid[start] as number),
        near,
    );
    if (at === undefined) return undefined;
    const last = solid[solid.indexOf(at) + solidWanted.length - 1] as number;
    return describe(lines, wanted, at, last + 1);
}

/** Without the blank lines at both ends. */
export function trimBlank(lines: readonly string[]): string[] {
    let start = 0;
    let end = lines.length;
    while (start < end && isBlank(lines[start] as string)) start++;
    while (end > start && isBlank(lines[end - 1] as string)) end--;
    return lines.slice(start, end);
}

function matches(lines: readonly string[], wanted: readonly string[]): number[] {
    const starts: number[] = [];
    for (let start = 0; start + wanted.length <= lines.length; start++) {
        if (wanted.every((line, offset) => lines[start + offset] === line)) starts.push(start);
    }
    return starts;
}

function nearest(starts: readonly number[], near: number): number | undefined {
    let best: number | undefined;
    for (const start of starts) if (best === undefined || Math.abs(start - near) < Math.abs(best - near)) best = start;
    return best;
}

function describe(lines: readonly string[], wanted: readonly string[], start: number, end: number): FoundLines {
    return {start, end, quotedIndent: indentOf(wanted[0] ?? ""), foundIndent: indentOf(lines[start] ?? "")};
}
