/** A path with lines behind it, as people and models write it: `src/a.ts:3-20`, `src/a.ts:3`, `src/a.ts#L3-L20`. */

export interface PathRange {
    path: string;
    /** From 1. */
    startLine?: number;
    endLine?: number;
}

export function splitRange(text: string): PathRange {
    const match = /^(.+?)(?::(\d{1,7})(?:-(\d{1,7}))?|#L(\d{1,7})(?:-L?(\d{1,7}))?)$/.exec(text);
    if (match === null) return {path: text};
    const start = Math.max(1, Number(match[2] ?? match[4]));
    const end = match[3] ?? match[5];
    return {
        path: match[1] as string,
        startLine: start,
        ...(end === undefined ? {} : {endLine: Math.max(start, Number(end))}),
    };
}
