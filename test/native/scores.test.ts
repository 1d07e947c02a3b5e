/**
 * Every preset on Q, K and V that the real model computed: scores of the device, and the rows kept by them, against the
 * papers' formulas in nested loops.
 */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {cut} from "../../extension/core/policy/cut.js";
import {
    exportedScores,
    gumbelNoise,
    valueNormsL1,
    type ExportedRows,
} from "../../extension/core/policy/exported-scores.js";
import {uniformNoise} from "../../extension/core/policy/final-scores.js";
import {policyVariant} from "../../extension/core/fidelity/policy-variant.js";
import {ropeOf} from "../../extension/cli/bench/quality/exported-rows.js";
import {policyNeeds, type Policy} from "../../extension/core/policy/policy.js";
import {policyByName, policyNames} from "../../extension/core/policy/presets.js";
import {scorePasses, type ScorePass} from "../../extension/core/policy/score-pass.js";
import {passesWithin, weighedPasses} from "../../extension/engine/kv/reader.js";
import {flatten, keepAll} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {ContextShape, NativeContext, NativeSegment, NativeSession} from "../../extension/engine/native/native.js";
import type {Ahead, Qkv} from "../reference/attention.js";
import {madeUpFacts} from "../reference/made-up-facts.js";
import {realDifferences, referenceKept} from "../reference/paper-cuts.js";
import {referenceScores, type ReferenceOptions} from "../reference/paper-scores.js";
import {flat} from "../reference/random-qkv.js";
import {referenceRawScores, referenceValueNorms} from "../reference/raw-scores.js";
import {loadSmallModel, onGpu, openContext, relativeError, sampleText, tokensOf} from "./small-model.js";

const nPrefix = 12;
const nFile = 120;
const nHeader = 3;
const budget = 0.25;
/** Layers whose Q, K and V are exported and scored in nested loops; the reference is slow. */
const layers = [0, 13, 29];
// Expected Attention's formula takes any rotation; which one the model has is told to it elsewhere.
const rope = {frequencies: Array.from({length: 32}, (_, i) => 10_000 ** (-i / 32)), firstPosition: nPrefix};

const madeUpProfile = {version: 1, modelHash: "none", format: "f16", policy: "none", nFiles: 1} as const;

let model: LoadedModel;
let context: NativeContext;
let shape: ContextShape;
let prefix: NativeSegment;
let text: {prefix: Uint32Array; file: Uint32Array; replay: Uint32Array};
let qkv: Qkv;
let valueNorms: Float32Array;

beforeAll(async () => {
    model = await loadSmallModel();
    // Rows in full precision: the reference computes in doubles.
    ({context, shape} = await openContext(model, {rowType: "f32"}));
    const all = tokensOf(model, sampleText, nPrefix + nFile + nHeader);
    const file = all.subarray(nPrefix, nPrefix + nFile);
    text = {
        prefix: all.subarray(0, nPrefix),
        file,
        replay: Uint32Array.from([...all.subarray(nPrefix + nFile), ...file]),
    };
    const session = await context.newSession();
    await session.decode(text.prefix, 0);
    const everything = flatten(keepAll(shape.nLayers * shape.nKvHeads, nPrefix));
    prefix = await session.gather(everything.counts, everything.rows);
    session.dispose();
    qkv = await measuredQkv();
});
afterAll(async () => {
    await context.close();
    await model.dispose();
});

