/**
 * A review: one or several files, each with the text it has and the text that is proposed for it, decided hunk by hunk.
 * Pure: says what a decision changes; the host changes the file and tells what the file has become.
 */
import {hunksBetween, leaveHunk, rebase, takeHunk, type Hunk} from "./hunk.js";

export interface ReviewFile {
    path: string;
    /** The file as it is; undefined while it does not exist. */
    current: string | undefined;
    /** undefined removes the file. */
    proposed: string | undefined;
    hunks: Hunk[];
    nAccepted: number;
    nRejected: number;
    /** Changes of the proposal that others' edits have overtaken. */
    nLost: number;
    /** Earlier states, so that an undo in the editor brings a hunk back. */
    past: readonly {current: string | undefined; proposed: string | undefined; nAccepted: number; nRejected: number}[];
}

export interface Review {
    id: string;
    title: string;
    files: ReviewFile[];
}

/** What the host shall write; the review itself changes when the file has changed. */
export interface Decision {
    path: string;
    /** The file's next text; undefined removes it. */
    text: string | undefined;
}

const maxPast = 200;

export function createReview(
    id: string,
    title: string,
    files: readonly {path: string; current: string | undefined; proposed: string | undefined}[],
): Review {
    return {
        id,
        title,
        files: files.map(({path, current, proposed}) => ({
            path,
            current,
            proposed,
            hunks: hunksBetween(current ?? "", proposed ?? ""),
            nAccepted: 0,
            nRejected: 0,
            nLost: 0,
            past: [],
        })),
    };
}

/** Whether anything is left to decide. An empty file that is to be made or removed has no hunks but is a change. */
export function isOpen(file: ReviewFile): boolean {
    return file.hunks.length > 0 || (file.current === undefined) !== (file.proposed === undefined);
}

export function isReviewOpen({files}: Review): boolean {
    return files.some(isOpen);
}

/** Takes one hunk, or with no id all that are left. @returns undefined for a hunk that is no longer there */
export function accept(file: ReviewFile, hunkId?: string): {file: ReviewFile; decision: Decision} | undefined {
    if (hunkId === undefined) {
        if (!isOpen(file)) return undefined;
        const next = step(file, file.proposed, file.proposed, {
            nAccepted: Math.max(1, file.hunks.length),
            nRejected: 0,
        });
        return {file: next, decision: {path: file.path, text: file.proposed}};
    }
    const hunk = file.hunks.find(({id}) => id === hunkId);
    if (hunk === undefined) return undefined;
    const isLast = file.hunks.length === 1;
    const text = isLast ? file.proposed : takeHunk(file.current ?? "", hunk);
    const next = step(file, text, file.proposed, {nAccepted: 1, nRejected: 0});
    return {file: next, decision: {path: file.path, text}};
}

/** Leaves one hunk, or with no id all. Nothing is written. */
export function reject(file: ReviewFile, hunkId?: string): ReviewFile | undefined {
    if (hunkId === undefined) {
        if (!isOpen(file)) return undefined;
        return step(file, file.current, file.current, {nAccepted: 0, nRejected: Math.max(1, file.hunks.length)});
    }
    const hunk = file.hunks.find(({id}) => id === hunkId);
    if (hunk === undefined) return undefined;
    const isLast = file.hunks.length === 1;
    const proposed = isLast ? file.current : leaveHunk(file.proposed ?? "", hunk);
    return step(file, file.current, proposed, {nAccepted: 0, nRejected: 1});
}

/** The file has changed under the review: by an undo of what was accepted here, or by other hands. */
export function follow(file: ReviewFile, current: string | undefined): ReviewFile {
    if (current === file.current) return file;
    const back = file.past.findLastIndex((state) => state.current === current);
    const state = file.past[back];
    if (state !== undefined) {
        return {
            ...file,
            ...state,
            hunks: hunksBetween(state.current ?? "", state.proposed ?? ""),
            past: file.past.slice(0, back),
        };
    }
    // Nothing left to decide: what is done to the file now is no business of the review.
    if (!isOpen(file)) return {...file, past: remember(file), current, proposed: current, hunks: []};
    if (file.proposed === undefined || file.current === undefined || current === undefined) {
        const hunks = hunksBetween(current ?? "", file.proposed ?? "");
        return {...file, past: remember(file), current, hunks};
    }
    const {after, nLost} = rebase(file.current, file.proposed, current);
    const hunks = hunksBetween(current, after);
    return {...file, past: remember(file), current, proposed: after, hunks, nLost: file.nLost + nLost};
}

function step(
    file: ReviewFile,
    current: string | undefined,
    proposed: string | undefined,
    {nAccepted, nRejected}: {nAccepted: number; nRejected: number},
): ReviewFile {
    return {
        ...file,
        current,
        proposed,
        hunks: hunksBetween(current ?? "", proposed ?? ""),
        nAccepted: file.nAccepted + nAccepted,
        nRejected: file.nRejected + nRejected,
        past: remember(file),
    };
}

function remember({past, current, proposed, nAccepted, nRejected}: ReviewFile): ReviewFile["past"] {
    return [...past, {current, proposed, nAccepted, nRejected}].slice(-maxPast);
}
