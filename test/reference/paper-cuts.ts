/**
 * Which tokens every method keeps, from its paper's rules, by sorting. Slow on purpose, and written apart from the code
 * it checks: budgets are divided by bisection, clusters found by trying all of them, pools by one long sort.
 */

import {nTokensOf, type Qkv} from "./attention.js";
import {referenceScores, snapWindow, type ReferenceOptions, type Scores} from "./paper-scores.js";

export interface ReferenceFacts {
    /** Share of rows kept per [layer][KV head] at this budget. */
    profile?: number[][];
    /** Retrieval score per [layer][KV head]. */
    retrieval?: number[][];
    layerSimilarity?: number[];
}

/** Kept tokens per [layer][KV head], ascending. */
export type Kept = number[][][];

/** First and last tokens that stay in every head. */
function pinsOf(name: string, n: number, budget: number): {first: number; last: number} {
    const B = budget * n + 1e-6;
    const within = (first: number, last: number, room: number): {first: number; last: number} => {
        const f = Math.min(first, Math.floor(room));
        return {first: f, last: Math.min(last, Math.floor(room) - f)};
    };
    switch (name) {
        case "streaming-llm":
        case "razor":
        case "expected-attention":
            return within(4, 0, B);
        case "h2o":
        case "squeeze":
            return within(0, Math.floor(B / 2), B);
        case "vatp":
            return within(20, Math.floor(B / 2), B);
        case "keyformer":
            return within(0, Math.floor(0.3 * budget * n + 1e-6), B);
        case "fastgen":
            return within(4, Math.floor(0.3 * budget * n + 1e-6), 0.5 * budget * n + 1e-6);
        case "tova":
            return within(0, 1, B);
        case "snapkv":
        case "pyramidkv":
        case "ada-snapkv":
        case "headkv":
            return {first: 0, last: snapWindow(n, budget)};
        case "ahakv":
            return within(4, 32, B);
        case "aha-echo":
        case "aha-refined":
            return within(4, 0, 0.25 * budget * n + 1e-6);
        case "aha-file":
        case "aha-replay":
        case "aha-pooled":
            return within(4, 8, 0.25 * budget * n + 1e-6);
        default:
            return {first: 0, last: 0};
    }
}

/** The kept tokens of a preset by name. */
export function referenceKept(name: string, qkv: Qkv, options: ReferenceOptions, facts: ReferenceFacts = {}): Kept {
    const n = nTokensOf(qkv);
    const L = qkv.k.length;
    const H = qkv.k[0]!.length;
    if (name === "full") {
        return qkv.k.map((heads) => heads.map(() => Array.from({length: n}, (_, t) => t)));
    }
    const scores = referenceScores(name, qkv, options);
    const total = Math.round(options.budget * n * L * H);
    const pins = pinsOf(name, n, total / (n * L * H));
    const counts = countsOf(name, scores, total, pins, facts);
    return scores.map((heads, l) =>
        heads.map((s, h) => {
            const count = counts[l * H + h]!;
            // Each layer has its own budget, half of it for the last tokens.
            return best(s, count, name === "squeeze" ? {first: 0, last: Math.floor(count / 2)} : pins);
        }),
    );
}

/** A head's `count` tokens: first, then last, then the highest. */
function best(scores: number[], count: number, pins: {first: number; last: number}): number[] {
    const n = scores.length;
    const order: number[] = [];
    for (let t = 0; t < pins.first; t++) {
        order.push(t);
    }
    for (let t = n - 1; t >= n - pins.last; t--) {
        order.push(t);
    }
    const rest = scores.map((_, t) => t).filter((t) => t >= pins.first && t < n - pins.last);
    rest.sort((a, b) => scores[b]! - scores[a]! || a - b);
    return [...order, ...rest].slice(0, count).sort((a, b) => a - b);
}

