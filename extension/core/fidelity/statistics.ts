/**
 * The figures of a fidelity report from what was measured pair by pair: how much of the context's benefit survives a
 * cut, and how sure one can be of it. Knows nothing of models and policies.
 */
import {seededRandom} from "./random.js";

/** Mean negative log-likelihoods of one target, in nats per token. */
export interface Benefit {
    /** Without any context. */
    none: number;
    /** With the context uncut, in f16. */
    uncut: number;
    /** With the context as it was cut. */
    cut: number;
}

/** Samples of a bootstrap: the ends of a 95 % interval move by less than a hundredth of its width between seeds. */
const nResamples = 2000;
const seed = 1;

/** NaN when there is nothing to average. */
export function mean(values: readonly number[]): number {
    return values.reduce((total, value) => total + value, 0) / values.length;
}

/**
 * R: the share of the uncut context's benefit that the cut one keeps, as a ratio of means over the pairs,
 *
 *     R = (NLL_none - NLL_cut) / (NLL_none - NLL_uncut).
 *
 * NaN when the uncut context brings nothing, so that there is no benefit to keep a share of.
 */
export function recovered(pairs: readonly Benefit[]): number {
    const none = mean(pairs.map((pair) => pair.none));
    const whole = none - mean(pairs.map((pair) => pair.uncut));
    return whole > 0 ? (none - mean(pairs.map((pair) => pair.cut))) / whole : Number.NaN;
}

/**
 * A 95 % interval of a figure over pairs by the percentile bootstrap (Efron 1979): the pairs are drawn anew with
 * replacement, and the figure computed of each draw. Draws of which the figure has no value are left out.
 *
 * @returns [2.5 %, 97.5 %] quantiles; the same for the same pairs
 */
export function bootstrapInterval<T>(pairs: readonly T[], figure: (pairs: readonly T[]) => number): [number, number] {
    const random = seededRandom(seed);
    const figures: number[] = [];
    for (let sample = 0; sample < nResamples && pairs.length > 0; sample++) {
        const value = figure(pairs.map(() => pairs[Math.floor(random() * pairs.length)]!));
        if (Number.isFinite(value)) figures.push(value);
    }
    figures.sort((a, b) => a - b);
    return [quantile(figures, 0.025), quantile(figures, 0.975)];
}

/**
 * Quantile of sorted values, in a straight line between neighbours (type 7 of Hyndman and Fan). NaN for none.
 * @param share in [0, 1]
 */
export function quantile(sorted: readonly number[], share: number): number {
    if (sorted.length === 0) return Number.NaN;
    const at = share * (sorted.length - 1);
    const low = sorted[Math.floor(at)]!;
    return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low);
}
