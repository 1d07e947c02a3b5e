/**
 * Earlier turns of a conversation that outgrew its room: their best rows, cut like a file's, in front of the live ones.
 * Nothing is dropped without a trace: what was cut is known and told.
 */
import {cut} from "../../core/policy/cut.js";
import type {HeadProfile} from "../../core/policy/head-profile.js";
import type {KeepLists} from "../../core/policy/head-rows.js";
import type {Policy, ScoringPolicy} from "../../core/policy/policy.js";
import {policyByName} from "../../core/policy/presets.js";
import type {NativePart, NativeSegment, NativeSession} from "../native/native.js";
import type {KvContext} from "./kv-context.js";
import {flatten} from "./segment.js";

/** Last tokens of what is cut that stay in every head (B_r of AhaKV, arXiv 2506.03762). */
const recentTokens = 32;

interface EarlierTurns {
    native: NativeSegment;
    nTokens: number;
    keptRows: number;
}

export class TurnMemory {
    readonly #segments: EarlierTurns[] = [];
    /** The tokens that the segments stand for, oldest first. */
    #tokens: number[] = [];

    constructor(
        private readonly context: KvContext,
        /** Share of rows that an earlier turn keeps. */
        private readonly budget: number,
        private readonly profile: () => HeadProfile | undefined,
    ) {}

    get nTokens(): number {
        return this.#tokens.length;
    }

    get tokens(): readonly number[] {
        return this.#tokens;
    }

    /** Mean rows kept over layers and KV heads. */
    get keptRows(): number {
        return this.#segments.reduce((sum, {keptRows}) => sum + keptRows, 0);
    }

    /** Whether the conversation still begins with what is remembered here. */
    isBeginningOf(tokens: ArrayLike<number>): boolean {
        return this.#tokens.length <= tokens.length && this.#tokens.every((token, i) => token === tokens[i]);
    }

    /**
     * Cuts the first n live rows of a session and takes them over; the session then has no live rows. The scores are
     * the attention that generated tokens paid (decode-phase scores, summed); without any, recent rows are the best.
     * @param nScored live rows that scores are kept for; 0 when there are none
     * @returns the rows that are kept: of this memory, until it is cleared
     */
    async takeOver(
        session: NativeSession,
        live: readonly number[],
        n: number,
        nScored: number,
    ): Promise<{native: NativeSegment; keep: KeepLists}> {
        const {context} = this;
        const hasScores = nScored >= n;
        const scores = hasScores
            ? context.ofGlobalLayers(
                  await session.readScores("mean"),
                  context.shape.nKvHeads * nScored,
              )
            : undefined;
        await session.truncate(n);
        const shape = context.cutShape;
        const keep = cut({
            policy: turnPolicy(this.profile() !== undefined, hasScores),
            budget: this.budget,
            profile: this.profile(),
            nTokens: n,
            shape,
            scores: scores && firstTokens(scores, shape.nLayers * shape.nKvHeads, nScored, n),
        });
        const lists = context.overAllLayers(keep);
        const {counts, rows} = flatten(lists);
        const native = await context.withRoom(() => session.gather(counts, rows));
        this.add(native, live.slice(0, n), lists);
        await session.truncate(0);
        return {native, keep: lists};
    }

    /** Takes rows over that were cut before: the next ones of the conversation. */
    add(native: NativeSegment, tokens: readonly number[], keep: KeepLists): void {
        const nKept = keep.reduce((sum, list) => sum + list.length, 0);
        // Layers with a window keep nothing of what was cut.
        const keptRows = nKept / (this.context.globalLayers.length * this.context.shape.nKvHeads);
        this.#segments.push({native, nTokens: tokens.length, keptRows});
        for (const token of tokens) this.#tokens.push(token);
    }

    /**
     * The segments as parts, oldest first. Live rows start again where turns always start, so what came before is
     * moved to the positions in front of that: order and distances stay.
     */
    parts(): NativePart[] {
        const canRotate = this.context.rowType === "f16" || this.context.rowType === "f32";
        let behind = 0;
        const parts: NativePart[] = [];
        for (const {native, nTokens} of this.#segments.toReversed()) {
            behind += nTokens;
            parts.unshift({segment: native, delta: canRotate ? -behind : 0});
        }
        return parts;
    }

    clear(): void {
        for (const {native} of this.#segments) native.dispose();
        this.#segments.length = 0;
        this.#tokens = [];
    }
}

/** How turns are cut: by the attention they received, shared among heads by the profile where there is one. */
function turnPolicy(hasProfile: boolean, hasScores: boolean): Policy {
    const base = policyByName("aha-file") as ScoringPolicy;
    return {
        ...base,
        name: "turns",
        evidence: hasScores ? base.evidence : {kind: "recency"},
        pins: {first: 4, last: {rows: recentTokens}, cap: 0.5},
        share: hasProfile ? base.share : {kind: "uniform"},
    };
}

/** Scores of the first n of nTokens tokens per region. */
function firstTokens(scores: Float32Array, nRegions: number, nTokens: number, n: number): Float32Array {
    const first = new Float32Array(nRegions * n);
    for (let region = 0; region < nRegions; region++)
        first.set(scores.subarray(region * nTokens, region * nTokens + n), region * n);
    return first;
}
