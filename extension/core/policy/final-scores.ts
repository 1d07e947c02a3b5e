/**
 * From what was measured to what is compared: raw scores become final ones by the parts of a policy that look at
 * neighbouring tokens, values and places. Nothing is chosen here.
 */

import type {KvShape} from "./head-rows.js";
import type {Pool, Prior, ScoringPolicy} from "./policy.js";
import {fileRows, rowsSeeing} from "./score-pass.js";

/** Measurements of one file; every array has shape [nLayers, nKvHeads, nTokens], row-major. */
export interface Measured {
    shape: KvShape;
    nTokens: number;
    /** Raw scores of the score pass or of exported rows; not needed by `recency` and `random`. */
    scores?: Float32Array | undefined;
    /** ||V_j||_2^2; needed by the priors `v2` and `v`. */
    valueNorms?: Float32Array | undefined;
    /** ||V_j||_1; needed by the prior `v1`. */
    valueNormsL1?: Float32Array | undefined;
}

/**
 * Scores to compare, higher is better, shape [nLayers, nKvHeads, nTokens]. A new array: raw scores stay as they are,
 * so that one read can be cut by several policies.
 *
 * @param pinnedLast last tokens that are pinned: they neither give to their neighbours nor take from them
 * @throws Error when a measurement that the policy needs is missing or of another length
 */
export function finalScores(policy: ScoringPolicy, measured: Measured, pinnedLast: number): Float32Array {
    const {shape, nTokens} = measured;
    const nHeads = shape.nLayers * shape.nKvHeads;
    const scores = rawScores(policy, measured, nHeads);
    if (policy.evidence.kind === "attention") {
        const {rows, overRows, overKvHeads} = policy.evidence;
        if (overRows === "mean") {
            const pass =
                rows.kind === "replay"
                    ? ({source: "replay", rows: {offset: 0, stride: 1, count: 1}} as const)
                    : ({source: "file", rows: fileRows(rows, nTokens)} as const);
            divideByCounts(scores, rowsSeeing(pass, nTokens));
        }
        if (overKvHeads === "mean") {
            averageOverKvHeads(scores, shape, nTokens);
        }
    }
    if (policy.pool.kind !== "none") {
        const nPooled = Math.max(0, nTokens - pinnedLast);
        for (let h = 0; h < nHeads; h++) {
            poolInPlace(scores.subarray(h * nTokens, h * nTokens + nPooled), policy.pool);
        }
    }
    applyPrior(scores, policy.prior, measured, nHeads);
    return scores;
}

function rawScores(policy: ScoringPolicy, measured: Measured, nHeads: number): Float32Array {
    const {nTokens} = measured;
    switch (policy.evidence.kind) {
        case "recency":
            return Float32Array.from({length: nHeads * nTokens}, (_, i) => i % nTokens);
        case "random": {
            const {seed} = policy.evidence;
            return Float32Array.from({length: nHeads * nTokens}, (_, i) => uniformNoise(seed, i));
        }
        case "attention":
        case "rows":
        case "expected":
            return ofLength(measured.scores, nHeads * nTokens, policy.name, "raw scores").slice();
    }
}

function divideByCounts(scores: Float32Array, counts: Uint32Array): void {
    for (let i = 0; i < scores.length; i++) {
        scores[i] = scores[i]! / Math.max(1, counts[i % counts.length]!);
    }
}

function averageOverKvHeads(scores: Float32Array, {nLayers, nKvHeads}: KvShape, nTokens: number): void {
    for (let layer = 0; layer < nLayers; layer++) {
        const start = layer * nKvHeads * nTokens;
        for (let token = start; token < start + nTokens; token++) {
            let total = 0;
            for (let h = 0; h < nKvHeads; h++) {
                total += scores[token + h * nTokens]!;
            }
            for (let h = 0; h < nKvHeads; h++) {
                scores[token + h * nTokens] = total / nKvHeads;
            }
        }
    }
}

/** Maximum or mean over the tokens within width / 2, those that exist. */
function poolInPlace(scores: Float32Array, pool: Exclude<Pool, {kind: "none"}>): void {
    const original = scores.slice();
    const reach = (pool.width - 1) / 2;
    for (let token = 0; token < scores.length; token++) {
        const from = Math.max(0, token - reach);
        const to = Math.min(scores.length, token + reach + 1);
        let pooled = pool.kind === "max" ? -Infinity : 0;
        for (let i = from; i < to; i++) {
            pooled = pool.kind === "max" ? Math.max(pooled, original[i]!) : pooled + original[i]!;
        }
        scores[token] = pool.kind === "max" ? pooled : pooled / (to - from);
    }
}

function applyPrior(scores: Float32Array, prior: Prior, measured: Measured, nHeads: number): void {
    const {nTokens} = measured;
    const nScores = nHeads * nTokens;
    switch (prior.kind) {
        case "none":
            return;
        case "v1": {
            const norms = ofLength(measured.valueNormsL1, nScores, "v1", "||V||_1");
            scores.forEach((score, i) => (scores[i] = score * norms[i]!));
            return;
        }
        case "v": {
            const norms = ofLength(measured.valueNorms, nScores, "v", "||V||^2");
            scores.forEach((score, i) => (scores[i] = score * Math.sqrt(norms[i]!)));
            return;
        }
        case "v2": {
            const norms = ofLength(measured.valueNorms, nScores, "v2", "||V||^2");
            for (let h = 0; h < nHeads; h++) {
                const gamma = norms.slice(h * nTokens, (h + 1) * nTokens);
                poolInPlace(gamma, {kind: "avg", width: prior.width});
                const highest = gamma.reduce((a, b) => Math.max(a, b), 0);
                for (let token = 0; token < nTokens && highest > 0; token++) {
                    const i = h * nTokens + token;
                    scores[i] = (scores[i]! * gamma[token]!) / highest;
                }
            }
        }
    }
}

function ofLength(values: Float32Array | undefined, length: number, who: string, what: string): Float32Array {
    if (values?.length !== length) {
        throw new Error(`"${who}" needs ${what} of ${length} values, got ${values?.length ?? "none"}`);
    }
    return values;
}

/**
 * A number in (0, 1) that depends on seed and index alone: the same cut on every machine and in every order.
 * Mixing steps of MurmurHash3's finaliser; 24 bits, what a float32 holds.
 */
export function uniformNoise(seed: number, index: number): number {
    let x = (Math.imul(seed | 0, 0x9e3779b1) ^ (index + 0x7f4a7c15)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((((x ^ (x >>> 16)) >>> 0) >>> 8) + 0.5) / 2 ** 24;
}
