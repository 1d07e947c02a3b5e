/**
 * The published methods as compositions, each with its paper and equations. Where a method was made for decoding one
 * long prompt, its rule for the prompt is taken; `B` is the mean budget of a head in rows, `n` the file's tokens.
 */

import type {AttentionEvidence, Pins, ScoringPolicy} from "./policy.js";

const noPins: Pins = {first: 0, last: {rows: 0}, cap: 1};
const noPool = {kind: "none"} as const;
const noPrior = {kind: "none"} as const;
const uniform = {kind: "uniform"} as const;

/** Softmax attention at 1/sqrt(d) summed over every row, averaged over the query heads: what H2O accumulates. */
const accumulated: AttentionEvidence = {
    kind: "attention",
    rows: {kind: "all", stride: 1},
    gain: "one",
    overRows: "sum",
    overHeads: "mean",
    overKvHeads: "each",
};

/** SnapKV's observation window: the last 32 rows. */
const observed: AttentionEvidence = {...accumulated, rows: {kind: "tail", count: 32}};
const window32: Pins = {first: 0, last: {rows: 32}, cap: 1};

/**
 * StreamingLLM (Xiao et al., arXiv 2309.17453, section 3.2): the first 4 tokens as attention sinks and the last
 * B - 4. No scores.
 */
const streamingLlm: ScoringPolicy = {
    name: "streaming-llm",
    evidence: {kind: "recency"},
    pool: noPool,
    prior: noPrior,
    pins: {first: 4, last: {rows: 0}, cap: 1},
    share: uniform,
};

/**
 * Knorm (Devoto et al., arXiv 2406.11430): s_j = -||k_j||_2. Keys of low norm get high attention.
 */
const knorm: ScoringPolicy = {
    name: "knorm",
    evidence: {kind: "rows", formula: "knorm"},
    pool: noPool,
    prior: noPrior,
    pins: noPins,
    share: uniform,
};

/**
 * KeyDiff (Park et al., arXiv 2504.15364): s_j = -cos(k_j, mean_i k_i / ||k_i||). Keys unlike the others stay.
 */
const keydiff: ScoringPolicy = {
    name: "keydiff",
    evidence: {kind: "rows", formula: "keydiff"},
    pool: noPool,
    prior: noPrior,
    pins: noPins,
    share: uniform,
};

/**
 * LagKV (Liang et al., arXiv 2504.04704): behind S = 4 first tokens the rest is cut into partitions of
 * L = 128; each is normalised per channel by the minimum and maximum of the next one,
 * x' = (x - min) / (max - min), a token's deviation over the channels goes through a softmax over its partition, and
 * the mean of that of K and of V ranks it inside its partition: s_j = rank / L. The first tokens, the last partition
 * and what is left of one stay (s = 1). Files shorter than S + 2L keep their end.
 */
const lagkv: ScoringPolicy = {
    name: "lagkv",
    evidence: {kind: "rows", formula: "lagkv", lag: 128, first: 4},
    pool: noPool,
    prior: noPrior,
    pins: noPins,
    share: uniform,
};

/**
 * H2O (Zhang et al., arXiv 2306.14048, Algorithm 1): s_j = sum_{i >= j} softmax(q_i k^T / sqrt(d))_j over all rows;
 * half of the budget holds the most recent tokens, half the heavy hitters.
 */
const h2o: ScoringPolicy = {
    name: "h2o",
    evidence: accumulated,
    pool: noPool,
    prior: noPrior,
    pins: {first: 0, last: {share: 0.5}, cap: 1},
    share: uniform,
};

/**
 * TOVA (Oren et al., arXiv 2401.06104): s_j = attention of the last token, averaged over all heads of the
 * layer, so that a layer keeps the same tokens in every head. The last token itself stays.
 */
const tova: ScoringPolicy = {
    name: "tova",
    evidence: {...accumulated, rows: {kind: "tail", count: 1}, overKvHeads: "mean"},
    pool: noPool,
    prior: noPrior,
    pins: {first: 0, last: {rows: 1}, cap: 1},
    share: uniform,
};

/**
 * SnapKV (Li et al., arXiv 2404.14469): C = sum over the last w = 32 rows of their attention to the tokens
 * before them, max-pooled over 7 neighbours; the window and the top B - w stay.
 */
const snapkv: ScoringPolicy = {
    name: "snapkv",
    evidence: observed,
    pool: {kind: "max", width: 7},
    prior: noPrior,
    pins: window32,
    share: uniform,
};

/**
 * PyramidKV (Cai et al., arXiv 2406.02069): SnapKV's scores; layer l gets w + max - l (max - min) / (L - 1) rows with
 * min = (B - w) / beta, max = 2 (B - w) - min, beta = 20.
 */
const pyramidkv: ScoringPolicy = {...snapkv, name: "pyramidkv", share: {kind: "pyramid", beta: 20}};

/**
 * Ada-KV on SnapKV (Feng et al., arXiv 2407.11550, Algorithms 1 and 2): SnapKV's scores, the top h (B - w) of a layer
 * counted per head and mixed with equal parts, alpha = 0.2.
 */
const adaSnapkv: ScoringPolicy = {...snapkv, name: "ada-snapkv", share: {kind: "layer", guarantee: 0.2}};

