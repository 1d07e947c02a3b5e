/**
 * Which files are worth the most to be scored again while the machine is idle: those that questions have seen, then those
 * that the next one will probably see, then the rest. Pure: knows what was asked and opened, not what is refined already.
 */

export interface RefineCandidate {
    path: string;
    /** Questions and completions that saw it. */
    hits: number;
    lastAttendedMs?: number | undefined;
    isPinned: boolean;
    /** Place among the open editors, the active one 0; undefined when it is not open. */
    openPlace?: number | undefined;
    /** Last change, where known: what was worked on lately is asked about sooner. */
    mtimeMs?: number | undefined;
}

/**
 * Attended files, the last seen first, of those the most often seen; pinned ones; open ones in the order of the editors;
 * others, the last changed first. Equal ones by path, so that the same state gives the same order.
 */
export function refineOrder<T extends RefineCandidate>(files: readonly T[]): T[] {
    return files.toSorted(
        (a, b) =>
            rank(a) - rank(b) ||
            (b.lastAttendedMs ?? 0) - (a.lastAttendedMs ?? 0) ||
            b.hits - a.hits ||
            (a.openPlace ?? Infinity) - (b.openPlace ?? Infinity) ||
            (b.mtimeMs ?? 0) - (a.mtimeMs ?? 0) ||
            (a.path < b.path ? -1 : Number(a.path > b.path)),
    );
}

function rank({lastAttendedMs, isPinned, openPlace}: RefineCandidate): number {
    if (lastAttendedMs !== undefined) return 0;
    if (isPinned) return 1;
    return openPlace === undefined ? 3 : 2;
}
