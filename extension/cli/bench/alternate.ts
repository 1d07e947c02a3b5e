/**
 * The measuring itself: sides take turns in one run, so that a noisy neighbour or a warm machine meets all of them.
 * Knows no engine.
 */

/** One way of doing the work; answers what it cost (milliseconds, or bytes). */
export type Side = () => Promise<number>;

export interface Ratio {
    kvasir: number;
    peer: number;
    /** peer / kvasir: above 1 Kvasir is better. */
    ratio: number;
    /** Lowest and highest ratio of two runs of one round. */
    spread: [number, number];
}

export interface AlternateOptions<Name extends string> {
    /** At most so many. */
    rounds: number;
    /** False for work that is not the same twice: no run goes uncounted. */
    warmUp?: boolean;
    /** No further round begins when so long has been measured; one round is always whole. */
    allowanceMs?: number;
    /** Gets every side's costs so far after each round: all have equally many. */
    onRound?: (costs: Readonly<Record<Name, readonly number[]>>) => void;
    /** Milliseconds. */
    now?: () => number;
    signal?: AbortSignal;
}

/** What a first run makes ready (buffers, threads, pages of the model) is lost in a run that takes longer than this. */
const longRunMs = 3000;

/**
 * Runs every side once a round, in turns forwards and backwards, so that no side is always the one that comes behind
 * another. A side is run once more before the first round and that run is not counted; where even the quickest side's run
 * is long there is nothing to warm up, and it counts as the first round.
 * @returns per side, its cost in every round
 */
export async function alternate<Name extends string>(
    sides: Readonly<Record<Name, Side>>,
    {
        rounds,
        warmUp = true,
        allowanceMs = Number.POSITIVE_INFINITY,
        onRound,
        now = () => performance.now(),
        signal,
    }: AlternateOptions<Name>,
): Promise<Record<Name, number[]>> {
    const names = Object.keys(sides) as Name[];
    const costs = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
    const startedMs = now();
    let isWarm = !warmUp;
    for (let round = 0; round < rounds && (round === 0 || now() - startedMs < allowanceMs);) {
        const found = new Map<Name, number>();
        let quickestMs = Number.POSITIVE_INFINITY;
        for (const name of round % 2 === 0 ? names : names.toReversed()) {
            signal?.throwIfAborted();
            const beganMs = now();
            found.set(name, await sides[name]());
            quickestMs = Math.min(quickestMs, now() - beganMs);
        }
        const counts = isWarm || quickestMs > longRunMs;
        isWarm = true;
        if (!counts) continue;
        for (const [name, cost] of found) costs[name].push(cost);
        round++;
        onRound?.(costs);
    }
    return costs;
}

/** Medians of both sides, their ratio, and how far apart the ratios of single rounds lie. */
export function compareSides(kvasir: readonly number[], peer: readonly number[]): Ratio {
    const pairwise = kvasir.map((cost, round) => peer[round]! / cost);
    const medians = {kvasir: median(kvasir), peer: median(peer)};
    return {...medians, ratio: medians.peer / medians.kvasir, spread: [Math.min(...pairwise), Math.max(...pairwise)]};
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
    if (values.length === 0) return Number.NaN;
    const sorted = [...values].sort((a, b) => a - b);
    const upper = Math.floor(sorted.length / 2);
    return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** Milliseconds that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
    const startedMs = performance.now();
    await work();
    return performance.now() - startedMs;
}
