/** What the cursor stands in while a question is written: a mention, a command, or plain text. Pure text. */

export interface Word {
    kind: "mention" | "slash";
    /** What was typed behind the mark. */
    letters: string;
    /** The place of the whole word, mark included. */
    start: number;
    end: number;
}

/** The mention or command that ends at the cursor. */
export function wordAt(text: string, cursor: number): Word | undefined {
    const before = text.slice(0, cursor);
    const slash = /^\s*\/([a-z-]*)$/i.exec(before);
    if (slash !== null) return {kind: "slash", letters: slash[1] ?? "", start: before.indexOf("/"), end: cursor};
    const quoted = /(?:^|[\s([{<,;:=])@((?:symbol:)?"[^"\n]*)$/.exec(before);
    const mention = quoted ?? /(?:^|[\s([{<,;:=])@([^\s"'`<>|*?,;@]*)$/.exec(before);
    if (mention === null) return undefined;
    const letters = mention[1] ?? "";
    return {kind: "mention", letters: letters.replace('"', ""), start: cursor - letters.length - 1, end: cursor};
}

/** The text with the word replaced, a space behind it, and where the cursor is then. */
export function replaceWord(text: string, {start, end}: Word, insert: string): {text: string; cursor: number} {
    const rest = text.slice(end);
    // A folder's mention is gone on with.
    const space = insert.endsWith("/") || /^\s/.test(rest) ? "" : " ";
    const cursor = start + insert.length + (insert.endsWith("/") ? 0 : 1);
    return {text: text.slice(0, start) + insert + space + rest, cursor};
}

/** The text with something put in at the cursor, set apart by spaces. */
export function insertAt(text: string, cursor: number, insert: string): {text: string; cursor: number} {
    const before = text.slice(0, cursor);
    const rest = text.slice(cursor);
    const lead = before === "" || /[\s([]$/.test(before) ? "" : " ";
    const tail = /^\s/.test(rest) ? "" : " ";
    const next = before + lead + insert + tail;
    return {text: next + rest, cursor: next.length + (tail === "" ? 1 : 0)};
}
