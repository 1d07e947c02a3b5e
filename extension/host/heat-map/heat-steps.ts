/** Owns how shares of kept rows become a few steps of shading, and runs of lines of one step. Pure. */

/** Lower ends of the steps: the first is "hardly anything", the last "most of it". */
export const stepStarts = [0, 0.1, 0.25, 0.5, 0.75] as const;

/** Lines `start` to `end`, both included, from 0. */
export interface LineRun {
    readonly start: number;
    readonly end: number;
}

/** The step of a share in [0, 1]: an index of `stepStarts`. */
export function stepOf(share: number): number {
    return Math.max(
        0,
        stepStarts.findLastIndex((start) => share >= start),
    );
}

/** For each step, its runs of lines in order. */
export function runsByStep(shares: readonly number[]): LineRun[][] {
    const runs: {start: number; end: number}[][] = stepStarts.map(() => []);
    let before: number | undefined;
    for (const [line, share] of shares.entries()) {
        const step = stepOf(share);
        const last = runs[step]?.at(-1);
        if (step === before && last !== undefined) last.end = line;
        else runs[step]?.push({start: line, end: line});
        before = step;
    }
    return runs;
}

/** The mean over lines; 0 without any. */
export function meanShare(shares: readonly number[]): number {
    return shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** An edit as far as lines go: behind `line`, `nRemoved` lines went and `nInserted` came. */
export interface LineChange {
    readonly line: number;
    readonly nRemoved: number;
    readonly nInserted: number;
}

/** The shares after edits of one event: a touched line keeps its number, a new line has none of its own. */
export function sharesAfter(shares: readonly number[], changes: readonly LineChange[]): number[] {
    const lines = [...shares];
    // From the last change to the first, so that line numbers stay those of the event.
    for (const {line, nRemoved, nInserted} of [...changes].sort((a, b) => b.line - a.line)) {
        lines.splice(line + 1, nRemoved, ...Array<number>(nInserted).fill(0));
    }
    return lines;
}
