/** Every (layer, KV head) with its own kept rows: attention as computed independently from the exported K, V and Q. */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {flatten} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {RowType} from "../../extension/engine/native/native.js";
import {loadSmallModel, onGpu, openContext, randomKeep, relativeError, sampleText, tokensOf} from "./small-model.js";

let model: LoadedModel;
beforeAll(async () => {
    model = await loadSmallModel();
});
afterAll(() => model.dispose());

describe.each<[RowType, number]>([
    ["f32", onGpu(1e-3, 1e-5)],
    ["f16", 5e-3],
    // Rows of 8 and of 4 bits are exported as they are seen, so only the arithmetic differs: Q is rounded to 8 bits too.
    ["q8_0", 1e-2],
    ["q4_0", onGpu(3e-2, 1e-2)],
])("rows in %s", (rowType, tolerance) => {
    // Graphs of 1, 2, 4, 8 and 16 tokens are kept, others are not.
    it.each([1, 4, 5, 90])("attends to the kept rows only, %i tokens at a time", async (nTokens) => {
        const {context, shape} = await openContext(model, {rowType});
        const {nLayers, nHeads, nKvHeads, headDim} = shape;
        const nFile = 400;
        const reading = await context.newSession();
        await reading.decode(tokensOf(model, sampleText, nFile), 0);
        const keep = randomKeep(nLayers * nKvHeads, nFile, 7);
        const {counts, rows} = flatten(keep);
        const segment = await reading.gather(counts, rows);
        const session = await context.newSession();
        await session.compose([{segment}]);
        const question = tokensOf(model, sampleText.slice(-2000), nTokens);
        const {captured} = await session.decode(question, nFile, {capture: true});
        const perToken = nHeads * headDim;
        for (const layer of [0, Math.floor(nLayers / 2), nLayers - 1]) {
            const expected = new Float64Array(nTokens * perToken);
            for (let kvHead = 0; kvHead < nKvHeads; kvHead++) {
                const {k, v} = await session.exportRows(layer, kvHead);
                const base = keep[layer * nKvHeads + kvHead]!.length;
                expect(k.length / headDim).toBe(base + nTokens);
                for (let t = 0; t < nTokens; t++) {
                    for (let head = kvHead * (nHeads / nKvHeads); head < (kvHead + 1) * (nHeads / nKvHeads); head++) {
                        const at = t * perToken + head * headDim;
                        const q = captured![layer]!.queries.subarray(at, at + headDim);
                        expected.set(attention(q, k, v, base + t + 1, headDim), at);
                    }
                }
            }
            expect(relativeError(captured![layer]!.outputs, expected)).toBeLessThan(tolerance);
        }
        for (const one of [reading, segment, session]) one.dispose();
        await context.close();
    });
});

/** softmax(q K^T / sqrt(d)) V over the first n rows, in doubles. */
function attention(q: Float32Array, k: Float32Array, v: Float32Array, n: number, d: number): Float64Array {
    const weights = new Float64Array(n);
    let largest = -Infinity;
    for (let j = 0; j < n; j++) {
        let logit = 0;
        for (let e = 0; e < d; e++) logit += q[e]! * k[j * d + e]!;
        weights[j] = logit / Math.sqrt(d);
        largest = Math.max(largest, weights[j]!);
    }
    let sum = 0;
    for (let j = 0; j < n; j++) sum += weights[j] = Math.exp(weights[j]! - largest);
    const out = new Float64Array(d);
    for (let j = 0; j < n; j++) for (let e = 0; e < d; e++) out[e]! += (weights[j]! / sum) * v[j * d + e]!;
    return out;
}