/**
 * AhaKV (Gu et al., arXiv 2506.03762), with B = B_s + B_r and k = B:
 * - recent accumulation: S_j = sum over the last r = B_r = 32 rows of a_ij, the same number of rows for every token;
 * - step gain softmax: a_ij = exp(L_i q_i k_j) / sum_j exp(L_i q_i k_j), L_i = sqrt(2 ln(i / k) / d) for a row that
 *   sees i keys, guarded by g = L_i sqrt(d) >= 1;
 * - value prior: nu_j = ||V_j||_2^2, gamma = avg-pool(nu) / max over the head (7 wide), score_j = gamma_j S_j;
 * - the B_r recent tokens stay, and the first 4, because sinks have tiny ||V||; the top B_s of the rest;
 * - every layer and head has the same budget.
 */
const ahakv: ScoringPolicy = {
    name: "ahakv",
    evidence: {...observed, gain: "sg"},
    pool: noPool,
    prior: {kind: "v2", width: 7},
    pins: {first: 4, last: {rows: 32}, cap: 1},
    share: uniform,
};

/**
 * VATP on H2O (Guo et al., arXiv 2406.12335): s_j = S_j ||v_j||_1 with H2O's S; the first 20 tokens stay
 * (sinks have tiny values), and half of the budget is recent, as in H2O.
 */
const vatp: ScoringPolicy = {
    name: "vatp",
    evidence: accumulated,
    pool: noPool,
    prior: {kind: "v1"},
    pins: {first: 20, last: {share: 0.5}, cap: 1},
    share: uniform,
};

/**
 * Keyformer (Adnan et al., arXiv 2403.09054, Algorithm 1): s_j = sum_i softmax((x_ij + zeta_ij) / tau)_j
 * with x the scaled logits, zeta Gumbel noise and tau = 1 in the prompt; the last 30 % of the budget are recent.
 */
const keyformer: ScoringPolicy = {
    name: "keyformer",
    evidence: {...accumulated, noise: {seed: 1}},
    pool: noPool,
    prior: noPrior,
    pins: {first: 0, last: {share: 0.3}, cap: 1},
    share: uniform,
};

/**
 * Expected Attention (Devoto et al., arXiv 2510.00636): queries before RoPE ~ N(mu, Sigma), estimated on the file
 * without its first 4 tokens; R = mean RoPE rotation over the next 512 positions. With mu' = R mu,
 * Sigma' = R Sigma R^T: z_j = mu' k_j / sqrt(d) + k_j^T Sigma' k_j / (2 d), s_j = softmax(z)_j ||v_j||_2.
 */
const expectedAttention: ScoringPolicy = {
    name: "expected-attention",
    evidence: {kind: "expected", nFuture: 512, first: 4},
    pool: noPool,
    prior: {kind: "v"},
    pins: {first: 4, last: {rows: 0}, cap: 1},
    share: uniform,
};

/**
 * KVzip (Kim et al., arXiv 2505.23416): the model repeats the file; s_j = the highest attention any
 * repeated token pays to j, over rows and query heads; one pool over all heads. The softmax runs over all visible
 * keys (KVzip's own runs over chunks of 2048 and the repeated text).
 */
const kvzip: ScoringPolicy = {
    name: "kvzip",
    evidence: {...accumulated, rows: {kind: "replay", part: 1}, overRows: "max", overHeads: "max"},
    pool: noPool,
    prior: noPrior,
    pins: noPins,
    share: {kind: "pooled", guarantee: 0},
};

/**
 * FastGen-like (Ge et al., arXiv 2310.01801): every head keeps first tokens, recent tokens and then its
 * heaviest until it recovers the share T of its own attention; T is what the budget allows (the paper fixes T and
 * takes whatever budget that needs). Punctuation and special tokens come as pins.
 */
const fastgen: ScoringPolicy = {
    name: "fastgen",
    evidence: accumulated,
    pool: noPool,
    prior: noPrior,
    pins: {first: 4, last: {share: 0.3}, cap: 0.5},
    share: {kind: "recovery"},
};

/**
 * HeadKV (Fu et al., arXiv 2410.19258): SnapKV's scores; heads get
 * w + C - C/beta + S_h (C/beta) L H rows with C = B - w, S their retrieval scores scaled to sum 1, beta = 1.2.
 */
const headkv: ScoringPolicy = {...snapkv, name: "headkv", share: {kind: "retrieval", beta: 1.2}};

/**
 * RazorAttention (Tang et al., arXiv 2407.15891, Algorithm 1): the 15 % of heads that retrieve (echo and induction)
 * keep everything, the others 4 sinks and a buffer of recent tokens. Without the compensation token: a segment holds
 * only rows that were computed.
 */
const razor: ScoringPolicy = {...streamingLlm, name: "razor", share: {kind: "razor", fullHeads: 0.15}};

/**
 * SqueezeAttention on H2O (Wang et al., arXiv 2404.04793, Algorithm 1): H2O's scores; layers in three groups by the
 * cosine similarity of hidden states before and after attention, the most similar group gets p = 0.35 of its part,
 * the others what that frees. Half of a layer's own part goes to its last tokens.
 */
const squeeze: ScoringPolicy = {...h2o, name: "squeeze", share: {kind: "squeeze", keep: 0.35}};

export const publishedPresets: readonly ScoringPolicy[] = [
    streamingLlm,
    knorm,
    keydiff,
    lagkv,
    h2o,
    tova,
    snapkv,
    pyramidkv,
    adaSnapkv,
    ahakv,
    vatp,
    keyformer,
    expectedAttention,
    kvzip,
    fastgen,
    headkv,
    razor,
    squeeze,
];
