/**
 * A text as lines, with the line ending it uses, so that an edit made of other lines keeps the file's own form.
 */

export interface LineText {
    lines: string[];
    eol: "\n" | "\r\n";
    /** Whether the last line ends with a line break. */
    endsWithBreak: boolean;
}

/** "" has no lines. */
export function toLines(text: string): LineText {
    const crlf = text.match(/\r\n/g)?.length ?? 0;
    const lf = (text.match(/\n/g)?.length ?? 0) - crlf;
    const lines = text.split(/\r?\n/);
    const endsWithBreak = lines.at(-1) === "" && lines.length > 1;
    if (lines.at(-1) === "") lines.pop();
    return {lines, eol: crlf > lf ? "\r\n" : "\n", endsWithBreak};
}

export function toText({lines, eol, endsWithBreak}: LineText): string {
    return lines.length === 0 ? "" : lines.join(eol) + (endsWithBreak ? eol : "");
}

/** The white space a line begins with. */
export function indentOf(line: string): string {
    return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** Columns of the indent, a tab counting four. */
export function indentWidth(line: string): number {
    let width = 0;
    for (const character of indentOf(line)) width += character === "\t" ? 4 : 1;
    return width;
}

export function isBlank(line: string): boolean {
    return line.trim() === "";
}

/** The same lines at another depth: what `from` is to the first line, `to` becomes; deeper lines keep their distance. */
export function reindent(lines: readonly string[], from: string, to: string): string[] {
    if (from === to) return [...lines];
    return lines.map((line) => {
        if (isBlank(line)) return "";
        if (line.startsWith(from)) return to + line.slice(from.length);
        // Less deep than the first line: as near as it can be.
        return to.slice(0, Math.max(0, to.length - (from.length - indentOf(line).length))) + line.trimStart();
    });
}
