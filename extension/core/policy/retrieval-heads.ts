/**
 * Which heads retrieve: the share of attention that a repeated token pays to its first occurrence (echo) and to the
 * token after it (induction), as RazorAttention finds its heads (arXiv 2407.15891). Part of calibration; the result
 * goes into the head profile.
 */

import type {ExportedRows} from "./exported-scores.js";

/**
 * Retrieval score of each KV head, [layer][KV head], in [0, 1]: the better of its query heads' mean echo and mean
 * induction attention.
 *
 * @param rows exported while `nTokens` random tokens behind the prefix were read and then repeated: queries are those
 *   of the repetition (firstQuery = prefixTokens + nTokens), keys include it
 */
export function retrievalScores(rows: ExportedRows): number[][] {
    const {shape, nQueryHeads, prefixTokens, nTokens, queries, keys, scale} = rows;
    const {nLayers, nKvHeads, headDim} = shape;
    const firstQuery = prefixTokens + nTokens;
    if (queries?.length !== nLayers * nQueryHeads * nTokens * headDim || rows.firstQuery !== firstQuery) {
        throw new Error("retrieval scores need the queries of a repetition of the whole text");
    }
    const group = nQueryHeads / nKvHeads;
    const nKeys = keys.length / (nLayers * nKvHeads * headDim);
    const scores = Array.from({length: nLayers}, () => new Array<number>(nKvHeads).fill(0));
    for (let layer = 0; layer < nLayers; layer++) {
        for (let head = 0; head < nQueryHeads; head++) {
            const kvHead = Math.floor(head / group);
            let echo = 0;
            let induction = 0;
            // The last token has no successor in the first reading.
            for (let token = 0; token + 1 < nTokens; token++) {
                const query = ((layer * nQueryHeads + head) * nTokens + token) * headDim;
                const logits = Float64Array.from({length: firstQuery + token + 1}, (_, j) => {
                    const key = ((layer * nKvHeads + kvHead) * nKeys + j) * headDim;
                    let dot = 0;
                    for (let i = 0; i < headDim; i++) {
                        dot += queries[query + i]! * keys[key + i]!;
                    }
                    return scale * dot;
                });
                const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
                const total = logits.reduce((a, b) => a + Math.exp(b - highest), 0);
                echo += Math.exp(logits[prefixTokens + token]! - highest) / total;
                induction += Math.exp(logits[prefixTokens + token + 1]! - highest) / total;
            }
            const ofLayer = scores[layer]!;
            ofLayer[kvHead] = Math.max(ofLayer[kvHead]!, Math.max(echo, induction) / Math.max(1, nTokens - 1));
        }
    }
    return scores;
}
