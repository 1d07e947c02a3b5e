/**
 * The words in which a cut is described: a policy is a composition of parts, and a published method is one
 * choice of parts (see presets.ts). Data only: nothing here scores, cuts, or knows a model.
 */

import {KvasirError} from "../../protocol/errors.js";

/** Which decoded tokens act as query rows. A row sees every key before it and itself, the prefix included. */
export type Rows =
    /** The last `count` tokens of the file (SnapKV's observation window, AhaKV's recent rows). */
    | {kind: "tail"; count: number}
    /** `count` tokens at equal distances, the last token among them. */
    | {kind: "spread"; count: number}
    /** Every `stride`-th token, the last token among them. */
    | {kind: "all"; stride: number}
    /**
     * Every `stride`-th token asks as if the file were repeated (KVzip) without decoding it again: its query, rotated
     * forward by the length of the file, sees all that is decoded up to the end of its batch, tokens behind it included,
     * and, as the repetition before it, the nearest tokens up to itself, which get no score for it. With `only`, this
     * happens in the heads whose share in the head profile is at least `only.share` times the mean, where most rows are
     * chosen; in the others every `only.stride`-th token asks as `all` does, which costs a fraction.
     */
    | {kind: "echo"; stride: number; only?: {share: number; stride: number}}
    /** The file read a second time behind itself (KVzip); `part` is the share of its 16-token blocks that is repeated. */
    | {kind: "replay"; part: number};

/**
 * The factor g on the usual 1/sqrt(d) of the softmax that scores. `sg` is AhaKV's step gain,
 * `sg-sigma` the same with the measured deviation of the row's logits in place of sqrt(d).
 */
export type Gain = "one" | "sg" | "sg-sigma";

/** Attention paid by query rows. The native score pass yields it, except with `sg-sigma` or noise (see policyNeeds). */
export interface AttentionEvidence {
    kind: "attention";
    rows: Rows;
    gain: Gain;
    /** `norm` is the root of the sum of squares: what leaving the token out does to the rows' outputs, by least squares. */
    overRows: "sum" | "mean" | "max" | "norm";
    /** Over the query heads that share one KV head. */
    overHeads: "mean" | "max";
    /** `mean` gives every KV head of a layer the same scores (TOVA). */
    overKvHeads: "each" | "mean";
    /** Gumbel noise added to the logits (Keyformer). */
    noise?: {seed: number};
}

/** What a token's score is made from. */
export type Evidence =
    | AttentionEvidence
    /** Computed from the rows themselves, without any query. */
    | {kind: "rows"; formula: "knorm" | "keydiff"}
    | {kind: "rows"; formula: "lagkv"; lag: number; first: number}
    /** Attention expected from queries that have not been seen yet, from the mean and covariance of those that have. */
    | {kind: "expected"; nFuture: number; first: number}
    /** From the token's place alone. */
    | {kind: "recency"}
    | {kind: "random"; seed: number};

/** Smoothing of a head's scores over neighbouring tokens, pinned last tokens left out. `width` is odd. */
export type Pool = {kind: "none"} | {kind: "max" | "avg"; width: number};

/** What a score is multiplied by. */
export type Prior =
    | {kind: "none"}
    /** avg-pool(||V||_2^2) / max over the head (AhaKV); `width` is odd. */
    | {kind: "v2"; width: number}
    /** ||V||_1 (VATP). */
    | {kind: "v1"}
    /** ||V||_2 (Expected Attention). */
    | {kind: "v"};

/** Tokens kept in every head whatever their score; all limits in rows of the mean budget of one head. */
export interface Pins {
    /** First tokens of the file: attention sinks. */
    first: number;
    /** Last tokens of the file, as a number or as a share of the mean budget. */
    last: {rows: number} | {share: number};
    /** First and last together never take more than this share of the mean budget. */
    cap: number;
}

/** How many rows each head gets. */
export type Share =
    /** The same in every head. */
    | {kind: "uniform"}
    /** Ada-KV: the same in every layer, inside a layer by one pool; `guarantee` mixes in equal parts. */
    | {kind: "layer"; guarantee: number}
    /** One pool over all heads of all layers; `guarantee` of a head's mean budget is safe before pooling. */
    | {kind: "pooled"; guarantee: number}
    /** The model's measured head profile. */
    | {kind: "profile"}
    /** PyramidKV: falling from the first layer to the last; `beta` is the steepness. */
    | {kind: "pyramid"; beta: number}
    /** SqueezeAttention: layers that change their input least get `keep` of the mean budget, the others the rest. */
    | {kind: "squeeze"; keep: number}
    /** HeadKV: 1/`beta` of the budget goes by retrieval score, the rest equally. */
    | {kind: "retrieval"; beta: number}
    /** RazorAttention: the `fullHeads` share of heads with the best retrieval score keeps all, the others share the rest. */
    | {kind: "razor"; fullHeads: number}
    /** FastGen-like: every head gets as many rows as it needs to recover one common share of its attention. */
    | {kind: "recovery"};

/** How the cut of a file is decided. */
export interface ScoringPolicy {
    name: string;
    evidence: Evidence;
    pool: Pool;
    prior: Prior;
    pins: Pins;
    share: Share;
}

/** Keeps every row: the yardstick for all others. */
export interface FullPolicy {
    name: "full";
    evidence: {kind: "none"};
}

