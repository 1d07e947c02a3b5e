/**
 * How many rows each head keeps: the shares of a budget. Decides numbers only; which rows they are is cut.ts's.
 * One function per way of sharing, each returning exactly the budget's total (or every row, when that is less).
 */

import {KvasirError} from "../../protocol/errors.js";
import {apportion} from "./apportion.js";
import {profileShares} from "./head-profile.js";
import {rowCounts} from "./head-rows.js";
import type {Share} from "./policy.js";
import {pyramidCounts, razorCounts, recoveryCounts, retrievalCounts, squeezeCounts} from "./published-shares.js";
import {takeTop} from "./select.js";
import {countKept, exactly, missingFact, pinnedFlags, pinnedPerHead, sum, type ShareInput} from "./share-input.js";

/**
 * Rows to keep per head; their sum is min(totalRows, all rows).
 * @throws KvasirError `profile-mismatch` when the share needs facts about the model that were not measured
 */
export function headCounts(share: Share, input: ShareInput): Uint32Array {
    switch (share.kind) {
        case "uniform":
            return uniformCounts(input);
        case "layer":
            return layerCounts(share.guarantee, input);
        case "pooled":
            return pooledCounts(share.guarantee, input);
        case "profile":
            return profileCounts(input);
        case "pyramid":
            return pyramidCounts(share.beta, input);
        case "squeeze":
            return squeezeCounts(share.keep, input);
        case "retrieval":
            return retrievalCounts(share.beta, input);
        case "razor":
            return razorCounts(share.fullHeads, input);
        case "recovery":
            return recoveryCounts(input);
    }
}

function uniformCounts({heads, totalRows}: ShareInput): Uint32Array {
    const caps = rowCounts(heads.offsets);
    return apportion(new Float64Array(caps.length).fill(1), caps, totalRows);
}

/**
 * Ada-KV (arXiv 2407.11550, Algorithms 1 and 2), one layer at a time: the top h(B - w) of all the layer's scores
 * outside the pinned window w, counted per head as B*_i, then made safe by B_i = alpha (B - w) + (1 - alpha) B*_i.
 */
function layerCounts(guarantee: number, {heads, marks, totalRows}: ShareInput): Uint32Array {
    const {nLayers, nKvHeads, offsets, scores} = heads;
    const caps = rowCounts(offsets);
    const perLayer = apportion(
        new Float64Array(nLayers).fill(1),
        Uint32Array.from({length: nLayers}, (_, l) => offsets[(l + 1) * nKvHeads]! - offsets[l * nKvHeads]!),
        totalRows,
    );
    const kept = pinnedFlags(marks);
    const counts = new Uint32Array(caps.length);
    for (let layer = 0; layer < nLayers; layer++) {
        const first = layer * nKvHeads;
        const pinned = pinnedPerHead(heads, marks, first, first + nKvHeads);
        const room = Math.max(0, perLayer[layer]! - sum(pinned));
        takeTop(scores, offsets[first]!, offsets[first + nKvHeads]!, room, kept);
        const mixed = Float64Array.from({length: nKvHeads}, (_, h) => {
            const pooled = countKept(kept, offsets[first + h]!, offsets[first + h + 1]!) - pinned[h]!;
            return (guarantee * room) / nKvHeads + (1 - guarantee) * pooled;
        });
        const free = caps.slice(first, first + nKvHeads).map((cap, h) => cap - pinned[h]!);
        const adaptive = apportion(mixed, free, room);
        for (let h = 0; h < nKvHeads; h++) {
            counts[first + h] = pinned[h]! + adaptive[h]!;
        }
    }
    return exactly(counts, caps, totalRows);
}

/**
 * One pool over all heads of all layers: pinned rows and, in every head, the best `guarantee` of the mean budget are
 * safe; the rest of the budget goes to the highest scores wherever they are. With guarantee 0 and no pins this is
 * KVzip's non-uniform budget (arXiv 2505.23416).
 */
function pooledCounts(guarantee: number, {heads, marks, totalRows}: ShareInput): Uint32Array {
    const {offsets, scores} = heads;
    const caps = rowCounts(offsets);
    const kept = pinnedFlags(marks);
    const nSafe = Math.floor((guarantee * totalRows) / caps.length + 1e-6);
    for (let h = 0; h < caps.length; h++) {
        const nPinned = countKept(kept, offsets[h]!, offsets[h + 1]!);
        takeTop(scores, offsets[h]!, offsets[h + 1]!, nSafe - nPinned, kept);
    }
    takeTop(scores, 0, scores.length, totalRows - sum(kept), kept);
    const counts = Uint32Array.from(caps, (_, h) => countKept(kept, offsets[h]!, offsets[h + 1]!));
    return exactly(counts, caps, totalRows);
}

/** The shares of the head profile at this budget, water-filled where a head would keep more rows than it has. */
function profileCounts({heads, totalRows, profile}: ShareInput): Uint32Array {
    const caps = rowCounts(heads.offsets);
    const {nLayers, nKvHeads} = heads;
    const nRows = sum(caps);
    if (profile === undefined) {
        throw missingFact("a head profile");
    }
    if (profile.nLayers !== nLayers || profile.nKvHeads !== nKvHeads) {
        throw new KvasirError(
            "profile-mismatch",
            `the head profile has ${profile.nLayers} layers of ${profile.nKvHeads} KV heads, ` +
                `the model ${nLayers} of ${nKvHeads}.`,
            {fix: "Run `kvasir calibrate` to measure it for this model."},
        );
    }
    const shares = profileShares(profile, nRows === 0 ? 1 : Math.min(1, totalRows / nRows));
    return apportion(
        shares.map((share, h) => share * caps[h]!),
        caps,
        totalRows,
    );
}
