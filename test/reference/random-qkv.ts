/** Seeded Q, K and V of a small grouped-query model, with heads that attend differently sharply. */

import type {Qkv} from "./attention.js";

export interface QkvShape {
    layers: number;
    queryHeads: number;
    kvHeads: number;
    dim: number;
    prefixTokens: number;
    fileTokens: number;
    /** Header and repeated tokens of a replay. */
    replay?: {headerTokens: number; repeatedTokens: number};
}

/** A stream of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

export function randomQkv(shape: QkvShape, seed: number): Qkv {
    const next = seeded(seed);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    // Rounded to float32: exported rows are no finer.
    const vectors = (n: number, scale: number): number[][] =>
        Array.from({length: n}, () => Array.from({length: shape.dim}, () => Math.fround(scale * normal())));
    const heads = (n: number, rows: number, scaleOf: () => number): number[][][][] =>
        Array.from({length: shape.layers}, () => Array.from({length: n}, () => vectors(rows, scaleOf())));
    const {prefixTokens, fileTokens, replay} = shape;
    const nReplayed = replay === undefined ? 0 : replay.headerTokens + replay.repeatedTokens;
    const nKeys = prefixTokens + fileTokens + nReplayed;
    return {
        q: heads(shape.queryHeads, fileTokens, () => 0.5 + 2 * next()),
        k: heads(shape.kvHeads, nKeys, () => 1),
        v: heads(shape.kvHeads, nKeys, () => 0.5 + next()),
        prefixTokens,
        scale: 1 / Math.sqrt(shape.dim),
        ...(replay === undefined
            ? {}
            : {
                  replay: {
                      q: heads(shape.queryHeads, nReplayed, () => 0.5 + 2 * next()),
                      headerTokens: replay.headerTokens,
                  },
              }),
    };
}

/** Nested arrays as one row-major Float32Array. */
export function flat(nested: unknown[]): Float32Array {
    return Float32Array.from((nested as unknown[][]).flat(Infinity as 1) as unknown as number[]);
}
