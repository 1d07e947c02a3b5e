/** Scores that the device computes while a file is read, and the rows kept by them, against the papers' formulas. */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {cut} from "../../extension/core/policy/cut.js";
import {policyNeeds} from "../../extension/core/policy/policy.js";
import {policyByName} from "../../extension/core/policy/presets.js";
import {rowWeights, scorePass} from "../../extension/core/policy/score-pass.js";
import {overHeads, passWithin} from "../../extension/engine/kv/reader.js";
import {flatten, keepAll} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {ContextShape, NativeContext} from "../../extension/engine/native/native.js";
import type {Qkv} from "../reference/attention.js";
import {realDifferences, referenceKept} from "../reference/paper-cuts.js";
import {referenceRawScores, referenceValueNorms} from "../reference/raw-scores.js";
import {referenceScores} from "../reference/paper-scores.js";
import {flat} from "../reference/random-qkv.js";
import {loadSmallModel, openContext, relativeError, sampleText, tokensOf} from "./small-model.js";

const nPrefix = 12;
const nFile = 120;
const budget = 0.25;
/** Layers whose Q, K and V are exported and scored in nested loops; the reference is slow. */
const layers = [0, 13, 29];

let model: LoadedModel;
let context: NativeContext;
let shape: ContextShape;
beforeAll(async () => {
    model = await loadSmallModel();
    // Scores are compared to the reference, so rows are in full precision; batches of 256 make the file span... one batch.
    ({context, shape} = await openContext(model, {rowType: "f32"}));
});
afterAll(async () => {
    await context.close();
    await model.dispose();
});

/** Decodes prefix and file with the policy's pass, in two uneven batches, and exports what the reference needs. */
async function measured(name: string) {
    const policy = policyByName(name);
    const pass = scorePass(policy, {nTokens: nFile, budget});
    const all = tokensOf(model, sampleText, nPrefix + nFile);
    const session = await context.newSession();
    await session.decode(all.subarray(0, nPrefix), 0);
    const everything = flatten(keepAll(shape.nLayers * shape.nKvHeads, nPrefix));
    const prefix = await session.gather(everything.counts, everything.rows);
    await session.truncate(0);
    await session.compose([{segment: prefix}]);
    if (pass) await session.startScores(nFile, pass.overRows);
    const weights = pass && rowWeights(pass, nFile, nPrefix);
    const queries = layers.map(() => [] as Float32Array[]);
    for (const [from, to] of [
        [0, 50],
        [50, nFile],
    ] as const) {
        const here = pass && weights && passWithin(pass, weights, from, to - from);
        const {captured} = await session.decode(all.subarray(nPrefix + from, nPrefix + to), nPrefix + from, {
            capture: true,
            ...(here ? {pass: here} : {}),
        });
        layers.forEach((layer, i) => queries[i]!.push(captured![layer]!.queries));
    }
    const scores = pass && overHeads(await session.readScores(), {shape}, nFile, pass.overHeads);
    const valueNorms = await session.valueNorms(nFile);
    const qkv = await exported(session, queries);
    session.dispose();
    prefix.dispose();
    return {policy, pass, scores, valueNorms, qkv};
}

async function exported(
    session: Awaited<ReturnType<NativeContext["newSession"]>>,
    queries: Float32Array[][],
): Promise<Qkv> {
    const {nHeads, nKvHeads, headDim: d} = shape;
    const rowsOf = (values: Float32Array) =>
        Array.from({length: values.length / d}, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
    const k: number[][][][] = [];
    const v: number[][][][] = [];
    for (const layer of layers) {
        const heads = await Promise.all(Array.from({length: nKvHeads}, (_, head) => session.exportRows(layer, head)));
        k.push(heads.map((head) => rowsOf(head.k)));
        v.push(heads.map((head) => rowsOf(head.v)));
    }
    const q = queries.map((batches) => {
        const rows = batches.flatMap((batch) => rowsOf(batch));
        return Array.from({length: nHeads}, (_, head) =>
            Array.from({length: nFile}, (__, t) => rows[t * nHeads + head]!),
        );
    });
    return {q, k, v, prefixTokens: nPrefix, scale: 1 / Math.sqrt(d)};
}

/** The values of the exported layers, row-major. */
function ofLayers(values: Float32Array): Float32Array {
    const perLayer = shape.nKvHeads * nFile;
    return Float32Array.from(
        layers.flatMap((layer) => Array.from(values.subarray(layer * perLayer, (layer + 1) * perLayer))),
    );
}

describe.each(["snapkv", "h2o", "ahakv", "aha-file", "tova", "vatp", "ada-snapkv"])("the policy %s", (name) => {
    it("is scored on the device as its formula says, and keeps the rows that the formula keeps", async () => {
        const {policy, pass, scores, valueNorms, qkv} = await measured(name);
        expect(pass).toBeDefined();
        expect(relativeError(ofLayers(scores!), flat(referenceRawScores(pass!, qkv)))).toBeLessThan(1e-4);
        if (policyNeeds(policy).valueNorms)
            expect(relativeError(ofLayers(valueNorms), flat(referenceValueNorms(qkv)))).toBeLessThan(1e-5);
        if (policyNeeds(policy).profile || policyNeeds(policy).valueNormsL1) return;
        const kept = cut({
            policy,
            budget,
            nTokens: nFile,
            shape: {nLayers: layers.length, nKvHeads: shape.nKvHeads, headDim: shape.headDim},
            scores: ofLayers(scores!),
            valueNorms: ofLayers(valueNorms),
        });
        const reference = referenceKept(name, qkv, {budget});
        expect(realDifferences(kept, reference, referenceScores(name, qkv, {budget}))).toEqual([]);
    });
});
