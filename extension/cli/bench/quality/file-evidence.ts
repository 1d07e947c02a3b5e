/**
 * Reads a file with every score pass that the planned cuts need, as few times as that takes: replays share one read,
 * passes of one kind serve all policies and budgets that ask for the same, and all cuts come from the same uncut rows.
 */
import {exportedScores, valueNormsL1} from "../../../core/policy/exported-scores.js";
import type {HeadProfile} from "../../../core/policy/head-profile.js";
import {policyNeeds, type Policy} from "../../../core/policy/policy.js";
import {replayTokens, scorePasses, type ScorePass} from "../../../core/policy/score-pass.js";
import {passesWithin, weighedPasses} from "../../../engine/kv/reader.js";
import type {NativeSegment, NativeSession} from "../../../engine/native/native.js";
import type {Bed} from "./bed.js";
import {exportRows, type Captured} from "./exported-rows.js";
import {FileSimilarity} from "./file-similarity.js";
import type {RopeSpec} from "../../../core/policy/expected-attention.js";
import type {PlannedCut} from "./quality-flags.js";

/** What a cut needs, by what it was computed with. */
export interface FileEvidence {
    nTokens: number;
    /** Every row. The owner disposes of it. */
    uncut: NativeSegment;
    /** Raw scores by scoreKey. */
    scores: ReadonlyMap<string, Float32Array>;
    valueNorms: Float32Array | undefined;
    valueNormsL1: Float32Array | undefined;
    /** Mean cosine of hidden states before and after attention, of the layers that see everything. */
    layerSimilarity: Float64Array | undefined;
}

export interface EvidencePlan {
    cuts: readonly PlannedCut[];
    replayHeader: Uint32Array;
    /** How the model rotates; undefined where that is not known. */
    rope: RopeSpec | undefined;
    /** Tells which heads ask from ahead. */
    profile: HeadProfile | undefined;
}

/** What of a policy and a budget decides its raw scores; undefined when it has none. */
export function scoreKey({composition, budget}: Pick<PlannedCut, "composition" | "budget">): string | undefined {
    const needs = policyNeeds(composition);
    const {evidence} = composition;
    if (!needs.pass && !needs.exportedRows) return undefined;
    // The step gain and which heads ask from ahead hang on the budget.
    const isBudgeted = evidence.kind === "attention" && (evidence.gain !== "one" || evidence.rows.kind === "echo");
    return JSON.stringify([evidence, isBudgeted ? budget : null]);
}

/** Tokens that reading a file for these cuts decodes, in files: for telling how long it takes. */
export function nReads(cuts: readonly PlannedCut[]): number {
    const keys = new Map(cuts.map((cut) => [scoreKey(cut), cut.composition]));
    keys.delete(undefined);
    const inFile = [...keys.values()].filter((policy) => policyNeeds(policy).pass && !isReplay(policy)).length;
    const replays = [...keys.values()].filter(isReplay).length;
    return Math.max(1, inFile) + replays;
}

export async function readFileEvidence(bed: Bed, tokens: Uint32Array, plan: EvidencePlan): Promise<FileEvidence> {
    const {context, prefix} = bed;
    const nTokens = tokens.length;
    const session = await context.newSession();
    let uncut: NativeSegment | undefined;
    try {
        const nRoom = 2 * nTokens + plan.replayHeader.length;
        await context.withRoom(() => session.compose([{segment: prefix.native, isAdjacent: true}], nRoom));
        const wanted = distinct(plan.cuts);
        const scores = new Map<string, Float32Array>();
        const needs = plan.cuts.map(({composition}) => policyNeeds(composition));
        const similarity = needs.some((need) => need.layerSimilarity) ? new FileSimilarity(context) : undefined;
        const reader = new ScoredReader(bed, session, tokens, plan, similarity);
        for (const {key, cut} of wanted.inFile) scores.set(key, await reader.readScored(cut));
        const needsRows = needs.some((need) => need.exportedRows || need.valueNormsL1);
        const needsQueries = wanted.exported.some(({cut}) => cut.composition.evidence.kind !== "rows");
        let captured: Captured | undefined;
        if (wanted.inFile.length === 0 || needsQueries) captured = await reader.readPlainly(needsQueries);
        uncut = await bed.gatherAll(session, nTokens);
        const nPerLayer = context.shape.nKvHeads * nTokens;
        const valueNorms = needs.some((need) => need.valueNorms)
            ? context.ofGlobalLayers(await session.valueNorms(nTokens), nPerLayer)
            : undefined;
        let normsL1: Float32Array | undefined;
        if (needsRows) {
            const rows = await exportRows(bed, session, nTokens, captured);
            if (needs.some((need) => need.valueNormsL1)) normsL1 = valueNormsL1(rows);
            for (const {key, cut} of wanted.exported) {
                bed.signal.throwIfAborted();
                scores.set(key, exportedScores(cut.composition, rows, cut.budget, plan.rope));
            }
        }
        for (const {key, cut} of wanted.replayed) scores.set(key, await reader.replayScored(cut));
        return {
            nTokens,
            uncut,
            scores,
            valueNorms,
            valueNormsL1: normsL1,
            layerSimilarity: similarity?.ofGlobalLayers(),
        };
    } catch (error) {
        uncut?.dispose();
        throw error;
    } finally {
        session.dispose();
    }
}

