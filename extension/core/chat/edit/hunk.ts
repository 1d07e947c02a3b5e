/**
 * The changes between two texts as hunks that are taken or left one by one. What is left to decide is always the
 * difference between the file as it is and the text as it is proposed: taking a hunk changes the one, leaving it the other.
 */
import {diffArrays} from "diff";

export interface Hunk {
    /** From its lines and where they are: the same change has the same id while nothing before it changes. */
    id: string;
    /** Lines [start, end) of the file, from 0. */
    start: number;
    end: number;
    /** Lines [newStart, newEnd) of the proposed text. */
    newStart: number;
    newEnd: number;
    removed: string[];
    added: string[];
}

/** Changes with fewer unchanged lines between them are one hunk. */
const joinWithin = 1;

/** Line endings count: a line is text up to and with its break, so nothing is lost in putting texts together again. */
export function splitLines(text: string): string[] {
    return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The hunks between both texts, in order. Empty when they are the same. */
export function hunksBetween(before: string, after: string): Hunk[] {
    const old = splitLines(before);
    const hunks: Omit<Hunk, "id">[] = [];
    let at = 0;
    let newAt = 0;
    for (const {value, added, removed} of diffArrays(old, splitLines(after))) {
        if (!added && !removed) {
            at += value.length;
            newAt += value.length;
            continue;
        }
        const last = hunks.at(-1);
        const gap = last === undefined ? Infinity : at - last.end;
        let hunk: Omit<Hunk, "id">;
        if (last !== undefined && gap <= joinWithin) {
            const kept = old.slice(last.end, at);
            last.removed.push(...kept);
            last.added.push(...kept);
            last.end = at;
            last.newEnd = newAt;
            hunk = last;
        } else {
            hunk = {start: at, end: at, newStart: newAt, newEnd: newAt, removed: [], added: []};
            hunks.push(hunk);
        }
        if (removed) {
            hunk.removed.push(...value);
            at += value.length;
            hunk.end = at;
        } else {
            hunk.added.push(...value);
            newAt += value.length;
            hunk.newEnd = newAt;
        }
    }
    return hunks.map((hunk) => ({...hunk, id: hunkId(hunk)}));
}

/** The file with one hunk taken. */
export function takeHunk(before: string, hunk: Hunk): string {
    const lines = splitLines(before);
    return [...lines.slice(0, hunk.start), ...hunk.added, ...lines.slice(hunk.end)].join("");
}

/** The proposed text with one hunk left: as the file has it. */
export function leaveHunk(after: string, hunk: Hunk): string {
    const lines = splitLines(after);
    return [...lines.slice(0, hunk.newStart), ...hunk.removed, ...lines.slice(hunk.newEnd)].join("");
}

/**
 * The proposed text after somebody else changed the file meanwhile: the changes that still find their place are
 * proposed on top of the new text.
 * @returns the text and how many hunks no longer fit
 */
export function rebase(before: string, after: string, now: string): {after: string; nLost: number} {
    if (now === before) return {after, nLost: 0};
    const theirs = hunksBetween(before, now);
    const lines = splitLines(now);
    let nLost = 0;
    // From the end, so that places further up stay valid.
    for (const hunk of hunksBetween(before, after).reverse()) {
        const overlaps = theirs.some(
            (other) =>
                other.start <= hunk.end && hunk.start <= other.end && !(isInsertion(other) && other.start < hunk.start),
        );
        if (overlaps) {
            nLost++;
            continue;
        }
        const shift = theirs
            .filter((other) => other.end <= hunk.start)
            .reduce((sum, other) => sum + other.added.length - other.removed.length, 0);
        lines.splice(hunk.start + shift, hunk.removed.length, ...hunk.added);
    }
    return {after: lines.join(""), nLost};
}

function isInsertion({start, end}: Hunk): boolean {
    return start === end;
}

/** FNV-1a over the lines and where they begin: names a hunk between two processes, guards against nothing. */
function hunkId({start, removed, added}: Omit<Hunk, "id">): string {
    let hash = 0x811c9dc5;
    for (const character of `${start}\n-${removed.join("-")}\n+${added.join("+")}`) {
        hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    }
    return `${start}-${hash.toString(16).padStart(8, "0")}`;
}
