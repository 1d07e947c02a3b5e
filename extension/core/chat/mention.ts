/**
 * The `@` mentions of a question: what they look like in its text, and which one the cursor is in.
 * Must not know what exists: a mention that nothing answers to stays text.
 */

/** `path` names a file, or a folder with a slash at its end. */
export type MentionKind = "path" | "symbol" | "selection" | "problems" | "terminal" | "diff";

export interface Mention {
    kind: MentionKind;
    /** Path or name of the symbol; "" for the others. */
    value: string;
    /** UTF-16 offsets of the whole mention in the text, `@` included. */
    start: number;
    end: number;
}

/** The mentions that stand for one thing, with the words they are written by. */
export const singleMentions = ["selection", "problems", "terminal", "diff"] as const satisfies MentionKind[];

/** What may stand before `@`; a letter there makes it an address. */
const boundary = /[\s([{<"'>,;:=]/;
const mentionPattern = /@(?:(symbol):)?(?:"([^"\n]+)"|([^\s"'`<>|*?,;]+))/g;

/** All mentions outside of code, in order. `user@host`, and `@` alone, are none. */
export function parseMentions(text: string): Mention[] {
    const code = codeRanges(text);
    const mentions: Mention[] = [];
    for (const match of text.matchAll(mentionPattern)) {
        const start = match.index;
        if (start > 0 && !boundary.test(text[start - 1] as string)) continue;
        if (code.some(([from, to]) => start >= from && start < to)) continue;
        const quoted = match[2];
        const bare = match[3] ?? "";
        // The full stop of a sentence is not part of a path.
        const value = quoted ?? bare.replace(/[.:!?)\]}]+$/, "");
        if (value === "") continue;
        const end = start + match[0].length - (quoted === undefined ? bare.length - value.length : 0);
        const single = quoted === undefined && match[1] === undefined && singleMentions.find((name) => name === value);
        if (single !== false && single !== undefined) mentions.push({kind: single, value: "", start, end});
        else mentions.push({kind: match[1] === undefined ? "path" : "symbol", value, start, end});
    }
    return mentions;
}

/** How a mention is written. */
export function mentionText(kind: MentionKind, value = ""): string {
    if (kind !== "path" && kind !== "symbol") return `@${kind}`;
    const word =
        /^[^\s"'`<>|*?,;]+$/.test(value) && !/[.:!?)\]}]$/.test(value) ? value : `"${value.replaceAll('"', "")}"`;
    return kind === "symbol" ? `@symbol:${word}` : `@${word}`;
}

/** The text with each mention as plain words, as the model shall read it: `@src/a.ts` becomes `src/a.ts`. */
export function withoutMarks(text: string, mentions: readonly Mention[]): string {
    const words: Record<MentionKind, string> = {
        path: "",
        symbol: "",
        selection: "the selection",
        problems: "the problems",
        terminal: "the terminal output",
        diff: "the changes",
    };
    let plain = "";
    let from = 0;
    for (const {kind, value, start, end} of mentions) {
        plain += text.slice(from, start) + (value === "" ? words[kind] : value);
        from = end;
    }
    return plain + text.slice(from);
}

/** Inline code and fenced blocks, as [from, to). */
function codeRanges(text: string): [number, number][] {
    const ranges: [number, number][] = [];
    for (const match of text.matchAll(
        /^(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^\1[^\n]*$|$(?![\s\S]))|(`+)[^`\n]+\2(?!`)/gm,
    )) {
        ranges.push([match.index, match.index + match[0].length]);
    }
    return ranges;
}
