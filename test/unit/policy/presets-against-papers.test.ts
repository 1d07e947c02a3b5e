import {describe, expect, it} from "vitest";
import {cut} from "../../../extension/core/policy/cut.js";
import {
    exportedScores,
    gumbelNoise,
    valueNormsL1,
    type ExportedRows,
} from "../../../extension/core/policy/exported-scores.js";
import {uniformNoise} from "../../../extension/core/policy/final-scores.js";
import {policyNeeds, type Policy} from "../../../extension/core/policy/policy.js";
import {policyByName, policyNames, presets, withStride} from "../../../extension/core/policy/presets.js";
import {rowWeights, scorePasses} from "../../../extension/core/policy/score-pass.js";
import {attentionFromAhead, attentionToFile, groupOf, type Ahead, type Qkv} from "../../reference/attention.js";
import {madeUpFacts} from "../../reference/made-up-facts.js";
import {realDifferences, referenceKept} from "../../reference/paper-cuts.js";
import {referenceScores, type ReferenceOptions} from "../../reference/paper-scores.js";
import {flat, randomQkv, type QkvShape} from "../../reference/random-qkv.js";
import {referenceRawScores, referenceValueNorms} from "../../reference/raw-scores.js";

const kvShape = {nLayers: 4, nKvHeads: 2, headDim: 8};
const shape: QkvShape = {
    layers: 4,
    queryHeads: 4,
    kvHeads: 2,
    dim: 8,
    prefixTokens: 7,
    fileTokens: 133,
    replay: {headerTokens: 3, repeatedTokens: 133},
};
const rope = {frequencies: [1, 0.3, 0.08, 0.02], firstPosition: 7};

function exported(qkv: Qkv): ExportedRows {
    return {
        shape: kvShape,
        nQueryHeads: qkv.q[0]!.length,
        prefixTokens: qkv.prefixTokens,
        nTokens: qkv.q[0]![0]!.length,
        queries: flat(qkv.q),
        keys: flat(qkv.k),
        values: flat(qkv.v),
        scale: qkv.scale,
    };
}

/** The file in batches of 16 tokens, rotated as adjacent pairs of channels. */
const ahead: Pick<Ahead, "frequencies" | "nDecoded"> = {
    frequencies: [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003],
    nDecoded: (row) => 16 * (Math.floor(row / 16) + 1),
};

/** What the native side is asked to do, done by an independent softmax with the weights the pass prescribes. */
function passScores(policy: Policy, qkv: Qkv, budget: number): Float32Array | undefined {
    const nTokens = qkv.q[0]![0]!.length;
    const [pass] = scorePasses(policy, {nTokens, budget, replayHeaderTokens: 3});
    if (pass === undefined) {
        return undefined;
    }
    const weights = rowWeights(pass, nTokens, qkv.prefixTokens);
    const group = groupOf(qkv);
    return flat(
        qkv.k.map((kvHeads, layer) =>
            kvHeads.map((_, kvHead) => {
                const scores = new Array<number>(nTokens).fill(0);
                for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
                    const own = new Array<number>(nTokens).fill(0);
                    weights.forEach((g, r) => {
                        const row = pass.rows.offset + r * pass.rows.stride;
                        const toFile =
                            pass.ahead > 0
                                ? attentionFromAhead(qkv, layer, head, row, g * qkv.scale, {
                                      positions: pass.ahead,
                                      ...ahead,
                                  })
                                : attentionToFile(qkv, layer, head, row, () => g * qkv.scale, pass.source === "replay");
                        toFile.forEach((a, t) => {
                            if (pass.overRows === "max") own[t] = Math.max(own[t]!, a);
                            else own[t] = own[t]! + (pass.overRows === "norm" ? a * a : a);
                        });
                    });
                    own.forEach((gathered, t) => {
                        const a = pass.overRows === "norm" ? Math.sqrt(gathered) : gathered;
                        scores[t] = pass.overHeads === "mean" ? scores[t]! + a / group : Math.max(scores[t]!, a);
                    });
                }
                return scores;
            }),
        ),
    );
}

