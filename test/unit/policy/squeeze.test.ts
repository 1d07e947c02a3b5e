/**
 * SqueezeAttention's budgets, against the clustering and the division of its published code: k-means with three centres
 * over the layers' similarities, here from every three of them as a start.
 */
import {describe, expect, it} from "vitest";
import {cut} from "../../../extension/core/policy/cut.js";
import {equalOffsets} from "../../../extension/core/policy/head-rows.js";
import {policyByName} from "../../../extension/core/policy/presets.js";
import {squeezeCounts} from "../../../extension/core/policy/published-shares.js";
import {seeded} from "../../reference/random-qkv.js";

const keep = 0.35;
const nTokens = 1000;
const nKvHeads = 2;

/** As measured on small models: a few layers far below the rest. */
function similarities(nLayers: number, seed: number): Float64Array {
    const next = seeded(seed);
    return Float64Array.from({length: nLayers}, () => 1 - 0.4 * next() ** 4);
}

/** The layers of the highest centre. */
function idleLayers(values: Float64Array): Set<number> {
    let least = Infinity;
    let idle = new Set<number>();
    for (let a = 0; a < values.length; a++) {
        for (let b = 0; b < a; b++) {
            for (let c = 0; c < b; c++) {
                const {cost, nearest, centres} = lloyd(values, [values[a]!, values[b]!, values[c]!]);
                if (cost >= least - 1e-12) continue;
                least = cost;
                const highest = centres.indexOf(Math.max(...centres));
                idle = new Set(nearest.flatMap((centre, layer) => (centre === highest ? [layer] : [])));
            }
        }
    }
    return idle;
}

function lloyd(values: Float64Array, start: number[]): {cost: number; nearest: number[]; centres: number[]} {
    let centres = start;
    for (;;) {
        const distances = [...values].map((x) => centres.map((centre) => (x - centre) ** 2));
        const nearest = distances.map((d) => d.indexOf(Math.min(...d)));
        const moved = centres.map((centre, i) => {
            const own = [...values].filter((_, layer) => nearest[layer] === i);
            return own.length === 0 ? centre : own.reduce((x, y) => x + y, 0) / own.length;
        });
        if (moved.every((centre, i) => centre === centres[i])) {
            return {cost: distances.reduce((sum, d) => sum + Math.min(...d), 0), nearest, centres};
        }
        centres = moved;
    }
}

describe("a layer's budget", () => {
    it.each([
        [30, 1, 0.25],
        [30, 2, 0.125],
        [28, 3, 0.25],
        [12, 4, 0.4],
        [3, 5, 0.25],
    ])("of %i layers (seed %i) at %f is that of its group", (nLayers, seed, budget) => {
        const layerSimilarity = similarities(nLayers, seed);
        const idle = idleLayers(layerSimilarity);
        expect(idle.size).toBeGreaterThan(0);
        expect(idle.size).toBeLessThan(nLayers);
        const busy = (nLayers * budget - idle.size * keep * budget) / (nLayers - idle.size);
        // The other cases are those of the published division; here no layer may want more than it has.
        expect(busy).toBeLessThanOrEqual(1);
        const nHeads = nLayers * nKvHeads;
        const counts = squeezeCounts(keep, {
            heads: {
                nLayers,
                nKvHeads,
                scores: new Float32Array(nHeads * nTokens),
                offsets: equalOffsets(nHeads, nTokens),
            },
            marks: new Uint8Array(nHeads * nTokens),
            totalRows: Math.round(budget * nHeads * nTokens),
            layerSimilarity,
        });
        counts.forEach((count, h) => {
            const share = idle.has(Math.floor(h / nKvHeads)) ? keep * budget : busy;
            expect(Math.abs(count - share * nTokens), `head ${h}`).toBeLessThanOrEqual(1);
        });
    });

    it("never exceeds the layer: what is left over goes to the others", () => {
        const layerSimilarity = Float64Array.of(0.2, 0.9, 0.91, 0.92, 0.93, 0.6);
        const kept = cut({
            policy: policyByName("squeeze"),
            budget: 0.5,
            shape: {nLayers: 6, nKvHeads: 1, headDim: 1},
            nTokens,
            scores: new Float32Array(6 * nTokens),
            layerSimilarity,
        }).map((list) => list.length);
        expect(kept[0]).toBe(nTokens);
        expect(kept[5]).toBe(nTokens);
        expect(kept.slice(1, 5)).toEqual([250, 250, 250, 250]);
    });

    it("is halved between the last tokens and the highest scores of that layer", () => {
        const layerSimilarity = Float64Array.of(0.5, 0.7, 0.9, 0.91);
        const next = seeded(7);
        const scores = Float32Array.from({length: 4 * nTokens}, () => next());
        const lists = cut({
            policy: policyByName("squeeze"),
            budget: 0.25,
            shape: {nLayers: 4, nKvHeads: 1, headDim: 1},
            nTokens,
            scores,
            layerSimilarity,
        });
        expect(lists.map((list) => list.length)).toEqual([413, 413, 87, 87]);
        lists.forEach((list, layer) => {
            const nLast = Math.floor(list.length / 2);
            const others = Array.from({length: nTokens - nLast}, (_, token) => token)
                .sort((a, b) => scores[layer * nTokens + b]! - scores[layer * nTokens + a]!)
                .slice(0, list.length - nLast)
                .sort((a, b) => a - b);
            expect([...list]).toEqual([...others, ...Array.from({length: nLast}, (_, i) => nTokens - nLast + i)]);
        });
    });
});
