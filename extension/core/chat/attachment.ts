/**
 * What a question brings along besides files: a selection, a symbol, problems, terminal output, changes.
 * Owns how they are laid out in the turn that the model reads. Files are not here: they are named, and the engine
 * attends to them. Must not know where the text came from.
 */
import {fenced} from "./fence.js";

export interface Excerpt {
    path: string;
    language: string;
    /** From 1, both included. */
    startLine: number;
    endLine: number;
    text: string;
}

export interface Problem {
    path: string;
    /** From 1. */
    line: number;
    severity: "error" | "warning" | "information" | "hint";
    message: string;
    source?: string;
}

export type Attachment =
    | ({kind: "selection"} & Excerpt)
    | ({kind: "symbol"; name: string} & Excerpt)
    | {kind: "problems"; problems: Problem[]}
    | {kind: "terminal"; name: string; text: string}
    | {kind: "diff"; text: string};

/** Characters of terminal output and changes that are sent: a turn is decoded for each question, and no cut is made in it. */
export const maxLooseChars = 12_000;
export const maxProblems = 40;

/** The turn as the model reads it: what was brought along, then the question. */
export function composeTurn(question: string, attachments: readonly Attachment[]): string {
    const parts = attachments.map(layOut).filter((part) => part !== "");
    return [...parts, question.trim()].filter((part) => part !== "").join("\n\n");
}

/** What a person sees instead of the text: "src/a.ts:3-20". */
export function attachmentLabel(attachment: Attachment): string {
    switch (attachment.kind) {
        case "selection":
            return rangeLabel(attachment);
        case "symbol":
            return attachment.name;
        case "problems":
            return attachment.problems.length === 1 ? "1 problem" : `${attachment.problems.length} problems`;
        case "terminal":
            return `terminal ${attachment.name}`;
        case "diff":
            return "changes";
    }
}

/** "src/a.ts:3-20", or "src/a.ts:3" for one line. */
export function rangeLabel({path, startLine, endLine}: Excerpt): string {
    return endLine > startLine ? `${path}:${startLine}-${endLine}` : `${path}:${startLine}`;
}

/** Keeps the end, where a terminal says what went wrong, and says what is missing. */
export function keepEnd(text: string, limit: number): string {
    if (text.length <= limit) return text;
    const cut = text.indexOf("\n", text.length - limit) + 1 || text.length - limit;
    return `[${text.slice(0, cut).split("\n").length - 1} earlier lines left out]\n${text.slice(cut)}`;
}

/** Keeps the beginning of a long diff, file by file, and names the files that are left out. */
export function keepFiles(diff: string, limit: number): string {
    if (diff.length <= limit) return diff;
    const files = diff.split(/^(?=diff --git )/m);
    let kept = "";
    const missing: string[] = [];
    for (const file of files) {
        if (kept.length + file.length <= limit) kept += file;
        else missing.push(/^diff --git a\/(.+?) b\//.exec(file)?.[1] ?? "a file");
    }
    if (kept === "") kept = `${(files[0] ?? "").slice(0, limit)}\n[cut here]\n`;
    return `${kept}[changes left out: ${missing.join(", ")}]`;
}

function layOut(attachment: Attachment): string {
    switch (attachment.kind) {
        case "selection":
        case "symbol": {
            const {path, startLine, endLine, language, text} = attachment;
            const what = attachment.kind === "symbol" ? `\`${attachment.name}\` in ${path}` : path;
            const lines = endLine > startLine ? `lines ${startLine} to ${endLine}` : `line ${startLine}`;
            return `From ${what}, ${lines}:\n${fenced(text, language)}`;
        }
        case "problems": {
            const shown = attachment.problems.slice(0, maxProblems);
            const rest = attachment.problems.length - shown.length;
            const lines = shown.map(
                ({path, line, severity, message, source}) =>
                    `- ${path}:${line} ${severity}: ${message.replace(/\s+/g, " ")}${source === undefined ? "" : ` (${source})`}`,
            );
            if (rest > 0) lines.push(`- and ${rest} more`);
            return lines.length === 0 ? "" : `Problems:\n${lines.join("\n")}`;
        }
        case "terminal":
            return `Output of the terminal ${attachment.name}:\n${fenced(keepEnd(attachment.text.trimEnd(), maxLooseChars), "text")}`;
        case "diff":
            return `Changes:\n${fenced(keepFiles(attachment.text.trimEnd(), maxLooseChars), "diff")}`;
    }
}