export type Policy = ScoringPolicy | FullPolicy;

/** What a cut by this policy has to be given. */
export interface PolicyNeeds {
    /** Raw scores of the native score pass. */
    pass: boolean;
    /** Raw scores computed from exported rows (exported-scores.ts): a laboratory road, slow. */
    exportedRows: boolean;
    /** ||V||_2^2 per token. */
    valueNorms: boolean;
    /** ||V||_1 per token, from exported rows. */
    valueNormsL1: boolean;
    /** Facts about the model that calibration measures. */
    profile: boolean;
    retrieval: boolean;
    /** How alike the file's hidden states are before and after each layer's attention. */
    layerSimilarity: boolean;
}

export function isFull(policy: Policy): policy is FullPolicy {
    return policy.evidence.kind === "none";
}

/** Tells the engine what to compute for a policy, before it computes anything. */
export function policyNeeds(policy: Policy): PolicyNeeds {
    if (isFull(policy)) {
        return {
            pass: false,
            exportedRows: false,
            valueNorms: false,
            valueNormsL1: false,
            profile: false,
            retrieval: false,
            layerSimilarity: false,
        };
    }
    const {evidence, prior, share} = policy;
    const isTraced = evidence.kind === "attention" && (evidence.gain === "sg-sigma" || evidence.noise !== undefined);
    return {
        pass: evidence.kind === "attention" && !isTraced,
        exportedRows: isTraced || evidence.kind === "rows" || evidence.kind === "expected",
        valueNorms: prior.kind === "v2" || prior.kind === "v",
        valueNormsL1: prior.kind === "v1",
        profile: share.kind === "profile",
        retrieval: share.kind === "retrieval" || share.kind === "razor",
        layerSimilarity: share.kind === "squeeze",
    };
}

/**
 * Checks the numbers of a composition and returns it.
 * @throws KvasirError `unknown-policy` naming the part that cannot be
 */
export function validatePolicy<P extends Policy>(policy: P): P {
    if (isFull(policy)) {
        return policy;
    }
    const {evidence, pool, prior, pins, share} = policy;
    const check = (isGood: boolean, reason: string): void => {
        if (!isGood) {
            throw new KvasirError("unknown-policy", `the policy "${policy.name}" cannot be: ${reason}.`, {
                fix: "Use one of the presets, or mend the composition.",
            });
        }
    };
    const isShare = (x: number): boolean => x >= 0 && x <= 1;
    const isCount = (x: number): boolean => Number.isInteger(x) && x >= 1;
    if (evidence.kind === "attention") {
        const {rows} = evidence;
        if (rows.kind === "replay") {
            check(rows.part > 0 && rows.part <= 1, `replay.part is ${rows.part}, not in (0, 1]`);
        } else {
            const n = "stride" in rows ? rows.stride : rows.count;
            check(isCount(n), `${rows.kind} rows need a whole number above 0, not ${n}`);
            const only = rows.kind === "echo" ? rows.only : undefined;
            check(only === undefined || isCount(only.stride), `echo.only.stride is ${only?.stride}`);
            check(only === undefined || only.share >= 0, `echo.only.share is ${only?.share}, below 0`);
            // What a row sees hangs on how the file was cut into batches, so nothing can be counted.
            check(rows.kind !== "echo" || evidence.overRows !== "mean", "echo rows have no mean over rows");
            check(
                rows.kind !== "echo" || (evidence.gain !== "sg-sigma" && evidence.noise === undefined),
                "echo rows are scored while the file is read, not from exported rows",
            );
        }
    } else if (evidence.kind === "rows" && evidence.formula === "lagkv") {
        check(isCount(evidence.lag), `lag is ${evidence.lag}, not a whole number above 0`);
    } else if (evidence.kind === "expected") {
        check(isCount(evidence.nFuture), `nFuture is ${evidence.nFuture}, not a whole number above 0`);
    }
    for (const width of [pool.kind === "none" ? 1 : pool.width, prior.kind === "v2" ? prior.width : 1]) {
        check(isCount(width) && width % 2 === 1, `a pool is ${width} wide, not an odd number`);
    }
    check(Number.isInteger(pins.first) && pins.first >= 0, `pins.first is ${pins.first}`);
    check(
        "rows" in pins.last ? Number.isInteger(pins.last.rows) && pins.last.rows >= 0 : isShare(pins.last.share),
        "pins.last is neither a number of rows nor a share",
    );
    check(isShare(pins.cap), `pins.cap is ${pins.cap}, not in [0, 1]`);
    switch (share.kind) {
        case "layer":
        case "pooled":
            check(isShare(share.guarantee), `share.guarantee is ${share.guarantee}, not in [0, 1]`);
            break;
        case "pyramid":
        case "retrieval":
            check(share.beta >= 1, `share.beta is ${share.beta}, below 1`);
            break;
        case "squeeze":
            check(share.keep > 0 && share.keep <= 1, `share.keep is ${share.keep}, not in (0, 1]`);
            break;
        case "razor":
            check(isShare(share.fullHeads), `share.fullHeads is ${share.fullHeads}, not in [0, 1]`);
            break;
        case "uniform":
        case "profile":
        case "recovery":
            break;
    }
    return policy;
}
