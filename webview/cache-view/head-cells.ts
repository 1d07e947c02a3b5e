/** Owns the head profile as numbers to show: for one budget, each head's share of rows. Pure. */
import type {CalibrateReport} from "../../extension/protocol/engine.js";

export interface HeadGrid {
    /** The budget that is shown. */
    readonly share: number;
    readonly nLayers: number;
    readonly nHeads: number;
    /** Share of rows per layer and head. */
    readonly perHead: readonly (readonly number[])[];
    readonly least: number;
    readonly most: number;
    readonly mean: number;
}

/** The budget of the profile that is nearest to the one wanted; undefined for a profile without any. */
export function headGrid({budgets}: Pick<CalibrateReport, "budgets">, wanted: number): HeadGrid | undefined {
    const sorted = [...budgets].sort((a, b) => Math.abs(a.share - wanted) - Math.abs(b.share - wanted));
    const nearest = sorted[0];
    if (nearest === undefined) return undefined;
    const all = nearest.perHead.flat();
    if (all.length === 0) return undefined;
    return {
        share: nearest.share,
        nLayers: nearest.perHead.length,
        nHeads: Math.max(...nearest.perHead.map((heads) => heads.length)),
        perHead: nearest.perHead,
        least: Math.min(...all),
        most: Math.max(...all),
        mean: all.reduce((sum, share) => sum + share, 0) / all.length,
    };
}

/** Where a value lies between the least and the most shown, in [0, 1]. */
export function shade(value: number, {least, most}: Pick<HeadGrid, "least" | "most">): number {
    return most > least ? (value - least) / (most - least) : 0.5;
}
