/**
 * Raw scores from exported rows, for the compositions that the native score pass does not compute: key-only
 * formulas, noisy or sigma-scaled attention, expected attention. A laboratory road: plain loops, seconds per file.
 */

import {expectedScores, type RopeSpec} from "./expected-attention.js";
import {uniformNoise} from "./final-scores.js";
import type {KvShape} from "./head-rows.js";
import {isFull, type AttentionEvidence, type Policy} from "./policy.js";
import {fileRows, stepGain} from "./score-pass.js";

/** Rows of one file and its prefix as the model computed them, RoPE applied, row-major. */
export interface ExportedRows {
    shape: KvShape;
    /** Query heads; head q belongs to KV head floor(q / (nQueryHeads / nKvHeads)). */
    nQueryHeads: number;
    prefixTokens: number;
    nTokens: number;
    /** [nLayers, nQueryHeads, nQueries, headDim]. */
    queries?: Float32Array | undefined;
    /** Index of the key that belongs to the first query; prefixTokens for the file itself, more for a replay. */
    firstQuery?: number | undefined;
    /** [nLayers, nKvHeads, prefixTokens + nTokens (+ replayed tokens), headDim]. */
    keys: Float32Array;
    /** The same shape as keys. */
    values: Float32Array;
    /** The model's factor on q k^T, usually 1 / sqrt(headDim). */
    scale: number;
}

/**
 * Raw scores [nLayers, nKvHeads, nTokens] for a policy whose needs include exportedRows; any other policy of
 * attention works too, as a slow check of the native pass.
 *
 * @param budget share of rows kept: sets k of the step gain
 * @param rope needed by expected attention
 * @throws Error when the policy needs no raw scores, or rows are missing
 */
export function exportedScores(policy: Policy, rows: ExportedRows, budget: number, rope?: RopeSpec): Float32Array {
    if (isFull(policy)) {
        throw new Error("full needs no scores");
    }
    const {evidence} = policy;
    switch (evidence.kind) {
        case "attention":
            return attentionScores(evidence, rows, budget);
        case "rows":
            return evidence.formula === "lagkv"
                ? perHead(rows, (keys, values) =>
                      lagScores(keys, values, rows.shape.headDim, evidence.lag, evidence.first),
                  )
                : perHead(rows, evidence.formula === "knorm" ? negativeNorms(rows) : unlikeness(rows));
        case "expected":
            if (rope === undefined) {
                throw new Error("expected attention needs the model's RoPE");
            }
            return expectedScores(rows, rope, evidence);
        case "recency":
        case "random":
            throw new Error(`${policy.name} needs no scores`);
    }
}

/** ||V_j||_1 of the file's tokens, [nLayers, nKvHeads, nTokens]: what the prior `v1` multiplies by. */
export function valueNormsL1(rows: ExportedRows): Float32Array {
    const {headDim} = rows.shape;
    return perHead(rows, (_, values) =>
        Float32Array.from({length: rows.nTokens}, (__, token) => {
            let norm = 0;
            for (let i = token * headDim; i < (token + 1) * headDim; i++) {
                norm += Math.abs(values[i]!);
            }
            return norm;
        }),
    );
}

