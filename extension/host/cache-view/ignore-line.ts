/** Owns the line of an ignore file that names exactly one path, and putting it in and taking it out. Pure. */

/** A rule for one file, anchored at the folder of the ignore file, with everything escaped that has a meaning there. */
export function ignoreLine(path: string): string {
    const escaped = path.replace(/[\\*?[\]]/g, "\\$&").replace(/ +$/, (spaces) => "\\ ".repeat(spaces.length));
    return `/${escaped}`;
}

/** The text with the line at its end, in the text's own line breaks; unchanged when the line is there. */
export function withIgnoreLine(text: string, line: string): string {
    if (linesOf(text).includes(line)) return text;
    const lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
    const start = text === "" || text.endsWith("\n") ? text : text + lineBreak;
    return start + line + lineBreak;
}

/** The text without the line. */
export function withoutIgnoreLine(text: string, line: string): string {
    return text
        .split(/(?<=\n)/)
        .filter((each) => each.replace(/\r?\n$/, "") !== line)
        .join("");
}

function linesOf(text: string): string[] {
    return text.split(/\r?\n/);
}
