/** Which line is which: one series per policy, with the colour and the mark it has in every plot. */
import type {QualityRow} from "../measurements.js";

export interface SeriesStyle {
    policy: string;
    /** Number of the style sheet's colour, from 0. */
    colour: number;
    /** SVG dashes; lines beyond the number of colours are dashed. */
    dash: string;
    mark: "circle" | "square" | "triangle" | "diamond";
    isOurs: boolean;
}

const marks = ["circle", "square", "triangle", "diamond"] as const;
const dashes = ["", "6 3", "2 3"];
/** The style sheet has two for Kvasir's own policies and eight for others. */
const nOwnColours = 2;
const nOtherColours = 8;

/** Policies that have a line (the uncut yardstick is one at 1), in the order of the rows. */
export function seriesStyles(rows: readonly QualityRow[]): SeriesStyle[] {
    const names = [...new Set(rows.map(({policy}) => policy))].filter((policy) => policy !== "full");
    let nOurs = 0;
    let nOthers = 0;
    return names.map((policy) => {
        const isOurs = policy.startsWith("aha-");
        const n = isOurs ? nOurs++ : nOthers++;
        const nColours = isOurs ? nOwnColours : nOtherColours;
        return {
            policy,
            colour: (n % nColours) + (isOurs ? 0 : nOwnColours),
            dash: dashes[Math.floor(n / nColours) % dashes.length]!,
            mark: marks[n % marks.length]!,
            isOurs,
        };
    });
}