interface Wanted {
    key: string;
    cut: PlannedCut;
}

/** The cuts with different raw scores, by the road on which these are computed. */
function distinct(cuts: readonly PlannedCut[]): Record<"inFile" | "replayed" | "exported", Wanted[]> {
    const all = [...new Map(cuts.map((cut) => [scoreKey(cut), cut]))].flatMap(([key, cut]) =>
        key === undefined ? [] : [{key, cut}],
    );
    const isPassed = ({cut}: Wanted): boolean => policyNeeds(cut.composition).pass;
    return {
        inFile: all.filter((wanted) => isPassed(wanted) && !isReplay(wanted.cut.composition)),
        replayed: all.filter((wanted) => isPassed(wanted) && isReplay(wanted.cut.composition)),
        exported: all.filter((wanted) => !isPassed(wanted)),
    };
}

function isReplay({evidence}: Policy): boolean {
    return evidence.kind === "attention" && evidence.rows.kind === "replay";
}

/** One file in one session, decoded as often as there are passes. */
class ScoredReader {
    constructor(
        readonly bed: Bed,
        readonly session: NativeSession,
        readonly tokens: Uint32Array,
        readonly plan: EvidencePlan,
        /** Filled by the first read of the file. */
        readonly similarity: FileSimilarity | undefined,
    ) {}

    /** Reads the file, scored by rows of its own. */
    async readScored(cut: PlannedCut): Promise<Float32Array> {
        await this.session.truncate(0);
        return this.#scored(cut, this.tokens, 0);
    }

    /** Reads the file without scores. @returns what attention was asked, when wanted */
    async readPlainly(isCaptured: boolean): Promise<Captured | undefined> {
        await this.session.truncate(0);
        const batches = await this.#decode(this.tokens, 0, [], isCaptured);
        return isCaptured ? batches : undefined;
    }

    /** Repeats the file behind itself, scored by the rows of the repetition. */
    async replayScored(cut: PlannedCut): Promise<Float32Array> {
        const {evidence} = cut.composition;
        const part = evidence.kind === "attention" && evidence.rows.kind === "replay" ? evidence.rows.part : 1;
        const repeated = Array.from(replayTokens(part, this.tokens.length), (i) => this.tokens[i]!);
        const scores = await this.#scored(
            cut,
            Uint32Array.from([...this.plan.replayHeader, ...repeated]),
            this.tokens.length,
        );
        await this.session.truncate(this.tokens.length);
        return scores;
    }

    async #scored({composition, budget}: PlannedCut, tokens: Uint32Array, after: number): Promise<Float32Array> {
        const {context} = this.bed;
        const nTokens = this.tokens.length;
        const {profile, replayHeader} = this.plan;
        const passes = scorePasses(composition, {
            nTokens,
            budget,
            profile,
            replayHeaderTokens: replayHeader.length,
        });
        const pass = passes[0]!;
        await context.withRoom(() => this.session.startScores(nTokens, pass.overRows));
        await this.#decode(tokens, after, passes, false);
        const scores = await this.session.readScores(pass.overHeads);
        await this.session.stopScores();
        return context.ofGlobalLayers(scores, context.shape.nKvHeads * nTokens);
    }

    async #decode(
        tokens: Uint32Array,
        after: number,
        passes: readonly ScorePass[],
        isCaptured: boolean,
    ): Promise<Captured> {
        const {context, prefix, signal} = this.bed;
        const weighed = weighedPasses(context, passes, this.tokens.length, prefix.nTokens);
        const captured: Captured = [];
        const similarity = after === 0 && this.similarity?.nTokens === 0 ? this.similarity : undefined;
        for (let at = 0; at < tokens.length; at += context.nBatch) {
            const batch = tokens.subarray(at, at + context.nBatch);
            const decoded = await context.cancellable(signal, () =>
                this.session.decode(batch, prefix.nTokens + after + at, {
                    passes: passesWithin(weighed, at, batch.length),
                    ...(isCaptured ? {capture: true} : {}),
                    ...(similarity ? {layerSimilarity: true} : {}),
                }),
            );
            similarity?.add(decoded.layerSimilarity!, batch.length);
            if (decoded.captured !== undefined) captured.push({nTokens: batch.length, layers: decoded.captured});
        }
        return captured;
    }
}