/** File and replay behind the prefix, in uneven batches, and what attention was asked. */
async function measuredQkv(): Promise<Qkv> {
    const session = await behindPrefix();
    const file = await decode(session, text.file, nPrefix);
    valueNorms = ofLayers(await session.valueNorms(nFile));
    const replay = await decode(session, text.replay, nPrefix + nFile);
    const {nHeads, nKvHeads, headDim: d} = shape;
    const vectors = (values: Float32Array) =>
        Array.from({length: values.length / d}, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
    const queries = (batches: Float32Array[][]) =>
        batches.map((ofLayer) => {
            const rows = ofLayer.flatMap(vectors);
            return Array.from({length: nHeads}, (_, head) =>
                Array.from({length: rows.length / nHeads}, (__, t) => rows[t * nHeads + head]!),
            );
        });
    const k: number[][][][] = [];
    const v: number[][][][] = [];
    for (const layer of layers) {
        const heads = await Promise.all(Array.from({length: nKvHeads}, (_, head) => session.exportRows(layer, head)));
        k.push(heads.map((head) => vectors(head.k)));
        v.push(heads.map((head) => vectors(head.v)));
    }
    session.dispose();
    return {
        q: queries(file),
        k,
        v,
        prefixTokens: nPrefix,
        scale: 1 / Math.sqrt(d),
        replay: {q: queries(replay), headerTokens: nHeader},
    };
}

/** Raw scores as the device adds them up while the file, or its replay, is decoded. */
async function deviceScores(passes: readonly ScorePass[]): Promise<Float32Array> {
    const session = await behindPrefix();
    const pass = passes[0]!;
    const isReplay = pass.source === "replay";
    if (isReplay) await decode(session, text.file, nPrefix);
    await session.startScores(nFile, pass.overRows);
    if (isReplay) await decode(session, text.replay, nPrefix + nFile, passes);
    else await decode(session, text.file, nPrefix, passes);
    const scores = await session.readScores(pass.overHeads);
    session.dispose();
    return ofLayers(scores);
}

async function behindPrefix(): Promise<NativeSession> {
    const session = await context.newSession();
    await session.compose([{segment: prefix}]);
    return session;
}

/** @returns what attention was asked, per exported layer and batch */
async function decode(
    session: NativeSession,
    tokens: Uint32Array,
    position: number,
    passes: readonly ScorePass[] = [],
): Promise<Float32Array[][]> {
    const weighed = weighedPasses({markAllLayers: (marks) => marks}, passes, nFile, nPrefix);
    const queries = layers.map(() => [] as Float32Array[]);
    for (const [from, to] of [
        [0, 50],
        [50, tokens.length],
    ] as const) {
        const {captured} = await session.decode(tokens.subarray(from, to), position + from, {
            capture: true,
            passes: passesWithin(weighed, from, to - from),
        });
        layers.forEach((layer, i) => queries[i]!.push(captured![layer]!.queries));
    }
    return queries;
}

/** The values of the exported layers, row-major. */
function ofLayers(values: Float32Array): Float32Array {
    const perLayer = shape.nKvHeads * nFile;
    return Float32Array.from(
        layers.flatMap((layer) => Array.from(values.subarray(layer * perLayer, (layer + 1) * perLayer))),
    );
}

/** The exported rows as the policies of the laboratory take them. */
function exportedRows(): ExportedRows {
    return {
        shape: {nLayers: layers.length, nKvHeads: shape.nKvHeads, headDim: shape.headDim},
        nQueryHeads: shape.nHeads,
        prefixTokens: nPrefix,
        nTokens: nFile,
        queries: flat(qkv.q),
        keys: flat(qkv.k),
        values: flat(qkv.v),
        scale: qkv.scale,
    };
}

/** How the model rotates, and the batches in which a file is decoded here. */
function ahead(): Pick<Ahead, "frequencies" | "nDecoded"> {
    return {
        frequencies: Array.from(ropeOf(model, shape.headDim, 0)!.frequencies),
        nDecoded: (row) => (row < 50 ? 50 : nFile),
    };
}

async function scoresOf(policy: Policy): Promise<Float32Array | undefined> {
    const needs = policyNeeds(policy);
    if (needs.exportedRows) return exportedScores(policy, exportedRows(), budget, {...rope, layout: "neox"});
    const passes = scorePasses(policy, {nTokens: nFile, budget, replayHeaderTokens: nHeader});
    if (passes.length === 0) return undefined;
    const scores = await deviceScores(passes);
    expect(relativeError(scores, flat(referenceRawScores(passes[0]!, qkv, ahead())))).toBeLessThan(onGpu(1e-3, 1e-4));
    return scores;
}

it.each(["aha-file:echo=1", "aha-file:echo=3:rows=norm", "aha-file:echo=1:rows=max:heads=max", "aha-file:rows=norm"])(
    "%s has the scores of its formula",
    async (name) => {
        const passes = scorePasses(policyVariant(name), {nTokens: nFile, budget});
        const expected = referenceRawScores(passes[0]!, qkv, ahead());
        expect(relativeError(await deviceScores(passes), flat(expected))).toBeLessThan(onGpu(1e-3, 1e-4));
    },
);

it("lets some heads ask from ahead and others as usual, each with the scores of its own formula", async () => {
    const {nLayers, nKvHeads} = shape;
    // In some layers one head asks from ahead, in some two, apart or side by side, in some none or all.
    const perHead = Array.from({length: nLayers}, (_, layer) =>
        Array.from({length: nKvHeads}, (__, head) => (((layer * 5) >> head) & 1 ? 0.4 : 0.1)),
    );
    const profile = {...madeUpProfile, nLayers, nKvHeads, budgets: [{share: budget, perHead}]};
    const passes = scorePasses(policyByName("aha-echo"), {nTokens: nFile, budget, profile});
    const references = passes.map((pass) => referenceRawScores(pass, qkv, ahead()));
    const expected = layers.map((layer, i) =>
        Array.from({length: nKvHeads}, (_, head) => references[perHead[layer]![head] === 0.4 ? 0 : 1]![i]![head]!),
    );
    expect(relativeError(await deviceScores(passes), flat(expected))).toBeLessThan(onGpu(1e-3, 1e-4));
});

it.each([
    ["q8_0", 0.1],
    ["q4_0", 0.6],
] as const)("rows in %s, whose channels are mixed, give nearly the scores of full precision", async (rowType, near) => {
    const n = 100;
    const passes = scorePasses(policyVariant("aha-file:echo=1"), {nTokens: n, budget});
    const weighed = weighedPasses({markAllLayers: (marks) => marks}, passes, n, 0);
    const scoresIn = async (native: NativeContext): Promise<Float32Array> => {
        const session = await native.newSession();
        await session.startScores(n, passes[0]!.overRows);
        await session.decode(text.file.subarray(0, n), 0, {passes: passesWithin(weighed, 0, n)});
        const scores = await session.readScores();
        session.dispose();
        return scores;
    };
    const {context: mixed} = await openContext(model, {rowType});
    const exact = await scoresIn(context);
    const error = relativeError(await scoresIn(mixed), exact);
    await mixed.close();
    expect(error).toBeLessThan(near);
});

it("the device's norms of the values are those of the exported values", () => {
    expect(relativeError(valueNorms, flat(referenceValueNorms(qkv)))).toBeLessThan(1e-5);
});

describe.each(policyNames.filter((name) => name !== "full"))("the policy %s", (name) => {
    it("has the scores of its formula, and keeps the rows that the formula keeps", async () => {
        const policy = policyByName(name);
        const needs = policyNeeds(policy);
        const {nKvHeads, headDim, nHeads} = shape;
        const ofModel = {nLayers: layers.length, nKvHeads, headDim};
        const facts = madeUpFacts(ofModel, budget, 7);
        const options: ReferenceOptions = {
            budget,
            rope,
            noise: (layer, head, row, key) => gumbelNoise(1, (layer * nHeads + head) * nFile + row, key),
            lot: (index) => uniformNoise(1, index),
            ahead: ahead(),
        };
        const kept = cut({
            policy,
            budget,
            nTokens: nFile,
            shape: ofModel,
            scores: await scoresOf(policy),
            valueNorms,
            valueNormsL1: needs.valueNormsL1 ? valueNormsL1(exportedRows()) : undefined,
            profile: needs.profile || needs.retrieval ? facts.profile : undefined,
            layerSimilarity: needs.layerSimilarity ? facts.layerSimilarity : undefined,
        });
        const reference = referenceKept(name, qkv, options, facts.reference);
        expect(kept.map((list) => list.length)).toEqual(reference.flat().map((list) => list.length));
        // Scores of the device carry the rounding of f32: closer ones than that are ties.
        const tolerance = onGpu(1e-2, 1e-4);
        expect(realDifferences(kept, reference, referenceScores(name, qkv, options), tolerance)).toEqual([]);
    });
});
