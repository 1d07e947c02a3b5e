/**
 * What the native side computes while a file is decoded, derived from a policy. The raw scores it yields have
 * shape [nLayers, nKvHeads, nTokens] over the tokens of the file; everything after them happens in cut.ts.
 */

import {profileShares, type HeadProfile} from "./head-profile.js";
import {isFull, policyNeeds, type Policy, type Rows} from "./policy.js";

/** Length of the blocks in which a file is replayed. */
export const replayBlockTokens = 16;

export interface ScorePass {
    /**
     * `file`: the rows are tokens of the file, scored while it is read behind the prefix.
     * `replay`: the rows are tokens decoded behind prefix + file; the file's tokens are only keys.
     */
    source: "file" | "replay";
    /** Query rows: token offset, offset + stride, ... of the decoded tokens (not counting the prefix), `count` of them. */
    rows: {offset: number; stride: number; count: number};
    /** Positions by which the rows' queries are rotated further; above 0 they see every key of their batch. */
    ahead: number;
    gain: "one" | "sg";
    /** k of the step gain, in rows: the mean budget of the file. */
    budgetKeys: number;
    /** A `mean` over rows is a `sum` here; cut.ts divides by the number of rows that saw the token. */
    overRows: "sum" | "max" | "norm";
    overHeads: "mean" | "max";
    /** By layer * nKvHeads + head, 1: it asks in this pass. Left out: all of them. */
    heads?: Uint8Array;
}

export interface ScorePassInput {
    /** Tokens of the file, header included. */
    nTokens: number;
    /** Share of rows kept, in (0, 1]. */
    budget: number;
    /** Tokens decoded before the repeated text in a replay ("the file once more:"); they are no rows. */
    replayHeaderTokens?: number;
    /** Tells which heads ask from ahead; without one all do. */
    profile?: HeadProfile | undefined;
}

/**
 * The rows of a file that ask, as offset, stride and count. The last token is always a row: it is the only
 * one that sees every key.
 */
export function fileRows(rows: Exclude<Rows, {kind: "replay"}>, nTokens: number): ScorePass["rows"] {
    switch (rows.kind) {
        case "tail": {
            const count = Math.min(rows.count, nTokens);
            return {offset: nTokens - count, stride: 1, count};
        }
        case "spread": {
            const count = Math.min(rows.count, nTokens);
            const stride = count === 0 ? 1 : Math.max(1, Math.floor(nTokens / count));
            return {offset: count === 0 ? 0 : nTokens - 1 - (count - 1) * stride, stride, count};
        }
        case "all":
        case "echo":
            return {
                offset: nTokens === 0 ? 0 : (nTokens - 1) % rows.stride,
                stride: rows.stride,
                count: Math.ceil(nTokens / rows.stride),
            };
    }
}

/**
 * Indices of the file's tokens that a replay decodes again: whole 16-token blocks, evenly spread, `part` of them
 * (at least one).
 */
export function replayTokens(part: number, nTokens: number): Uint32Array {
    const nBlocks = Math.ceil(nTokens / replayBlockTokens);
    const nChosen = nBlocks === 0 ? 0 : Math.max(1, Math.round(part * nBlocks));
    const tokens: number[] = [];
    for (let block = 0; block < nBlocks; block++) {
        // Bresenham's rule: the running total nChosen * block / nBlocks steps up exactly nChosen times.
        const isChosen = Math.floor(((block + 1) * nChosen) / nBlocks) > Math.floor((block * nChosen) / nBlocks);
        const end = Math.min(nTokens, (block + 1) * replayBlockTokens);
        for (let token = block * replayBlockTokens; isChosen && token < end; token++) {
            tokens.push(token);
        }
    }
    return Uint32Array.from(tokens);
}

/**
 * The passes a policy asks for, none when it needs none (see policyNeeds: its scores come from the token's place or from
 * exported rows), two when some heads ask otherwise than the rest. All of them add to the same sums.
 *
 * k of the step gain is the mean budget of the file in rows, the prefix not counted: the prefix is never cut.
 */
export function scorePasses(policy: Policy, input: ScorePassInput): ScorePass[] {
    if (isFull(policy) || policy.evidence.kind !== "attention" || !policyNeeds(policy).pass) {
        return [];
    }
    const {rows, gain, overRows, overHeads} = policy.evidence;
    const {nTokens, budget, replayHeaderTokens = 0, profile} = input;
    const common = {
        gain: gain === "one" ? "one" : "sg",
        budgetKeys: Math.max(1, Math.round(budget * nTokens)),
        overRows: overRows === "mean" ? "sum" : overRows,
        overHeads,
    } as const;
    if (rows.kind === "replay") {
        const count = replayTokens(rows.part, nTokens).length;
        return [{...common, source: "replay", rows: {offset: replayHeaderTokens, stride: 1, count}, ahead: 0}];
    }
    const inFile = {...common, source: "file", rows: fileRows(rows, nTokens)} as const;
    if (rows.kind !== "echo") return [{...inFile, ahead: 0}];
    if (rows.only === undefined || profile === undefined) return [{...inFile, ahead: nTokens}];
    const heads = headsAbove(profile, budget, rows.only.share);
    const others = fileRows({kind: "all", stride: rows.only.stride}, nTokens);
    return [
        {...inFile, ahead: nTokens, heads},
        {...inFile, rows: others, ahead: 0, heads: heads.map((asks) => 1 - asks)},
    ];
}

/** 1 for every (layer, KV head) whose share at this budget is at least `least` times the mean over all heads. */
function headsAbove(profile: HeadProfile, budget: number, least: number): Uint8Array {
    const shares = profileShares(profile, budget);
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return Uint8Array.from(shares, (share) => (share >= least * mean ? 1 : 0));
}

/**
 * The factor g_i on 1/sqrt(d) for each chosen row (AhaKV, arXiv 2506.03762, section on step gain softmax): a row
 * that sees i keys and should attend as sharply as one that sees k gets
 *
 *     L_i = sqrt(2 ln(i / k) / d),    g_i = L_i sqrt(d) = sqrt(2 ln(i / k)),
 *
 * which follows from E[H_i] = ln i - L_i^2 d / 2 = ln k for q, k entries ~ N(0, 1). Below i = 1.65 k the formula
 * would flatten the row (and below k it has no value), hence g = max(1, ...).
 */
export function rowWeights(pass: ScorePass, nTokens: number, prefixTokens: number): Float32Array {
    const keysBefore = prefixTokens + (pass.source === "replay" ? nTokens : 0);
    return Float32Array.from({length: pass.rows.count}, (_, row) => {
        const nVisible =
            pass.ahead > 0 ? prefixTokens + nTokens : keysBefore + pass.rows.offset + row * pass.rows.stride + 1;
        return pass.gain === "one" ? 1 : stepGain(nVisible, pass.budgetKeys);
    });
}

/** g for a row that sees `nVisible` keys with a budget of `budgetKeys` of them. */
export function stepGain(nVisible: number, budgetKeys: number): number {
    return nVisible <= budgetKeys ? 1 : Math.max(1, Math.sqrt(2 * Math.log(nVisible / budgetKeys)));
}

/** For every token of the file, how many of the pass's rows saw it. */
export function rowsSeeing(pass: Pick<ScorePass, "source" | "rows">, nTokens: number): Uint32Array {
    const {offset, stride, count} = pass.rows;
    return Uint32Array.from({length: nTokens}, (_, token) =>
        pass.source === "replay" ? count : count - Math.min(count, Math.max(0, Math.ceil((token - offset) / stride))),
    );
}
