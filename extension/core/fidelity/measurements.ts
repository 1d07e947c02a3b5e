/** What is measured of one pair, and how the pairs become the rows of a report. Pure. */
import {bootstrapInterval, mean, recovered, type Benefit} from "./statistics.js";

/** Where files stand: all at the same positions, or one behind the other. */
export type FilePlace = "parallel" | "sequential";

/** One policy at one budget, as a column of measurements. */
export interface Cut {
    policy: string;
    /** Share of rows kept; 1 for `full`. */
    budget: number;
}

/** Means over the tokens of one target, in nats per token. */
export interface Likelihood {
    /** Over tokens of shared identifiers (identifiers.ts); undefined where the target has none. */
    identifiers: number | undefined;
    all: number;
}

export interface CutFigures {
    nll: Likelihood;
    /** Mean KL(uncut || cut) per token, in nats. */
    kl: number;
    /** Share of tokens for which the most likely one is the same. */
    top1: number;
    /** Bytes of the kept rows. */
    bytes: number;
}

export interface PairFigures {
    path: string;
    place: FilePlace;
    /** Bytes of all rows of the context in f16. */
    fullBytes: number;
    none: Likelihood;
    uncut: Likelihood;
    /** In the order of the cuts that were asked for. */
    cuts: CutFigures[];
}

/** One row of `bench quality`. A figure without a value (no benefit to keep) is null. */
export interface QualityRow {
    policy: string;
    budget: number;
    position: FilePlace;
    /** R over shared identifiers. */
    recovered: number | null;
    recoveredInterval: [number, number] | null;
    /** R over all tokens. */
    recoveredAll: number | null;
    kl: number;
    /** 95 % interval of kl. */
    klInterval: [number, number];
    top1: number;
    bytesShare: number;
}

/** A row for every cut and place, over the pairs measured so far. */
export function qualityRows(cuts: readonly Cut[], pairs: readonly PairFigures[]): QualityRow[] {
    const places = [...new Set(pairs.map(({place}) => place))];
    return places.flatMap((position) => {
        const here = pairs.filter(({place}) => place === position);
        return cuts.map(({policy, budget}, index): QualityRow => {
            const figures = here.map((pair) => pair.cuts[index]!);
            const named = here.flatMap((pair) => benefitOf(pair, index, "identifiers"));
            const all = here.flatMap((pair) => benefitOf(pair, index, "all"));
            const r = valueOf(recovered(named));
            return {
                policy,
                budget,
                position,
                recovered: r,
                recoveredInterval: r === null ? null : bootstrapInterval(named, recovered),
                recoveredAll: valueOf(recovered(all)),
                kl: mean(figures.map(({kl}) => kl)),
                klInterval: bootstrapInterval(figures, (drawn) => mean(drawn.map(({kl}) => kl))),
                top1: mean(figures.map(({top1}) => top1)),
                bytesShare: mean(figures.map(({bytes}) => bytes)) / mean(here.map(({fullBytes}) => fullBytes)),
            };
        });
    });
}

/** One benefit, or none where the target has no such tokens. */
function benefitOf(pair: PairFigures, index: number, over: keyof Likelihood): Benefit[] {
    const [none, uncut, cut] = [pair.none, pair.uncut, pair.cuts[index]!.nll].map((nll) => nll[over]);
    return none === undefined || uncut === undefined || cut === undefined ? [] : [{none, uncut, cut}];
}

function valueOf(figure: number): number | null {
    return Number.isFinite(figure) ? figure : null;
}
