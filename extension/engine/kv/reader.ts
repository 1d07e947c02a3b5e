/**
 * Reads tokens alone behind the prefix, scores their rows on the device while they are decoded, and keeps what the
 * policy chooses. Knows nothing of files, stores or who waits: between two batches it calls back, and whoever is more
 * urgent may run then.
 */
import {cut} from "../../core/policy/cut.js";
import type {HeadProfile} from "../../core/policy/head-profile.js";
import type {KeepLists} from "../../core/policy/head-rows.js";
import {policyNeeds, type Policy} from "../../core/policy/policy.js";
import {replayTokens, rowWeights, scorePasses, type ScorePass} from "../../core/policy/score-pass.js";
import type {NativeScorePass, NativeSegment, NativeSession} from "../native/native.js";
import {cancelledError, type KvContext} from "./kv-context.js";
import type {Prefix} from "./prefix.js";
import {flatten, keepAll, type CutEvidence} from "./segment.js";

/** Texts that may share a batch: the addon's own limit. */
export const maxTogether = 8;

export interface ReadJob {
    tokens: Uint32Array;
    policy: Policy;
    /** Share of rows kept, in (0, 1]. */
    budget: number;
    /** Without one a policy that needs it leaves the segment uncut, and its evidence is kept for a later cut. */
    profile?: HeadProfile | undefined;
    /** Token indices that stay in every head. */
    pins?: ArrayLike<number> | undefined;
    /** What stands between the file and its repetition, for policies that replay. */
    replayHeader?: Uint32Array | undefined;
    signal?: AbortSignal | undefined;
    /** Between two batches: tokens decoded so far, and how many there are with what is replayed. */
    onBatch?: ((nTokens: number, nTotal: number) => Promise<void> | void) | undefined;
}

export interface ReadRows {
    native: NativeSegment;
    keep: KeepLists;
    /** Kept only while the rows wait for a cut. */
    evidence: CutEvidence | undefined;
}

/** Tokens decoded in one go: the file, or its repetition. */
interface Stretch {
    /** Tokens between the prefix and the first of these. */
    behind: number;
    passes: readonly ScorePass[];
    nFileTokens: number;
    nTotal: number;
}

export class Reader {
    constructor(
        readonly context: KvContext,
        readonly prefix: Prefix,
    ) {}

    /** @throws KvasirError `kv-limit`, `out-of-memory`, `cancelled`, `model-unsupported` */
    async read(job: ReadJob): Promise<ReadRows> {
        const session = await this.context.newSession();
        try {
            const evidence = await this.#decodeScored(session, job);
            return await this.#keep(session, job, evidence);
        } finally {
            session.dispose();
        }
    }

    /** The evidence alone: what calibration needs of a file. */
    async score(job: ReadJob): Promise<CutEvidence> {
        const session = await this.context.newSession();
        try {
            return await this.#decodeScored(session, job);
        } finally {
            session.dispose();
        }
    }

    /**
     * Reads several short texts in one batch, each alone behind the prefix: a batch that is hardly filled costs nearly
     * as much as a full one.
     * @param jobs at most `maxTogether`, of `context.nBatch` tokens in all; the signal and `onBatch` of the first count
     * @throws KvasirError as read(); then none is read
     */
    async readTogether(jobs: readonly ReadJob[]): Promise<ReadRows[]> {
        const {context, prefix} = this;
        const {signal, onBatch} = jobs[0]!;
        const opened: {session: NativeSession; job: ReadJob; passes: readonly ScorePass[]}[] = [];
        try {
            for (const job of jobs) {
                const session = await context.newSession();
                opened.push({session, job, passes: []});
                opened.at(-1)!.passes = await this.#open(session, job, this.#replayText(job).length);
            }
            const parts = opened.map(({session, job: {tokens}, passes}) => {
                const inFile = isReplay(passes) ? [] : passes;
                const weighed = weighedPasses(context, inFile, tokens.length, prefix.nTokens);
                return {
                    session,
                    tokens,
                    firstPosition: prefix.nTokens,
                    passes: passesWithin(weighed, 0, tokens.length),
                };
            });
            await context.cancellable(signal, () => context.native.decodeTogether(parts));
            const nTotal = jobs.reduce((sum, job) => sum + job.tokens.length + this.#replayText(job).length, 0);
            await onBatch?.(
                jobs.reduce((sum, {tokens}) => sum + tokens.length, 0),
                nTotal,
            );
            if (signal?.aborted) throw cancelledError();
            const rows: ReadRows[] = [];
            for (const {session, job, passes} of opened) {
                if (isReplay(passes)) await this.#replay(session, {...job, onBatch: undefined}, passes);
                rows.push(await this.#keep(session, job, await this.#evidence(session, job, passes)));
            }
            return rows;
        } finally {
            for (const {session} of opened) session.dispose();
        }
    }

    async #decodeScored(session: NativeSession, job: ReadJob): Promise<CutEvidence> {
        const {tokens} = job;
        const nReplayed = this.#replayText(job).length;
        const passes = await this.#open(session, job, nReplayed);
        const inFile = isReplay(passes) ? [] : passes;
        const nTotal = tokens.length + nReplayed;
        await this.#decode(session, tokens, {behind: 0, passes: inFile, nFileTokens: tokens.length, nTotal}, job);
        if (isReplay(passes)) await this.#replay(session, job, passes);
        return this.#evidence(session, job, passes);
    }

    /** Behind the file, as if the model were asked to repeat it (KVzip, arXiv 2505.23416). */
    async #replay(session: NativeSession, job: ReadJob, passes: readonly ScorePass[]): Promise<void> {
        const nFileTokens = job.tokens.length;
        const replayed = this.#replayText(job);
        const nTotal = nFileTokens + replayed.length;
        await this.#decode(session, replayed, {behind: nFileTokens, passes, nFileTokens, nTotal}, job);
    }

