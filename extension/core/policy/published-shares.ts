/**
 * The ways of sharing a budget that were published and that Kvasir keeps for comparison: by layer, by retrieval
 * score, by recovered attention. Each returns exactly the budget's total; shares.ts chooses among them.
 */

import {apportion} from "./apportion.js";
import type {HeadProfile} from "./head-profile.js";
import {PinMark, rowCounts, type HeadRows} from "./head-rows.js";
import {exactly, pinnedPerHead, sum, unmeasuredFact, type ShareInput} from "./share-input.js";

/**
 * PyramidKV (arXiv 2406.02069): beside the pinned window w, with C = B - w on average, the first layer
 * gets 2C - C/beta and the last C/beta, falling by equal steps; a first layer that cannot use its part hands
 * the rest to the last.
 */
export function pyramidCounts(beta: number, {heads, marks, totalRows}: ShareInput): Uint32Array {
    const {nLayers, nKvHeads, offsets} = heads;
    const caps = rowCounts(offsets);
    const window = sum(pinnedPerHead(heads, marks, 0, caps.length)) / caps.length;
    const mean = Math.max(0, totalRows / caps.length - window);
    const room = sum(caps) / caps.length - window;
    const isTooMuch = 2 * mean - mean / beta > room;
    const top = isTooMuch ? room : 2 * mean - mean / beta;
    const bottom = Math.max(0, 2 * mean - top);
    const weights = Float64Array.from(caps, (_, h) => {
        const layer = Math.floor(h / nKvHeads);
        return window + (nLayers === 1 ? mean : top - (layer * (top - bottom)) / (nLayers - 1));
    });
    return apportion(weights, caps, totalRows);
}

/**
 * SqueezeAttention (arXiv 2404.04793, Algorithm 1): layers are clustered in three by the mean cosine, over the tokens of
 * the prompt (here the file), of their hidden states before and after attention, the residual added. With b the mean
 * budget, the n of L layers whose attention changes them least keep p b each (p = `keep`), and every other one
 * (L b - n p b) / (L - n). The clusters are k-means' best ones: on a line they can be tried all.
 */
export function squeezeCounts(keep: number, {heads, totalRows, layerSimilarity}: ShareInput): Uint32Array {
    const caps = rowCounts(heads.offsets);
    if (layerSimilarity?.length !== heads.nLayers) {
        throw unmeasuredFact("the similarity of every layer's states before and after attention");
    }
    const isIdle = topOfThreeClusters(layerSimilarity);
    const nIdle = sum(isIdle);
    const busy = (heads.nLayers - keep * nIdle) / Math.max(1, heads.nLayers - nIdle);
    const weights = Float64Array.from(caps, (_, h) => (isIdle[Math.floor(h / heads.nKvHeads)] === 1 ? keep : busy));
    return apportion(weights, caps, totalRows);
}

/**
 * HeadKV (arXiv 2410.19258): with window w and C = B - w, head h gets w + C - C/beta + S_h (C/beta) L H,
 * S the heads' retrieval scores scaled to sum 1.
 */
export function retrievalCounts(beta: number, {heads, marks, totalRows, profile}: ShareInput): Uint32Array {
    const caps = rowCounts(heads.offsets);
    const scores = retrievalScoresOf(profile, heads);
    const scale = sum(scores) > 0 ? scores.length / sum(scores) : 0;
    const window = sum(pinnedPerHead(heads, marks, 0, caps.length)) / caps.length;
    const mean = Math.max(0, totalRows / caps.length - window);
    const weights = Float64Array.from(scores, (score) => window + mean - mean / beta + (score * scale * mean) / beta);
    return apportion(weights, caps, totalRows);
}

/**
 * RazorAttention (arXiv 2407.15891, Algorithm 1): retrieval heads keep everything, all others one buffer of equal
 * length. The paper fixes the buffer; here the budget is fixed, so the buffer is what the retrieval heads leave,
 * and they take at most half of the budget.
 */