/** Softmax attention as the policy's evidence says, summed (or its maximum taken) over the rows that ask. */
function attentionScores(evidence: AttentionEvidence, rows: ExportedRows, budget: number): Float32Array {
    const {shape, nQueryHeads, prefixTokens, nTokens, queries, keys, scale} = rows;
    if (queries === undefined) {
        throw new Error("attention needs exported queries");
    }
    const {nLayers, nKvHeads, headDim} = shape;
    const nQueries = queries.length / (nLayers * nQueryHeads * headDim);
    const nKeys = keys.length / (nLayers * nKvHeads * headDim);
    const group = nQueryHeads / nKvHeads;
    const firstQuery = rows.firstQuery ?? prefixTokens;
    const asking =
        evidence.rows.kind === "replay" ? {offset: 0, stride: 1, count: nQueries} : fileRows(evidence.rows, nQueries);
    const budgetKeys = Math.max(1, Math.round(budget * nTokens));
    const scores = new Float32Array(nLayers * nKvHeads * nTokens);
    for (let layer = 0; layer < nLayers; layer++) {
        for (let head = 0; head < nQueryHeads; head++) {
            const kvHead = layer * nKvHeads + Math.floor(head / group);
            const own = new Float64Array(nTokens);
            for (let r = 0; r < asking.count; r++) {
                const row = asking.offset + r * asking.stride;
                const query = ((layer * nQueryHeads + head) * nQueries + row) * headDim;
                const logits = new Float64Array(firstQuery + row + 1);
                for (let j = 0; j < logits.length; j++) {
                    const key = (kvHead * nKeys + j) * headDim;
                    for (let i = 0; i < headDim; i++) {
                        logits[j] = logits[j]! + queries[query + i]! * keys[key + i]!;
                    }
                }
                const factor = rowFactor(evidence, logits, scale, budgetKeys);
                const noise = evidence.noise;
                const place = (layer * nQueryHeads + head) * nQueries + row;
                const attention = softmax(
                    logits.map((x, j) => factor * x + (noise === undefined ? 0 : gumbelNoise(noise.seed, place, j))),
                );
                for (let token = 0; token < nTokens && prefixTokens + token < attention.length; token++) {
                    const a = attention[prefixTokens + token]!;
                    own[token] = gathered(evidence.overRows, own[token]!, a);
                }
            }
            for (let token = 0; token < nTokens; token++) {
                const i = kvHead * nTokens + token;
                const score = evidence.overRows === "norm" ? Math.sqrt(own[token]!) : own[token]!;
                scores[i] = evidence.overHeads === "max" ? Math.max(scores[i]!, score) : scores[i]! + score / group;
            }
        }
    }
    return scores;
}

/** What one more row adds to a token's attention; of a `norm` the squares are gathered. */
function gathered(overRows: AttentionEvidence["overRows"], before: number, a: number): number {
    switch (overRows) {
        case "max":
            return Math.max(before, a);
        case "norm":
            return before + a * a;
        case "sum":
        case "mean":
            return before + a;
    }
}

/**
 * What a row's logits are multiplied by: the model's scale times the step gain, or sqrt(2 ln(i / k)) / sigma with
 * sigma the deviation of the row's own logits, never below the model's scale.
 */
function rowFactor(evidence: AttentionEvidence, logits: Float64Array, scale: number, budgetKeys: number): number {
    const nVisible = logits.length;
    switch (evidence.gain) {
        case "one":
            return scale;
        case "sg":
            return scale * stepGain(nVisible, budgetKeys);
        case "sg-sigma": {
            if (nVisible <= budgetKeys) {
                return scale;
            }
            const mean = logits.reduce((a, b) => a + b, 0) / nVisible;
            const variance = logits.reduce((a, b) => a + (b - mean) ** 2, 0) / nVisible;
            return variance > 0 ? Math.max(scale, Math.sqrt((2 * Math.log(nVisible / budgetKeys)) / variance)) : scale;
        }
    }
}

/** Gumbel(0, 1) noise that depends on seed, query row and key alone. */
export function gumbelNoise(seed: number, row: number, key: number): number {
    return -Math.log(-Math.log(uniformNoise(seed ^ Math.imul(row + 1, 0x27d4eb2f), key)));
}

function softmax(logits: Float64Array): Float64Array {
    const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = logits.map((x) => Math.exp(x - highest));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => p / total);
}

