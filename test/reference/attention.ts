/**
 * Attention by the textbook, in nested loops over plain arrays of doubles. Knows nothing of Kvasir's code: it is what
 * that code is compared with.
 */

/** Q, K and V of one file behind its prefix, RoPE applied. */
export interface Qkv {
    /** [layer][query head][file token][channel] */
    q: number[][][][];
    /** [layer][KV head][prefix token, then file token, then replayed token][channel] */
    k: number[][][][];
    v: number[][][][];
    prefixTokens: number;
    /** The model's factor on q . k, usually 1 / sqrt(d). */
    scale: number;
    /** Scaled logits are squeezed into (-softCap, softCap), before any gain (Gemma 2, arXiv 2408.00118, section 2). */
    softCap?: number;
    /** The queries of a replay, [layer][query head][decoded token][channel]; its first tokens may be a header. */
    replay?: {q: number[][][][]; headerTokens: number};
}

export function nTokensOf({q}: Qkv): number {
    return q[0]![0]!.length;
}

/** Query heads that share one KV head. */
export function groupOf({q, k}: Qkv): number {
    return q[0]!.length / k[0]!.length;
}

export function dot(a: number[], b: number[]): number {
    let total = 0;
    for (let i = 0; i < a.length; i++) {
        total += a[i]! * b[i]!;
    }
    return total;
}

export function softmax(x: number[]): number[] {
    const highest = Math.max(...x);
    const e = x.map((value) => Math.exp(value - highest));
    const total = e.reduce((a, b) => a + b, 0);
    return e.map((value) => value / total);
}

/** Of an unscaled logit. */
function capped({scale, softCap}: Qkv, logit: number): number {
    return softCap === undefined ? logit : (softCap / scale) * Math.tanh((scale * logit) / softCap);
}

/** Unscaled logits q_i . k_j of one row over the keys it sees. `row` counts from the file's, or the replay's, first token. */
export function logitsOf(qkv: Qkv, layer: number, head: number, row: number, isReplay: boolean): number[] {
    const queries = (isReplay ? qkv.replay!.q : qkv.q)[layer]![head]!;
    const keys = qkv.k[layer]![Math.floor(head / groupOf(qkv))]!;
    const nVisible = qkv.prefixTokens + (isReplay ? nTokensOf(qkv) : 0) + row + 1;
    const logits: number[] = [];
    for (let j = 0; j < nVisible; j++) {
        logits.push(capped(qkv, dot(queries[row]!, keys[j]!)));
    }
    return logits;
}

/**
 * Attention of one row to the file's tokens (the prefix and the replay are in the softmax, not in the result; tokens
 * the row does not see get 0).
 */
export function attentionToFile(
    qkv: Qkv,
    layer: number,
    head: number,
    row: number,
    factor: (logits: number[]) => number,
    isReplay = false,
    noise: (layer: number, head: number, row: number, key: number) => number = () => 0,
): number[] {
    const logits = logitsOf(qkv, layer, head, row, isReplay);
    const g = factor(logits);
    const a = softmax(logits.map((x, j) => g * x + noise(layer, head, row, j)));
    const toFile: number[] = [];
    for (let token = 0; token < nTokensOf(qkv); token++) {
        toFile.push(a[qkv.prefixTokens + token] ?? 0);
    }
    return toFile;
}

/** How a row asks as if the file were repeated behind itself. */
export interface Ahead {
    /** Positions by which its query is rotated further. */
    positions: number;
    /** Angle per position of the channel pairs (2 i, 2 i + 1). */
    frequencies: number[];
    /** Tokens of the file that are decoded when the row's batch is. */
    nDecoded: (row: number) => number;
}

/** Tokens up to the row, its own among them, that stand for the repetition before it. */
const nearTokens = 64;

/** As attentionToFile, of a row that asks from ahead: over all that is decoded, and what is near it as it is. */
export function attentionFromAhead(
    qkv: Qkv,
    layer: number,
    head: number,
    row: number,
    factor: number,
    ahead: Ahead,
): number[] {
    const query = qkv.q[layer]![head]![row]!;
    const keys = qkv.k[layer]![Math.floor(head / groupOf(qkv))]!;
    const turned = query.map((x, i) => {
        const angle = ahead.positions * ahead.frequencies[Math.floor(i / 2)]!;
        const partner = query[i ^ 1]!;
        return x * Math.cos(angle) + (i % 2 === 0 ? -partner : partner) * Math.sin(angle);
    });
    const nDecoded = Math.min(nTokensOf(qkv), ahead.nDecoded(row));
    const far = keys.slice(0, qkv.prefixTokens + nDecoded).map((k) => factor * dot(turned, k));
    const near: number[] = [];
    for (let token = Math.max(0, row + 1 - nearTokens); token <= row; token++) {
        near.push(factor * dot(query, keys[qkv.prefixTokens + token]!));
    }
    const a = softmax([...far, ...near]);
    return Array.from({length: nTokensOf(qkv)}, (_, token) => (token < nDecoded ? a[qkv.prefixTokens + token]! : 0));
}
