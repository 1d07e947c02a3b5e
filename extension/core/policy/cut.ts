/**
 * The cut of one file: which rows every (layer, KV head) keeps, from what was measured while it was read. Pure:
 * knows nothing of models, rows' contents or where scores come from.
 */

import {usage} from "../../protocol/errors.js";
import {finalScores, type Measured} from "./final-scores.js";
import type {HeadProfile} from "./head-profile.js";
import {equalOffsets, markPins, pinCounts, PinMark, type HeadRows, type KeepLists} from "./head-rows.js";
import {isFull, type Policy} from "./policy.js";
import {takeTop} from "./select.js";
import {headCounts} from "./shares.js";

export interface CutInput extends Measured {
    policy: Policy;
    /** Share of all rows to keep, in (0, 1]. */
    budget: number;
    /** Needed by policies whose share is a fact about the model (policyNeeds says which). */
    profile?: HeadProfile | undefined;
    /**
     * Mean cosine of the file's hidden states before and after each layer's attention, [nLayers]; needed by policies that
     * share by it.
     */
    layerSimilarity?: Float64Array | undefined;
    /**
     * Tokens to keep before others: the user's, or declarations, imports and signatures. They take room inside each
     * head's number of rows and never change that number; where it is too small the best scored of them stay.
     */
    pins?: ArrayLike<number> | undefined;
}

/** Rows that a budget allows over all heads of a file: the exact size of every cut but `full`. */
export function budgetRows(budget: number, nTokens: number, nHeads: number): number {
    return Math.round(budget * nTokens * nHeads);
}

/**
 * Kept token indices, ascending, for each layer * nKvHeads + head. Together exactly budgetRows of them; `full` keeps
 * all whatever the budget. Equal scores are decided by lower index, so the same input gives the same cut everywhere.
 *
 * @throws KvasirError `usage` for a budget outside (0, 1], `profile-mismatch` for a missing or foreign head profile
 */
export function cut(input: CutInput): KeepLists {
    const {policy, budget, shape, nTokens, profile, layerSimilarity, pins} = input;
    checkBudget(budget);
    const nHeads = shape.nLayers * shape.nKvHeads;
    const offsets = equalOffsets(nHeads, nTokens);
    const totalRows = budgetRows(budget, nTokens, nHeads);
    if (isFull(policy) || totalRows === nHeads * nTokens) {
        const everyToken = Uint32Array.from({length: nTokens}, (_, token) => token);
        return Array.from({length: nHeads}, () => everyToken.slice());
    }
    const pinned = pinCounts(policy.pins, totalRows / nHeads);
    const heads: HeadRows = {
        nLayers: shape.nLayers,
        nKvHeads: shape.nKvHeads,
        scores: finalScores(policy, input, pinned.last),
        offsets,
    };
    const marks = markPins(offsets, () => pinned, pins);
    const counts = headCounts(policy.share, {heads, marks, totalRows, profile, layerSimilarity});
    // SqueezeAttention gives each layer a budget first, which the policy under it then divides as if it were the only one.
    const isDivided = policy.share.kind === "squeeze";
    const own = isDivided ? markPins(offsets, (h) => pinCounts(policy.pins, counts[h]!), pins) : marks;
    return keepLists(heads, own, counts);
}

/**
 * @throws KvasirError `usage` unless 0 < budget <= 1
 */
export function checkBudget(budget: number): void {
    if (!(budget > 0 && budget <= 1)) {
        throw usage(
            `the budget is ${budget}, not a share above 0 and at most 1.`,
            "Give the share of rows to keep, such as 0.25.",
        );
    }
}

/** In every head its `counts[h]` rows: first tokens, last tokens, asked ones, then the highest scores. */
export function keepLists(heads: HeadRows, marks: Uint8Array, counts: Uint32Array): KeepLists {
    const {scores, offsets} = heads;
    const kept = new Uint8Array(scores.length);
    const hasAsked = marks.includes(PinMark.asked);
    return Array.from(counts, (count, h) => {
        const from = offsets[h]!;
        const to = offsets[h + 1]!;
        let room = count;
        // First and last tokens stand at the ends, nothing between them (markPins).
        for (let i = from; i < to && room > 0 && marks[i] === PinMark.first; i++) {
            kept[i] = 1;
            room--;
        }
        for (let i = to - 1; i >= from && room > 0 && marks[i] === PinMark.last; i--) {
            kept[i] = 1;
            room--;
        }
        if (hasAsked) room -= takeAsked(heads, marks, from, to, room, kept);
        takeTop(scores, from, to, room, kept);
        // One place more: without a branch every index is written, and the next one over it unless it is kept.
        const list = new Uint32Array(count + 1);
        let n = 0;
        for (let i = from; i < to; i++) {
            list[n] = i - from;
            n += kept[i]!;
        }
        return list.slice(0, count);
    });
}

/** Takes the asked rows of one head, the best scored when there are more than `room`; returns how many. */
function takeAsked(
    {scores}: HeadRows,
    marks: Uint8Array,
    from: number,
    to: number,
    room: number,
    kept: Uint8Array,
): number {
    const asked: number[] = [];
    for (let i = from; i < to; i++) {
        if (marks[i] === PinMark.asked) {
            asked.push(i);
        }
    }
    const isTaken = new Uint8Array(asked.length);
    takeTop(
        Float32Array.from(asked, (i) => scores[i]!),
        0,
        asked.length,
        room,
        isTaken,
    );
    let n = 0;
    asked.forEach((i, a) => {
        kept[i] = isTaken[a]!;
        n += isTaken[a]!;
    });
    return n;
}
