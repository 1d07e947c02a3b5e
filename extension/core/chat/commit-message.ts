/** A commit message from a diff: the question to the model, and what of its answer goes into the box. */
import {keepFiles, maxLooseChars} from "./attachment.js";
import {fenced} from "./fence.js";

/** @param recent subjects of the last commits, whose form is followed */
export function commitQuestion(diff: string, recent: readonly string[]): string {
    const examples = recent
        .slice(0, 5)
        .map((subject) => `- ${subject}`)
        .join("\n");
    return [
        "Write a commit message for these changes.",
        "The first line has at most 72 characters and says what changes for a user. If more must be said, add an empty line and then why. Answer with the message only.",
        ...(examples === "" ? [] : [`Follow the form of the last messages:\n${examples}`]),
        `Changes:\n${fenced(keepFiles(diff.trimEnd(), maxLooseChars), "diff")}`,
    ].join("\n\n");
}

/** The message alone: no fence, no "Here is", no quotes. "" when the answer holds none. */
export function cleanCommitMessage(answer: string): string {
    const block = /^(`{3,})[^\n]*\n([\s\S]*?)(?:^\1|$(?![\s\S]))/m.exec(answer);
    const text = (block?.[2] ?? answer).trim();
    const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
    while (
        lines.length > 1 &&
        /^(?:here(?:'s| is| are)|sure|certainly|commit message|the commit message)\b.*:?$/i.test(lines[0] ?? "")
    ) {
        lines.shift();
        while (lines.length > 1 && lines[0] === "") lines.shift();
    }
    const [first = "", ...rest] = lines;
    const subject = first
        .replace(/^(?:subject|title|commit message)\s*:\s*/i, "")
        .replace(/^(["'`*]+)(.*)\1$/, "$2")
        .replace(/^["'`]|["'`]$/g, (mark) => (isBalanced(first, mark) ? mark : ""))
        .trim();
    const body = rest.join("\n").trim();
    return body === "" ? subject : `${subject}\n\n${body}`;
}

function isBalanced(text: string, mark: string): boolean {
    return (text.split(mark).length - 1) % 2 === 0;
}