function countsOf(
    name: string,
    scores: Scores,
    total: number,
    pins: {first: number; last: number},
    facts: ReferenceFacts,
): number[] {
    const L = scores.length;
    const H = scores[0]!.length;
    const n = scores[0]![0]!.length;
    const nPinned = pins.first + pins.last;
    const mean = total / (L * H);
    const equal = divide(new Array<number>(L * H).fill(1), n, total);
    switch (name) {
        case "ada-snapkv": {
            const perLayer = divide(new Array<number>(L).fill(1), n * H, total);
            return scores.flatMap((heads, l) => {
                const room = perLayer[l]! - H * nPinned;
                const pool = heads.flatMap((s, h) => s.slice(0, n - nPinned).map((score, t) => ({score, h, t})));
                pool.sort((a, b) => b.score - a.score || a.h - b.h || a.t - b.t);
                const taken = pool.slice(0, room);
                const mixed = heads.map((_, h) => (0.2 * room) / H + 0.8 * taken.filter((x) => x.h === h).length);
                return divide(mixed, n - nPinned, room).map((count) => count + nPinned);
            });
        }
        case "kvzip":
        case "aha-pooled":
        case "aha-refined": {
            const guarantee = name === "kvzip" ? 0 : Math.floor(0.2 * mean + 1e-6);
            const safe = Math.max(nPinned, guarantee);
            const counts = new Array<number>(L * H).fill(safe);
            const pool = scores.flatMap((heads, l) =>
                heads.flatMap((s, h) => {
                    const isSafe = new Set(best(s, safe, pins));
                    return s.map((score, t) => ({score, h: l * H + h, t})).filter((x) => !isSafe.has(x.t));
                }),
            );
            pool.sort((a, b) => b.score - a.score || a.h - b.h || a.t - b.t);
            for (const {h} of pool.slice(0, total - safe * L * H)) {
                counts[h] = counts[h]! + 1;
            }
            return counts;
        }
        case "aha-file":
        case "aha-echo":
        case "aha-replay":
            return divide(facts.profile!.flat(), n, total);
        case "pyramidkv": {
            // The paper's layers: max - l (max - min) / (L - 1) beside the window.
            const C = mean - nPinned;
            let min = C / 20;
            let max = 2 * C - min;
            if (max > n - nPinned) {
                max = n - nPinned;
                min = 2 * C - max;
            }
            const weights = scores.flatMap((heads, l) => heads.map(() => nPinned + max - (l * (max - min)) / (L - 1)));
            return divide(weights, n, total);
        }
        case "headkv": {
            const C = mean - nPinned;
            const flat = facts.retrieval!.flat();
            const all = flat.reduce((a, b) => a + b, 0);
            return divide(
                flat.map((s) => nPinned + C - C / 1.2 + (s / all) * (C / 1.2) * L * H),
                n,
                total,
            );
        }
        case "razor": {
            const flat = facts.retrieval!.flat();
            const byScore = flat.map((_, h) => h).sort((a, b) => flat[b]! - flat[a]! || a - b);
            const nFull = Math.min(Math.round(0.15 * L * H), Math.floor(total / 2 / n));
            const full = new Set(byScore.slice(0, nFull));
            const others = byScore.filter((h) => !full.has(h)).sort((a, b) => a - b);
            const buffers = divide(new Array<number>(others.length).fill(1), n, total - nFull * n);
            return flat.map((_, h) => (full.has(h) ? n : buffers[others.indexOf(h)]!));
        }
        case "squeeze": {
            const idle = highestCluster(facts.layerSimilarity!);
            const busy = (L - 0.35 * idle.size) / (L - idle.size);
            return divide(
                scores.flatMap((heads, l) => heads.map(() => (idle.has(l) ? 0.35 : busy))),
                n,
                total,
            );
        }
        case "fastgen": {
            // Row by row to the head that recovers least of its attention so far.
            const ordered = scores.flat().map((s) => {
                const kept = new Set(best(s, nPinned, pins));
                const rest = s.filter((_, t) => !kept.has(t)).sort((a, b) => b - a);
                return {all: s.reduce((a, b) => a + b, 0), have: [...kept].reduce((a, t) => a + s[t]!, 0), rest};
            });
            const counts = new Array<number>(L * H).fill(nPinned);
            for (let left = total - nPinned * L * H; left > 0; left--) {
                let poorest = -1;
                ordered.forEach(({all, have}, h) => {
                    const isOpen = counts[h]! < n;
                    if (isOpen && (poorest < 0 || have / all < ordered[poorest]!.have / ordered[poorest]!.all)) {
                        poorest = h;
                    }
                });
                const head = ordered[poorest]!;
                head.have += head.rest[counts[poorest]! - nPinned]!;
                counts[poorest] = counts[poorest]! + 1;
            }
            return counts;
        }
        default:
            return equal;
    }
}

