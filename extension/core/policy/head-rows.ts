/**
 * The scored rows of all heads in one flat array, and the marks of those that are pinned. Heads may own different
 * numbers of rows (live rows after an earlier cut do), so everything that cuts works on this form.
 */

import type {Pins} from "./policy.js";

/** Shape of a model's KV: what every score array is indexed by. */
export interface KvShape {
    nLayers: number;
    nKvHeads: number;
    headDim: number;
}

/** Kept row indices, ascending, for each layer * nKvHeads + head. */
export type KeepLists = Uint32Array[];

/** Head h (= layer * nKvHeads + head) owns scores[offsets[h]] up to scores[offsets[h + 1]]. */
export interface HeadRows {
    nLayers: number;
    nKvHeads: number;
    scores: Float32Array;
    offsets: Uint32Array;
}

/** Why a row is kept whatever its score. Where room is short a higher mark goes first. */
export const PinMark = {free: 0, asked: 1, last: 2, first: 3} as const;

/** Offsets of heads that own `nTokens` rows each. */
export function equalOffsets(nHeads: number, nTokens: number): Uint32Array {
    return Uint32Array.from({length: nHeads + 1}, (_, h) => h * nTokens);
}

/** Rows of each head. */
export function rowCounts(offsets: Uint32Array): Uint32Array {
    return Uint32Array.from({length: offsets.length - 1}, (_, h) => offsets[h + 1]! - offsets[h]!);
}

/**
 * How many first and last tokens a policy pins, from the mean budget of one head in rows. Where the cap bites,
 * the last tokens give way: attention sinks are few and lost for good.
 */
export function pinCounts(pins: Pins, meanBudget: number): {first: number; last: number} {
    // The slack keeps a half of 12 that arrives as 5.999999 at 6.
    const room = Math.floor(pins.cap * meanBudget + 1e-6);
    const first = Math.min(pins.first, room);
    const wanted = "rows" in pins.last ? pins.last.rows : Math.floor(pins.last.share * meanBudget + 1e-6);
    return {first, last: Math.min(wanted, room - first)};
}

/**
 * Marks the pinned rows of every head.
 *
 * @param pinned how many first and last tokens a head pins
 * @param asked further rows to keep (the user's, or declarations and imports), as indices valid in every head;
 *   those outside a head are ignored
 */
export function markPins(
    offsets: Uint32Array,
    pinned: (head: number) => {first: number; last: number},
    asked: ArrayLike<number> = [],
): Uint8Array {
    const marks = new Uint8Array(offsets[offsets.length - 1]!);
    for (let h = 0; h + 1 < offsets.length; h++) {
        const from = offsets[h]!;
        const to = offsets[h + 1]!;
        const {first, last} = pinned(h);
        for (let i = 0; i < asked.length; i++) {
            if (asked[i]! < to - from) {
                marks[from + asked[i]!] = PinMark.asked;
            }
        }
        marks.fill(PinMark.last, Math.max(from, to - last), to);
        marks.fill(PinMark.first, from, Math.min(to, from + first));
    }
    return marks;
}
