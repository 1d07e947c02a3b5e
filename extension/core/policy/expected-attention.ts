/**
 * Attention expected from queries not yet seen (Expected Attention, arXiv 2510.00636), in closed form from the mean
 * and covariance of the file's own queries. Works on exported rows; knows RoPE as two numbers per pair of channels.
 */

import type {ExportedRows} from "./exported-scores.js";

/** How a model rotates its heads. */
export interface RopeSpec {
    /** Radians per position for each rotated pair of channels, scaling (YaRN, linear) included; at most headDim / 2. */
    frequencies: ArrayLike<number>;
    /** `neox` pairs channel i with i + number of pairs, `interleaved` 2 i with 2 i + 1. */
    layout: "neox" | "interleaved";
    /** Position of the file's first token. */
    firstPosition: number;
}

/**
 * softmax over the file's tokens (without the first ones, which get 0) of
 *
 *     z_j = mu' k_j / sqrt(d) + k_j^T Sigma' k_j / (2 d),    mu' = R mu,  Sigma' = R Sigma R^T,
 *
 * averaged over the query heads of a KV head. mu and Sigma are of the queries before RoPE, so each is rotated back by
 * its position; R is the mean of the rotations at the next `nFuture` positions.
 *
 * @returns [nLayers, nKvHeads, nTokens]; the factor ||V||_2 of the paper is the policy's prior
 */
export function expectedScores(
    rows: ExportedRows,
    rope: RopeSpec,
    {nFuture, first}: {nFuture: number; first: number},
): Float32Array {
    const {shape, nQueryHeads, prefixTokens, nTokens, queries, keys, scale} = rows;
    const {nLayers, nKvHeads, headDim} = shape;
    if (queries?.length !== nLayers * nQueryHeads * nTokens * headDim) {
        throw new Error("expected attention needs the queries of the whole file");
    }
    const group = nQueryHeads / nKvHeads;
    const nKeys = keys.length / (nLayers * nKvHeads * headDim);
    const mean = meanRotation(rope, rope.firstPosition + nTokens, nFuture);
    const scores = new Float32Array(nLayers * nKvHeads * nTokens);
    for (let layer = 0; layer < nLayers; layer++) {
        for (let head = 0; head < nQueryHeads; head++) {
            const start = (layer * nQueryHeads + head) * nTokens * headDim;
            const {mu, sigma} = statistics(
                Array.from({length: Math.max(0, nTokens - first)}, (_, i) => {
                    const at = start + (first + i) * headDim;
                    const query = Float64Array.from(queries.subarray(at, at + headDim));
                    return rotate(query, rope, (f) => angle(-f * (rope.firstPosition + first + i)));
                }),
                headDim,
            );
            const future = rotate(mu, rope, (_, pair) => mean[pair]!);
            const spread = rotateBoth(sigma, rope, mean);
            const kvHead = layer * nKvHeads + Math.floor(head / group);
            const z = Float64Array.from({length: Math.max(0, nTokens - first)}, (_, j) => {
                const at = (kvHead * nKeys + prefixTokens + first + j) * headDim;
                return expectedLogit(keys.subarray(at, at + headDim), future, spread, scale);
            });
            const highest = z.reduce((a, b) => Math.max(a, b), -Infinity);
            const total = z.reduce((a, b) => a + Math.exp(b - highest), 0);
            z.forEach((x, j) => {
                const i = kvHead * nTokens + first + j;
                scores[i] = scores[i]! + Math.exp(x - highest) / total / group;
            });
        }
    }
    return scores;
}

interface Rotation {
    cos: number;
    sin: number;
}

function angle(radians: number): Rotation {
    return {cos: Math.cos(radians), sin: Math.sin(radians)};
}

/** The mean of the rotations at `n` positions from `from` on, per pair: shorter than a rotation. */
function meanRotation({frequencies}: RopeSpec, from: number, n: number): Rotation[] {
    return Array.from(frequencies, (frequency) => {
        let cos = 0;
        let sin = 0;
        for (let position = from; position < from + n; position++) {
            cos += Math.cos(frequency * position);
            sin += Math.sin(frequency * position);
        }
        return {cos: cos / n, sin: sin / n};
    });
}

/** Turns every pair of channels; channels beyond the rotated ones stay. */
function rotate(
    vector: Float64Array,
    {frequencies, layout}: RopeSpec,
    rotation: (frequency: number, pair: number) => Rotation,
): Float64Array {
    const turned = vector.slice();
    for (let pair = 0; pair < frequencies.length; pair++) {
        const a = layout === "neox" ? pair : 2 * pair;
        const b = layout === "neox" ? pair + frequencies.length : 2 * pair + 1;
        const {cos, sin} = rotation(frequencies[pair]!, pair);
        turned[a] = cos * vector[a]! - sin * vector[b]!;
        turned[b] = sin * vector[a]! + cos * vector[b]!;
    }
    return turned;
}

/** R Sigma R^T: the rows turned, then, Sigma being symmetric, the rows of what that gives. */
function rotateBoth(sigma: Float64Array[], rope: RopeSpec, mean: Rotation[]): Float64Array[] {
    const turn = (row: Float64Array): Float64Array => rotate(row, rope, (_, pair) => mean[pair]!);
    const half = sigma.map(turn);
    return transpose(transpose(half).map(turn));
}

function transpose(matrix: Float64Array[]): Float64Array[] {
    return matrix.map((_, i) => Float64Array.from(matrix, (row) => row[i]!));
}

function statistics(queries: Float64Array[], dim: number): {mu: Float64Array; sigma: Float64Array[]} {
    const n = Math.max(1, queries.length);
    const mu = Float64Array.from({length: dim}, (_, i) => queries.reduce((total, q) => total + q[i]!, 0) / n);
    const sigma = Array.from({length: dim}, () => new Float64Array(dim));
    for (const query of queries) {
        for (let i = 0; i < dim; i++) {
            const row = sigma[i]!;
            for (let j = 0; j < dim; j++) {
                row[j] = row[j]! + ((query[i]! - mu[i]!) * (query[j]! - mu[j]!)) / n;
            }
        }
    }
    return {mu, sigma};
}

function expectedLogit(key: Float32Array, mu: Float64Array, sigma: Float64Array[], scale: number): number {
    let linear = 0;
    let square = 0;
    for (let i = 0; i < key.length; i++) {
        linear += mu[i]! * key[i]!;
        const row = sigma[i]!;
        for (let j = 0; j < key.length; j++) {
            square += key[i]! * row[j]! * key[j]!;
        }
    }
    return scale * linear + (scale * scale * square) / 2;
}
