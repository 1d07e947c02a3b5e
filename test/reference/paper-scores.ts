/**
 * The score of every published method written down from its paper's formulas, one function each, with the papers'
 * constants spelled out. Slow on purpose; compared with the compositions in extension/core/policy.
 */

import {
    attentionFromAhead,
    attentionToFile,
    dot,
    groupOf,
    nTokensOf,
    softmax,
    type Ahead,
    type Qkv,
} from "./attention.js";

export interface ReferenceOptions {
    /** Share of rows kept. */
    budget: number;
    /** Draws of Keyformer's Gumbel noise. */
    noise?: (layer: number, head: number, row: number, key: number) => number;
    /** Draws of `random`, by place in [layer, KV head, token]. */
    lot?: (index: number) => number;
    /** Rotation of channel pairs (i, i + d / 2) per position, for Expected Attention. */
    rope?: {frequencies: number[]; firstPosition: number};
    /** What aha-echo's rows see, and how their queries are rotated. */
    ahead?: Pick<Ahead, "frequencies" | "nDecoded">;
    /** Every how many rows aha-file asks. */
    stride?: number;
}

/** [layer][KV head][file token], higher is kept. */
export type Scores = number[][][];

type RowFactor = (logits: number[]) => number;

/** Final scores of a preset by name: after pooling and priors, before pins. */
export function referenceScores(name: string, qkv: Qkv, options: ReferenceOptions): Scores {
    const n = nTokensOf(qkv);
    const k = Math.max(1, Math.round(options.budget * n));
    const plain: RowFactor = () => qkv.scale;
    // L_i = sqrt(2 ln(i / k)) relative to 1 / sqrt(d), at least 1.
    const stepGain: RowFactor = (logits) => {
        const i = logits.length;
        return qkv.scale * (i > k ? Math.max(1, Math.sqrt(2 * Math.log(i / k))) : 1);
    };
    const everyRow = Array.from({length: n}, (_, i) => i);
    const lastRows = (count: number): number[] => everyRow.slice(Math.max(0, n - count));
    switch (name) {
        case "random":
            return perToken(qkv, (layer, head, token) => options.lot!((layer * qkv.k[0]!.length + head) * n + token));
        case "streaming-llm":
        case "razor":
            return perToken(qkv, (_, __, token) => token);
        case "knorm":
            return perToken(qkv, (l, h, t) => -Math.hypot(...key(qkv, l, h, t)));
        case "keydiff":
            return keydiff(qkv);
        case "lagkv":
            return lagkv(qkv, 4, 128);
        case "h2o":
        case "fastgen":
        case "squeeze":
            return summedMean(qkv, everyRow, plain);
        case "tova": {
            const perHead = summedMean(qkv, [n - 1], plain);
            return perHead.map((heads) =>
                heads.map(() => everyRow.map((t) => heads.reduce((sum, s) => sum + s[t]!, 0) / heads.length)),
            );
        }
        case "snapkv":
        case "pyramidkv":
        case "ada-snapkv":
        case "headkv": {
            const window = snapWindow(n, options.budget);
            return summedMean(qkv, lastRows(32), plain).map((heads) =>
                heads.map((s) => [...maxPool(s.slice(0, n - window), 7), ...s.slice(n - window)]),
            );
        }
        case "ahakv": {
            const accumulated = summedMean(qkv, lastRows(32), stepGain);
            return accumulated.map((heads, l) =>
                heads.map((s, h) => {
                    const nu = everyRow.map((t) => value(qkv, l, h, t).reduce((sum, x) => sum + x ** 2, 0));
                    const pooled = avgPool(nu, 7);
                    const most = Math.max(...pooled);
                    return s.map((x, t) => (x * pooled[t]!) / most);
                }),
            );
        }
        case "vatp":
            return summedMean(qkv, everyRow, plain).map((heads, l) =>
                heads.map((s, h) => s.map((x, t) => x * value(qkv, l, h, t).reduce((sum, y) => sum + Math.abs(y), 0))),
            );
        case "keyformer":
            return summedMean(qkv, everyRow, plain, options.noise);
        case "expected-attention":
            return expectedAttention(qkv, options.rope!);
        case "kvzip":
            return replayMax(qkv, plain);
        case "aha-replay":
        case "aha-pooled":
        case "aha-refined":
            return replayMax(qkv, stepGain);
        case "aha-file": {
            const stride = options.stride ?? 4;
            const rows = everyRow.filter((row) => (n - 1 - row) % stride === 0);
            return summedMean(qkv, rows, stepGain);
        }
        case "aha-echo": {
            const ahead = {positions: n, ...options.ahead!};
            const factor = qkv.scale * Math.max(1, Math.sqrt(2 * Math.log((qkv.prefixTokens + n) / k)));
            const group = groupOf(qkv);
            return perToken(qkv, () => 0).map((heads, l) =>
                heads.map((zeros, h) => {
                    const norms = Array.from({length: group}, (_, g) => {
                        const a = everyRow.map((row) => attentionFromAhead(qkv, l, h * group + g, row, factor, ahead));
                        return zeros.map((__, t) => Math.hypot(...a.map((toFile) => toFile[t]!)));
                    });
                    return zeros.map((_, t) => norms.reduce((sum, norm) => sum + norm[t]!, 0) / group);
                }),
            );
        }
        case "sg-sigma":
            return summedMean(qkv, everyRow, (logits) => {
                const mean = logits.reduce((a, b) => a + b, 0) / logits.length;
                const sigma = Math.sqrt(logits.reduce((a, b) => a + (b - mean) ** 2, 0) / logits.length);
                const i = logits.length;
                return i > k ? Math.max(qkv.scale, Math.sqrt(2 * Math.log(i / k)) / sigma) : qkv.scale;
            });
        default:
            throw new Error(`no reference for ${name}`);
    }
}