/**
 * Whole numbers that sum to `total`, in proportion to `weights` but none above `cap`: the level found by bisection,
 * rounded down, the rest to the largest fractions.
 */
export function divide(weights: number[], cap: number, total: number): number[] {
    let low = 0;
    let high = (2 * total + 1) / Math.min(...weights.filter((w) => w > 0));
    for (let i = 0; i < 200; i++) {
        const level = (low + high) / 2;
        const filled = weights.reduce((sum, w) => sum + Math.min(cap, level * w), 0);
        if (filled < total) {
            low = level;
        } else {
            high = level;
        }
    }
    const exact = weights.map((w) => Math.min(cap, high * w));
    const counts = exact.map((x) => Math.floor(x + 1e-7));
    const fraction = exact.map((x, h) => Math.round((x - counts[h]!) * 2 ** 30));
    const byFraction = exact.map((_, h) => h).sort((a, b) => fraction[b]! - fraction[a]! || a - b);
    for (let left = total - counts.reduce((a, b) => a + b, 0), i = 0; left > 0; i++) {
        const h = byFraction[i % byFraction.length]!;
        if (counts[h]! < cap) {
            counts[h] = counts[h]! + 1;
            left--;
        }
    }
    return counts;
}

/** k-means with three clusters by trying every assignment; the layers of the highest. */
function highestCluster(values: number[]): Set<number> {
    let least = Infinity;
    let found = new Set<number>();
    for (let code = 0; code < 3 ** values.length; code++) {
        const cluster = values.map((_, i) => Math.floor(code / 3 ** i) % 3);
        if (new Set(cluster).size < 3) {
            continue;
        }
        const means = [0, 1, 2].map((c) => {
            const inside = values.filter((_, i) => cluster[i] === c);
            return inside.reduce((a, b) => a + b, 0) / inside.length;
        });
        const cost = values.reduce((sum, x, i) => sum + (x - means[cluster[i]!]!) ** 2, 0);
        if (cost < least) {
            least = cost;
            const top = means.indexOf(Math.max(...means));
            found = new Set(values.map((_, i) => i).filter((i) => cluster[i] === top));
        }
    }
    return found;
}

export interface CutDifference {
    layer: number;
    head: number;
    token: number;
    score: number;
    isKept: boolean;
}

/**
 * Tokens on which a cut and its reference differ although they are no ties. A token is a tie when one that went the
 * other way, in the same head or (where heads share a pool) in another, has the same score within `tolerance`,
 * relatively.
 */
export function realDifferences(
    kept: ArrayLike<number>[],
    reference: Kept,
    scores: Scores,
    tolerance = 1e-5,
): CutDifference[] {
    const H = reference[0]!.length;
    const differing: CutDifference[] = reference.flatMap((heads, layer) =>
        heads.flatMap((expected, head) => {
            const actual = new Set(Array.from(kept[layer * H + head]!));
            const wanted = new Set(expected);
            return scores[layer]![head]!.map((score, token) => ({
                layer,
                head,
                token,
                score,
                isKept: actual.has(token),
            })).filter(({token, isKept}) => isKept !== wanted.has(token));
        }),
    );
    return differing.filter(
        (a) =>
            !differing.some(
                (b) =>
                    a.isKept !== b.isKept &&
                    Math.abs(a.score - b.score) <= tolerance * Math.max(Math.abs(a.score), Math.abs(b.score)),
            ),
    );
}