function cutAndReference(policy: Policy, name: string, qkv: Qkv, budget: number, seed: number, stride?: number) {
    const nTokens = qkv.q[0]![0]!.length;
    const rows = exported(qkv);
    const needs = policyNeeds(policy);
    const facts = madeUpFacts(kvShape, budget, seed);
    const options: ReferenceOptions = {
        budget,
        rope,
        noise: (layer, head, row, key) => gumbelNoise(1, (layer * 4 + head) * nTokens + row, key),
        lot: (index) => uniformNoise(1, index),
        ahead,
        ...(stride === undefined ? {} : {stride}),
    };
    const kept = cut({
        policy,
        budget,
        shape: kvShape,
        nTokens,
        scores: needs.exportedRows
            ? exportedScores(policy, rows, budget, {...rope, layout: "neox"})
            : passScores(policy, qkv, budget),
        valueNorms: needs.valueNorms ? flat(referenceValueNorms(qkv)) : undefined,
        valueNormsL1: needs.valueNormsL1 ? valueNormsL1(rows) : undefined,
        profile: needs.profile || needs.retrieval ? facts.profile : undefined,
        layerSimilarity: needs.layerSimilarity ? facts.layerSimilarity : undefined,
    });
    return {
        kept,
        reference: referenceKept(name, qkv, options, facts.reference),
        scores: name === "full" ? [] : referenceScores(name, qkv, options),
    };
}

describe.each(policyNames)("%s", (name) => {
    it.each([0.5, 0.25, 0.11])("keeps the tokens of its paper's formulas at a budget of %f", (budget) => {
        const seed = Math.round(100 * budget);
        const qkv = randomQkv(shape, seed);
        const {kept, reference, scores} = cutAndReference(policyByName(name), name, qkv, budget, seed);
        expect(kept.map((list) => list.length)).toEqual(reference.flat().map((list) => list.length));
        if (name === "full") {
            expect(kept.map((list) => Array.from(list))).toEqual(reference.flat());
        } else {
            expect(realDifferences(kept, reference, scores)).toEqual([]);
        }
    });
});

describe("compositions with their own conditions", () => {
    it("lagkv compares partitions once a file has three of them", () => {
        const qkv = randomQkv({...shape, fileTokens: 410, replay: {headerTokens: 1, repeatedTokens: 1}}, 5);
        const {kept, reference, scores} = cutAndReference(policyByName("lagkv"), "lagkv", qkv, 0.6, 5);
        expect(realDifferences(kept, reference, scores)).toEqual([]);
        expect(new Set(kept[0]).size).toBe(246);
    });

    it.each([1, 7])("aha-file asks every %i-th row when told so", (stride) => {
        const qkv = randomQkv(shape, 9);
        const policy = withStride(policyByName("aha-file"), stride);
        const {kept, reference, scores} = cutAndReference(policy, "aha-file", qkv, 0.25, 9, stride);
        expect(realDifferences(kept, reference, scores)).toEqual([]);
    });

    it("sg-sigma scales each row by its own deviation", () => {
        const qkv = randomQkv(shape, 4);
        const policy = policyByName("h2o");
        if (policy.evidence.kind !== "attention") {
            throw new Error("h2o scores by attention");
        }
        const scores = exportedScores(
            {...policy, name: "sigma", evidence: {...policy.evidence, gain: "sg-sigma"}} as Policy,
            exported(qkv),
            0.1,
        );
        const reference = referenceScores("sg-sigma", qkv, {budget: 0.1}).flat(2);
        reference.forEach((x, i) => expect(scores[i]).toBeCloseTo(x, 5));
    });

    it("the gains a pass prescribes are those of its formula, for every preset with a pass", () => {
        const qkv = randomQkv({...shape, fileTokens: 70, replay: {headerTokens: 3, repeatedTokens: 70}}, 8);
        for (const policy of presets.values()) {
            const [pass] = scorePasses(policy, {nTokens: 70, budget: 0.2, replayHeaderTokens: 3});
            if (pass !== undefined) {
                const oracle = flat(referenceRawScores(pass, qkv, ahead));
                passScores(policy, qkv, 0.2)!.forEach((x, i) => expect(x).toBeCloseTo(oracle[i]!, 5));
            }
        }
    });

    it("the slow road over exported rows gives the scores of the native pass", () => {
        const qkv = randomQkv(shape, 6);
        for (const name of ["snapkv", "ahakv", "aha-file", "h2o"]) {
            const slow = exportedScores(policyByName(name), exported(qkv), 0.25);
            const pass = passScores(policyByName(name), qkv, 0.25)!;
            pass.forEach((x, i) => expect(slow[i]).toBeCloseTo(x, 5));
        }
    });
});