/** The observation window w = 32, never more than the mean budget. */
export function snapWindow(n: number, budget: number): number {
    return Math.min(32, Math.floor(budget * n + 1e-6));
}

function perToken(qkv: Qkv, score: (layer: number, head: number, token: number) => number): Scores {
    return qkv.k.map((heads, l) =>
        heads.map((_, h) => Array.from({length: nTokensOf(qkv)}, (__, t) => score(l, h, t))),
    );
}

const key = (qkv: Qkv, l: number, h: number, t: number): number[] => qkv.k[l]![h]![qkv.prefixTokens + t]!;
const value = (qkv: Qkv, l: number, h: number, t: number): number[] => qkv.v[l]![h]![qkv.prefixTokens + t]!;

/** Attention summed over rows, averaged over the query heads of a KV head. */
function summedMean(
    qkv: Qkv,
    rows: number[],
    factor: RowFactor,
    noise?: (layer: number, head: number, row: number, key: number) => number,
): Scores {
    const group = groupOf(qkv);
    return qkv.k.map((kvHeads, l) =>
        kvHeads.map((_, kvHead) => {
            const total = new Array<number>(nTokensOf(qkv)).fill(0);
            for (let g = 0; g < group; g++) {
                for (const row of rows) {
                    attentionToFile(qkv, l, kvHead * group + g, row, factor, false, noise).forEach((a, t) => {
                        total[t] = total[t]! + a / group;
                    });
                }
            }
            return total;
        }),
    );
}

/** KVzip: the highest attention that any replayed token pays in any query head of the group. */
function replayMax(qkv: Qkv, factor: RowFactor): Scores {
    const group = groupOf(qkv);
    const {q, headerTokens} = qkv.replay!;
    return qkv.k.map((kvHeads, l) =>
        kvHeads.map((_, kvHead) => {
            const most = new Array<number>(nTokensOf(qkv)).fill(0);
            for (let g = 0; g < group; g++) {
                for (let row = headerTokens; row < q[0]![0]!.length; row++) {
                    attentionToFile(qkv, l, kvHead * group + g, row, factor, true).forEach((a, t) => {
                        most[t] = Math.max(most[t]!, a);
                    });
                }
            }
            return most;
        }),
    );
}

function keydiff(qkv: Qkv): Scores {
    const n = nTokensOf(qkv);
    return qkv.k.map((heads, l) =>
        heads.map((_, h) => {
            const keys = Array.from({length: n}, (__, t) => key(qkv, l, h, t));
            const anchor = keys[0]!.map((__, c) => keys.reduce((sum, x) => sum + x[c]! / Math.hypot(...x), 0) / n);
            return keys.map((x) => -dot(x, anchor) / (Math.hypot(...x) * Math.hypot(...anchor)));
        }),
    );
}

