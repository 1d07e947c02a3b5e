/** A review as the panel shows it: each hunk with a few lines around it. Pure. */
import {splitLines, type Hunk} from "../../core/chat/edit/hunk.js";
import {isOpen, type ReviewFile} from "../../core/chat/edit/review.js";
import type {DiffLine, HunkView, ReviewFileView, ReviewView} from "../../protocol/webview/chat.js";

const contextLines = 2;
/** A long line is cut: the diff editor has the rest. */
const maxLineChars = 2000;

export interface ShownReview {
    id: string;
    title: string;
    turn: string | undefined;
    files: readonly ReviewFile[];
    missing: ReadonlyMap<string, number>;
}

export function reviewView({id, title, turn, files, missing}: ShownReview, conversation: string): ReviewView {
    return {
        id,
        conversation,
        title,
        ...(turn === undefined ? {} : {turn}),
        files: files.map((file) => fileView(file, missing.get(file.path) ?? 0)),
    };
}

function fileView(file: ReviewFile, nMissing: number): ReviewFileView {
    const {path, current, proposed, hunks, nAccepted, nRejected, nLost} = file;
    const lines = splitLines(current ?? "");
    return {
        path,
        change: proposed === undefined ? "delete" : current === undefined ? "create" : "edit",
        isOpen: isOpen(file),
        hunks: hunks.map((hunk) => hunkView(hunk, lines)),
        nAccepted,
        nRejected,
        nLost,
        nMissing,
    };
}

function hunkView({id, start, end, removed, added}: Hunk, lines: readonly string[]): HunkView {
    const from = Math.max(0, start - contextLines);
    const toLines = (texts: readonly string[], kind: DiffLine["kind"]): DiffLine[] =>
        texts.map((text) => ({kind, text: text.replace(/\r?\n$/, "").slice(0, maxLineChars)}));
    return {
        id,
        line: start + 1,
        lines: [
            ...toLines(lines.slice(from, start), "same"),
            ...toLines(removed, "removed"),
            ...toLines(added, "added"),
            ...toLines(lines.slice(end, end + contextLines), "same"),
        ],
    };
}