    /** The prefix, room, and sums for what will be scored. */
    async #open(session: NativeSession, job: ReadJob, nReplayed: number): Promise<readonly ScorePass[]> {
        const {context, prefix} = this;
        const nTokens = job.tokens.length;
        const nHeader = job.replayHeader?.length ?? 0;
        const {budget, profile} = job;
        const passes = scorePasses(job.policy, {nTokens, budget, profile, replayHeaderTokens: nHeader});
        const parts = [{segment: prefix.native, isAdjacent: true}];
        await context.withRoom(() => session.compose(parts, nTokens + nReplayed));
        const [pass] = passes;
        if (pass) await context.withRoom(() => session.startScores(nTokens, pass.overRows));
        return passes;
    }

    async #evidence(
        session: NativeSession,
        {policy, tokens}: ReadJob,
        [pass]: readonly ScorePass[],
    ): Promise<CutEvidence> {
        const {context} = this;
        const nTokens = tokens.length;
        const scores = pass
            ? context.ofGlobalLayers(await session.readScores(pass.overHeads), context.shape.nKvHeads * nTokens)
            : undefined;
        const valueNorms = policyNeeds(policy).valueNorms
            ? context.ofGlobalLayers(await session.valueNorms(nTokens), context.shape.nKvHeads * nTokens)
            : undefined;
        if (pass) await session.stopScores();
        await session.truncate(nTokens);
        return {scores, valueNorms};
    }

    #replayText({tokens, policy, replayHeader}: ReadJob): Uint32Array {
        if (policy.evidence.kind !== "attention" || policy.evidence.rows.kind !== "replay") return new Uint32Array(0);
        const chosen = replayTokens(policy.evidence.rows.part, tokens.length);
        return Uint32Array.from([...(replayHeader ?? []), ...Array.from(chosen, (i) => tokens[i]!)]);
    }

    async #decode(session: NativeSession, tokens: Uint32Array, stretch: Stretch, job: ReadJob): Promise<void> {
        const {context, prefix} = this;
        const {signal, onBatch} = job;
        const {behind, passes, nFileTokens, nTotal} = stretch;
        const weighed = weighedPasses(context, passes, nFileTokens, prefix.nTokens);
        const firstPosition = prefix.nTokens + behind;
        for (let at = 0; at < tokens.length; at += context.nBatch) {
            const batch = tokens.subarray(at, at + context.nBatch);
            const here = passesWithin(weighed, at, batch.length);
            await context.cancellable(signal, () => session.decode(batch, firstPosition + at, {passes: here}));
            await onBatch?.(behind + at + batch.length, nTotal);
            if (signal?.aborted) throw cancelledError();
        }
    }

    async #keep(session: NativeSession, job: ReadJob, evidence: CutEvidence): Promise<ReadRows> {
        const {context} = this;
        const {policy, budget, profile, pins, tokens} = job;
        const waitsForProfile = policyNeeds(policy).profile && profile === undefined;
        const shape = context.cutShape;
        const keep = context.overAllLayers(
            waitsForProfile
                ? keepAll(shape.nLayers * shape.nKvHeads, tokens.length)
                : cut({policy, budget, profile, pins, nTokens: tokens.length, shape, ...evidence}),
        );
        const {counts, rows} = flatten(keep);
        const native = await context.withRoom(() => session.gather(counts, rows));
        return {native, keep, evidence: waitsForProfile ? evidence : undefined};
    }
}

/** The passes of a policy are all of one kind. */
function isReplay([pass]: readonly ScorePass[]): boolean {
    return pass?.source === "replay";
}

/** A pass with the gain of each of its rows, as the native side wants it. */
export interface WeighedPass extends Pick<ScorePass, "rows" | "ahead" | "heads"> {
    weights: Float32Array;
}

/** @param nFileTokens of the file whose tokens are scored */
export function weighedPasses(
    context: Pick<KvContext, "markAllLayers">,
    passes: readonly ScorePass[],
    nFileTokens: number,
    nPrefixTokens: number,
): WeighedPass[] {
    return passes.map((pass) => ({
        ...pass,
        ...(pass.heads ? {heads: context.markAllLayers(pass.heads)} : {}),
        weights: rowWeights(pass, nFileTokens, nPrefixTokens),
    }));
}

/** The parts of passes that fall on tokens [at, at + n), with offsets counted from there. */
export function passesWithin(passes: readonly WeighedPass[], at: number, n: number): NativeScorePass[] {
    return passes.flatMap(({rows: {offset, stride, count}, ahead, heads, weights}) => {
        const first = Math.max(0, Math.ceil((at - offset) / stride));
        const end = Math.min(count, Math.ceil((at + n - offset) / stride));
        if (end <= first) return [];
        return [{offset: offset + first * stride - at, stride, weights: weights.slice(first, end), ahead, heads}];
    });
}