export function razorCounts(fullHeads: number, {heads, totalRows, profile}: ShareInput): Uint32Array {
    const caps = rowCounts(heads.offsets);
    const scores = retrievalScoresOf(profile, heads);
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    const isFull = new Uint8Array(caps.length);
    let left = totalRows;
    for (const h of order.slice(0, Math.round(fullHeads * caps.length))) {
        if (left - caps[h]! < totalRows / 2) {
            break;
        }
        isFull[h] = 1;
        left -= caps[h]!;
    }
    const buffers = apportion(
        Float64Array.from(caps, (_, h) => 1 - isFull[h]!),
        caps.map((cap, h) => (isFull[h] === 1 ? 0 : cap)),
        left,
    );
    return buffers.map((count, h) => (isFull[h] === 1 ? caps[h]! : count));
}

/**
 * FastGen-like (arXiv 2310.01801): FastGen gives each head the cheapest cache that recovers a share T of
 * its attention. Here a head's caches are its rows in order (pinned, then by score), and T is the highest that the
 * budget allows.
 */
export function recoveryCounts({heads, marks, totalRows}: ShareInput): Uint32Array {
    const {offsets, scores} = heads;
    const caps = rowCounts(offsets);
    const pinned = pinnedPerHead(heads, marks, 0, caps.length);
    const recovered = Array.from(caps, (nRows, h) => recoveryCurve(scores, marks, offsets[h]!, nRows));
    const need = (h: number, target: number): number => {
        const curve = recovered[h]!;
        let low = pinned[h]!;
        let high = caps[h]!;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (curve[middle]! >= target) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    };
    let low = 0;
    let high = 1;
    for (let step = 0; step < 50; step++) {
        const target = (low + high) / 2;
        let needed = 0;
        for (let h = 0; h < caps.length; h++) {
            needed += need(h, target);
        }
        if (needed <= totalRows) {
            low = target;
        } else {
            high = target;
        }
    }
    return exactly(
        caps.map((_, h) => need(h, low)),
        caps,
        totalRows,
    );
}

/** curve[m] = share of the head's attention in its first m rows: pinned ones first, then from the highest down. */
function recoveryCurve(scores: Float32Array, marks: Uint8Array, from: number, nRows: number): Float64Array {
    const isPinned = (row: number): boolean => marks[from + row]! >= PinMark.last;
    const own = scores.subarray(from, from + nRows);
    const ordered = [
        ...own.filter((_, row) => isPinned(row)),
        ...own
            .filter((_, row) => !isPinned(row))
            .sort()
            .reverse(),
    ];
    const all = sum(ordered);
    const curve = new Float64Array(nRows + 1);
    let running = 0;
    ordered.forEach((score, m) => {
        running += score;
        curve[m + 1] = all > 0 ? running / all : 1;
    });
    return curve;
}

/** The layers in the highest of three clusters of a line: k-means on a line is two cuts, so every pair is tried. */
function topOfThreeClusters(values: Float64Array): Uint8Array {
    const sorted = values.toSorted();
    const spread = (from: number, to: number): number => {
        const part = sorted.slice(from, to);
        const mean = sum(part) / Math.max(1, part.length);
        return part.reduce((total, x) => total + (x - mean) ** 2, 0);
    };
    let best = Infinity;
    let cut = sorted.length;
    for (let i = 1; i < sorted.length - 1; i++) {
        for (let j = i + 1; j < sorted.length; j++) {
            const cost = spread(0, i) + spread(i, j) + spread(j, sorted.length);
            if (cost < best) {
                best = cost;
                cut = j;
            }
        }
    }
    const threshold = sorted[cut] ?? Infinity;
    return Uint8Array.from(values, (x) => (x >= threshold ? 1 : 0));
}

function retrievalScoresOf(profile: HeadProfile | undefined, heads: HeadRows): Float64Array {
    const scores = profile?.retrieval?.flat();
    if (scores?.length !== heads.nLayers * heads.nKvHeads) {
        throw unmeasuredFact("retrieval scores of the heads");
    }
    return Float64Array.from(scores);
}
