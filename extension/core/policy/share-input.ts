/**
 * What every way of sharing a budget is given, and the counting they have in common. Decides nothing.
 */

import {KvasirError} from "../../protocol/errors.js";
import {apportion} from "./apportion.js";
import type {HeadProfile} from "./head-profile.js";
import {PinMark, type HeadRows} from "./head-rows.js";

export interface ShareInput {
    heads: HeadRows;
    /** One mark per row (see PinMark). Only first and last tokens count here: asked pins never change a head's number. */
    marks: Uint8Array;
    /** Rows to keep in all heads together. */
    totalRows: number;
    profile?: HeadProfile | undefined;
    /** Mean cosine of hidden states before and after each layer's attention, [nLayers]. */
    layerSimilarity?: Float64Array | undefined;
}

/** Corrects counts whose sum missed the total (pins beyond it, ties of recovery): down or up by equal steps. */
export function exactly(counts: Uint32Array, caps: Uint32Array, totalRows: number): Uint32Array {
    const excess = sum(counts) - totalRows;
    if (excess === 0) {
        return counts;
    }
    if (excess > 0) {
        const removed = apportion(counts, counts, excess);
        return counts.map((count, h) => count - removed[h]!);
    }
    const room = caps.map((cap, h) => cap - counts[h]!);
    const added = apportion(new Float64Array(counts.length).fill(1), room, -excess);
    return counts.map((count, h) => count + added[h]!);
}

export function missingFact(what: string): KvasirError {
    return new KvasirError("profile-mismatch", `this policy needs ${what}, which was not measured for the model.`, {
        fix: "Run `kvasir calibrate`, or choose a policy that needs none.",
    });
}

/** Of a fact that a calibration does not measure. */
export function unmeasuredFact(what: string): KvasirError {
    return new KvasirError("profile-mismatch", `this policy needs ${what}, which only \`kvasir bench\` measures.`, {
        fix: "Choose another policy; `kvasir bench quality` compares them.",
    });
}

export function pinnedFlags(marks: Uint8Array): Uint8Array {
    return marks.map((mark) => (mark >= PinMark.last ? 1 : 0));
}

export function pinnedPerHead({offsets}: HeadRows, marks: Uint8Array, fromHead: number, toHead: number): Uint32Array {
    return Uint32Array.from({length: toHead - fromHead}, (_, i) => {
        const h = fromHead + i;
        let n = 0;
        for (let row = offsets[h]!; row < offsets[h + 1]!; row++) {
            n += marks[row]! >= PinMark.last ? 1 : 0;
        }
        return n;
    });
}

export function countKept(kept: Uint8Array, from: number, to: number): number {
    let n = 0;
    for (let i = from; i < to; i++) {
        n += kept[i]!;
    }
    return n;
}

export function sum(values: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < values.length; i++) {
        total += values[i]!;
    }
    return total;
}
