/**
 * The policies by name. Kvasir's own and the yardsticks are here, the published methods in published-presets.ts.
 * A new one is a new entry: nothing else has to know it.
 */

import {unknownPolicy} from "../../protocol/errors.js";
import {
    validatePolicy,
    type AttentionEvidence,
    type FullPolicy,
    type Pins,
    type Policy,
    type ScoringPolicy,
} from "./policy.js";
import {publishedPresets} from "./published-presets.js";

/** First 4 and last 8 tokens, at most a quarter of the mean budget of a head. */
const fewPins: Pins = {first: 4, last: {rows: 8}, cap: 0.25};

/** A replay's rows: the model repeats the file, and what it looks at while it does is what it needs. */
const replayed: AttentionEvidence = {
    kind: "attention",
    rows: {kind: "replay", part: 1},
    gain: "sg",
    overRows: "max",
    overHeads: "max",
    overKvHeads: "each",
};

/** Every row kept. */
const full: FullPolicy = {name: "full", evidence: {kind: "none"}};

/** Rows drawn by lot, the same for the same seed: the floor that a method has to beat. */
const random: ScoringPolicy = {
    name: "random",
    evidence: {kind: "random", seed: 1},
    pool: {kind: "none"},
    prior: {kind: "none"},
    pins: {first: 0, last: {rows: 0}, cap: 1},
    share: {kind: "uniform"},
};

/**
 * One pass, the cheapest. Every 4th row of the file asks, the last among them, with AhaKV's step gain
 * (arXiv 2506.03762), score_j = sum_i a_ij averaged over the query heads of a KV head; the head profile shares the
 * budget. The stride is a quarter of the cost of all rows; change it with withStride.
 */
const ahaFile: ScoringPolicy = {
    name: "aha-file",
    evidence: {
        kind: "attention",
        rows: {kind: "all", stride: 4},
        gain: "sg",
        overRows: "sum",
        overHeads: "mean",
        overKvHeads: "each",
    },
    pool: {kind: "none"},
    prior: {kind: "none"},
    pins: fewPins,
    share: {kind: "profile"},
};

/**
 * The default: one pass with the evidence of a replay. In the heads that keep most rows, every row asks as if the file
 * were repeated behind it (see Rows), with step gain, score_j = sqrt(sum_i a_ij^2) averaged over the query heads of a KV
 * head; the head profile shares the budget. In the heads that keep less than the mean, seven of ten in the small model,
 * every 4th row asks as it does in `aha-file`.
 */
const ahaEcho: ScoringPolicy = {
    name: "aha-echo",
    evidence: {
        kind: "attention",
        rows: {kind: "echo", stride: 1, only: {share: 1, stride: 4}},
        gain: "sg",
        overRows: "norm",
        overHeads: "mean",
        overKvHeads: "each",
    },
    pool: {kind: "none"},
    prior: {kind: "none"},
    pins: {first: 4, last: {rows: 0}, cap: 0.25},
    share: {kind: "profile"},
};

/** Replay rows (KVzip, arXiv 2505.23416) with step gain, max over rows and heads, head profile. */
const ahaReplay: ScoringPolicy = {
    name: "aha-replay",
    evidence: replayed,
    pool: {kind: "none"},
    prior: {kind: "none"},
    pins: fewPins,
    share: {kind: "profile"},
};

/**
 * aha-replay without a head profile: one pool over all heads, 20 % of the mean budget safe in each. Its cuts of a
 * dozen files are what a head profile is made of.
 */
const ahaPooled: ScoringPolicy = {
    name: "aha-pooled",
    evidence: replayed,
    pool: {kind: "none"},
    prior: {kind: "none"},
    pins: fewPins,
    share: {kind: "pooled", guarantee: 0.2},
};

/**
 * The refined one: replay rows, and one pool over all heads of the file, so that each file shares its budget by what it
 * holds. Last tokens are not pinned: the replay has asked for them, and at small budgets their rows are missed elsewhere.
 */
const ahaRefined: ScoringPolicy = {
    name: "aha-refined",
    evidence: replayed,
    pool: {kind: "none"},
    prior: {kind: "none"},
    pins: {first: 4, last: {rows: 0}, cap: 0.25},
    share: {kind: "pooled", guarantee: 0.2},
};

/** The policy whose cuts calibration averages. */
export const calibrationPolicy = ahaPooled;

/**
 * What segments of a policy are scored again with while the machine is idle: better scores, as many rows
 * in all. Undefined for policies that somebody chose for what they are.
 */
export function refinementOf(policy: Policy): Policy | undefined {
    return policy.name === ahaFile.name || policy.name === ahaEcho.name ? ahaRefined : undefined;
}

/** What is used when nobody chooses. */
export const defaultPolicyName = "aha-echo";

/** All presets, by name. */
export const presets: ReadonlyMap<string, Policy> = new Map(
    [full, random, ...publishedPresets, ahaFile, ahaEcho, ahaReplay, ahaPooled, ahaRefined].map(
        (policy): [string, Policy] => [policy.name, validatePolicy(policy)],
    ),
);

/** Names in the order of the tables. */
export const policyNames: readonly string[] = [...presets.keys()];

/**
 * @throws KvasirError `unknown-policy` listing the names there are
 */
export function policyByName(name: string): Policy {
    const policy = presets.get(name);
    if (policy === undefined) {
        throw unknownPolicy(name, policyNames);
    }
    return policy;
}

/**
 * The same policy with every `stride`-th row, for policies that score all rows of the file; others are returned as
 * they are.
 */
export function withStride(policy: Policy, stride: number): Policy {
    if (policy.evidence.kind !== "attention" || policy.evidence.rows.kind !== "all") {
        return policy;
    }
    return validatePolicy({
        ...(policy as ScoringPolicy),
        evidence: {...policy.evidence, rows: {kind: "all", stride}},
    });
}

/** The same policy with only `part` of the file's blocks repeated, for policies that replay. */
export function withReplayPart(policy: Policy, part: number): Policy {
    if (policy.evidence.kind !== "attention" || policy.evidence.rows.kind !== "replay") {
        return policy;
    }
    return validatePolicy({
        ...(policy as ScoringPolicy),
        evidence: {...policy.evidence, rows: {kind: "replay", part}},
    });
}