function lagkv(qkv: Qkv, sink: number, lag: number): Scores {
    const n = nTokensOf(qkv);
    const nPartitions = Math.floor((n - sink) / lag);
    const relative = (rows: number[][], reference: number[][]): number[] => {
        const d = rows[0]!.length;
        const low = Array.from({length: d}, (_, c) => Math.min(...reference.map((r) => r[c]!)));
        const high = Array.from({length: d}, (_, c) => Math.max(...reference.map((r) => r[c]!)));
        const deviations = rows.map((row) => {
            const normal = row.map((x, c) => (x - low[c]!) / (high[c]! - low[c]!));
            const mean = normal.reduce((a, b) => a + b, 0) / d;
            return Math.sqrt(normal.reduce((a, b) => a + (b - mean) ** 2, 0) / (d - 1));
        });
        return softmax(deviations);
    };
    return qkv.k.map((heads, l) =>
        heads.map((_, h) => {
            if (n < sink + 2 * lag) {
                return Array.from({length: n}, (__, t) => (t < sink ? 1 : (t - sink) / (n - sink)));
            }
            const scores = new Array<number>(n).fill(1);
            for (let p = 0; p < nPartitions - 1; p++) {
                const of = (from: number, row: typeof key): number[][] =>
                    Array.from({length: lag}, (__, i) => row(qkv, l, h, from + i));
                const start = sink + p * lag;
                const byKey = relative(of(start, key), of(start + lag, key));
                const byValue = relative(of(start, value), of(start + lag, value));
                const score = byKey.map((x, i) => (x + byValue[i]!) / 2);
                for (let i = 0; i < lag; i++) {
                    scores[start + i] = score.filter((x) => x < score[i]!).length / lag;
                }
            }
            return scores;
        }),
    );
}

function expectedAttention(qkv: Qkv, rope: {frequencies: number[]; firstPosition: number}): Scores {
    const n = nTokensOf(qkv);
    const d = qkv.k[0]![0]![0]!.length;
    const sink = 4;
    const rotation = (position: number): number[][] =>
        Array.from({length: d}, (_, row) =>
            Array.from({length: d}, (__, column) => {
                const pair = row % (d / 2);
                if (column % (d / 2) !== pair) {
                    return 0;
                }
                const theta = rope.frequencies[pair]! * position;
                if (row === column) {
                    return Math.cos(theta);
                }
                return row < column ? -Math.sin(theta) : Math.sin(theta);
            }),
        );
    const apply = (matrix: number[][], x: number[]): number[] => matrix.map((row) => dot(row, x));
    const times = (a: number[][], b: number[][]): number[][] =>
        a.map((row) => b[0]!.map((_, c) => row.reduce((sum, x, i) => sum + x * b[i]![c]!, 0)));
    const flipped = (a: number[][]): number[][] => a[0]!.map((_, c) => a.map((row) => row[c]!));
    const future = Array.from({length: 512}, (_, i) => rotation(rope.firstPosition + n + i));
    const R = future[0]!.map((row, i) => row.map((_, j) => future.reduce((sum, m) => sum + m[i]![j]!, 0) / 512));
    const group = groupOf(qkv);
    return qkv.k.map((kvHeads, l) =>
        kvHeads.map((_, kvHead) => {
            const total = new Array<number>(n).fill(0);
            for (let g = 0; g < group; g++) {
                const before: number[][] = [];
                for (let t = sink; t < n; t++) {
                    before.push(apply(flipped(rotation(rope.firstPosition + t)), qkv.q[l]![kvHead * group + g]![t]!));
                }
                const mu = before[0]!.map((__, c) => before.reduce((sum, x) => sum + x[c]!, 0) / before.length);
                const sigma = mu.map((__, a) =>
                    mu.map(
                        (___, b) =>
                            before.reduce((sum, x) => sum + (x[a]! - mu[a]!) * (x[b]! - mu[b]!), 0) / before.length,
                    ),
                );
                const muFuture = apply(R, mu);
                const sigmaFuture = times(times(R, sigma), flipped(R));
                const z: number[] = [];
                for (let t = sink; t < n; t++) {
                    const x = key(qkv, l, kvHead, t);
                    z.push(dot(muFuture, x) / Math.sqrt(d) + dot(x, apply(sigmaFuture, x)) / (2 * d));
                }
                softmax(z).forEach((p, i) => (total[sink + i] = total[sink + i]! + p / group));
            }
            return total.map((p, t) => p * Math.hypot(...value(qkv, l, kvHead, t)));
        }),
    );
}

/** Maximum over the `width` tokens around each, fewer at the ends. */
function maxPool(x: number[], width: number): number[] {
    const reach = (width - 1) / 2;
    return x.map((_, t) => Math.max(...x.slice(Math.max(0, t - reach), t + reach + 1)));
}

/** Mean over the `width` tokens around each, fewer at the ends. */
function avgPool(x: number[], width: number): number[] {
    const reach = (width - 1) / 2;
    return x.map((_, t) => {
        const near = x.slice(Math.max(0, t - reach), t + reach + 1);
        return near.reduce((a, b) => a + b, 0) / near.length;
    });
}