/** Applies a formula to the keys and values of the file's tokens, head by head. */
function perHead(
    rows: ExportedRows,
    formula: (keys: Float32Array, values: Float32Array) => Float32Array,
): Float32Array {
    const {shape, prefixTokens, nTokens} = rows;
    const nHeads = shape.nLayers * shape.nKvHeads;
    const stride = rows.keys.length / nHeads;
    const from = prefixTokens * shape.headDim;
    const to = from + nTokens * shape.headDim;
    const scores = new Float32Array(nHeads * nTokens);
    for (let h = 0; h < nHeads; h++) {
        const keys = rows.keys.subarray(h * stride + from, h * stride + to);
        const values = rows.values.subarray(h * stride + from, h * stride + to);
        scores.set(formula(keys, values), h * nTokens);
    }
    return scores;
}

function norm(vectors: Float32Array, token: number, dim: number): number {
    let total = 0;
    for (let i = token * dim; i < (token + 1) * dim; i++) {
        total += vectors[i]! * vectors[i]!;
    }
    return Math.sqrt(total);
}

/** Knorm: -||k_j||_2. */
function negativeNorms({shape: {headDim}, nTokens}: ExportedRows) {
    return (keys: Float32Array): Float32Array =>
        Float32Array.from({length: nTokens}, (_, token) => -norm(keys, token, headDim));
}

/** KeyDiff: -cos(k_j, anchor), the anchor being the mean of the keys' directions. */
function unlikeness({shape: {headDim}, nTokens}: ExportedRows) {
    return (keys: Float32Array): Float32Array => {
        const anchor = new Float64Array(headDim);
        const norms = Float64Array.from({length: nTokens}, (_, token) => norm(keys, token, headDim) || 1);
        keys.forEach((x, i) => (anchor[i % headDim] = anchor[i % headDim]! + x / norms[Math.floor(i / headDim)]!));
        const anchorNorm = Math.sqrt(anchor.reduce((a, b) => a + b * b, 0)) || 1;
        return Float32Array.from({length: nTokens}, (_, token) => {
            const dot = anchor.reduce((total, x, i) => total + x * keys[token * headDim + i]!, 0);
            return -dot / (anchorNorm * norms[token]!);
        });
    };
}

/** LagKV: the rank of a token inside its partition, by its deviation relative to the next partition (see the preset). */
function lagScores(keys: Float32Array, values: Float32Array, dim: number, lag: number, first: number): Float32Array {
    const nTokens = keys.length / dim;
    const scores = new Float32Array(nTokens).fill(1);
    const nPartitions = Math.floor((nTokens - first) / lag);
    if (nPartitions < 2) {
        for (let token = first; token < nTokens; token++) {
            scores[token] = (token - first) / (nTokens - first);
        }
        return scores;
    }
    for (let p = 0; p + 1 < nPartitions; p++) {
        const start = first + p * lag;
        const ofKeys = softmax(lagDeviations(keys, start, lag, dim));
        const ofValues = softmax(lagDeviations(values, start, lag, dim));
        const mean = ofKeys.map((x, i) => (x + ofValues[i]!) / 2);
        Array.from(mean.keys())
            .sort((a, b) => mean[a]! - mean[b]! || a - b)
            .forEach((token, rank) => (scores[start + token] = rank / lag));
    }
    return scores;
}

/** Deviation over the channels of each token in [start, start + lag), normalised by the range of the lag after it. */
function lagDeviations(vectors: Float32Array, start: number, lag: number, dim: number): Float64Array {
    const low = new Float64Array(dim).fill(Infinity);
    const high = new Float64Array(dim).fill(-Infinity);
    for (let i = (start + lag) * dim; i < (start + 2 * lag) * dim; i++) {
        low[i % dim] = Math.min(low[i % dim]!, vectors[i]!);
        high[i % dim] = Math.max(high[i % dim]!, vectors[i]!);
    }
    return Float64Array.from({length: lag}, (_, t) => {
        const normal = Float64Array.from({length: dim}, (__, c) => {
            const range = high[c]! - low[c]!;
            return range > 0 ? (vectors[(start + t) * dim + c]! - low[c]!) / range : 0;
        });
        const mean = normal.reduce((a, b) => a + b, 0) / dim;
        return Math.sqrt(normal.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, dim - 1));
    });
}
