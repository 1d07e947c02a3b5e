import {describe, expect, it} from "vitest";
import {retrievalScores} from "../../../extension/core/policy/retrieval-heads.js";

describe("retrievalScores", () => {
    // Keys are one-hot by token; a query is one-hot on the token it looks for, times 50: its softmax is all there.
    const nTokens = 6;
    const dim = 8;
    const oneHot = (at: number, size = 1): number[] => Array.from({length: dim}, (_, i) => (i === at ? size : 0));
    const keys = [
        oneHot(7),
        ...Array.from({length: nTokens}, (_, t) => oneHot(t)),
        ...Array.from({length: nTokens}, () => oneHot(6)),
    ];
    const looksFor = (target: (token: number) => number): number[][] =>
        Array.from({length: nTokens}, (_, t) => oneHot(target(t), 50));

    it("is near 1 for heads that echo or induce and near 0 for others", () => {
        const queries = [
            looksFor((t) => t), // echo
            looksFor(() => 7), // the sink
            looksFor((t) => Math.min(t + 1, nTokens - 1)), // induction
            looksFor(() => 6), // the repetition itself
        ];
        const scores = retrievalScores({
            shape: {nLayers: 1, nKvHeads: 4, headDim: dim},
            nQueryHeads: 4,
            prefixTokens: 1,
            nTokens,
            firstQuery: 1 + nTokens,
            queries: Float32Array.from(queries.flat(2)),
            keys: Float32Array.from([keys, keys, keys, keys].flat(2)),
            values: new Float32Array(4 * keys.length * dim),
            scale: 1,
        });
        const [echo, sink, induction, local] = scores[0]!;
        expect(echo).toBeCloseTo(1, 5);
        expect(induction).toBeCloseTo(1, 5);
        expect(sink).toBeCloseTo(0, 5);
        expect(local).toBeCloseTo(0, 5);
    });

    it("takes the best query head of a KV head", () => {
        const [scores] = retrievalScores({
            shape: {nLayers: 1, nKvHeads: 1, headDim: dim},
            nQueryHeads: 2,
            prefixTokens: 1,
            nTokens,
            firstQuery: 1 + nTokens,
            queries: Float32Array.from([looksFor(() => 7), looksFor((t) => t)].flat(2)),
            keys: Float32Array.from(keys.flat()),
            values: new Float32Array(keys.length * dim),
            scale: 1,
        });
        expect(scores![0]).toBeCloseTo(1, 5);
    });
});
