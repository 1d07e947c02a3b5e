/**
 * Attention whose logits are capped, as Gemma 2's: the small model's weights under that architecture, its cap so low that
 * it matters. Scores of the device against nested loops.
 */
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, expect, it} from "vitest";
import {policyVariant} from "../../extension/core/fidelity/policy-variant.js";
import {scorePasses} from "../../extension/core/policy/score-pass.js";
import {passesWithin, weighedPasses} from "../../extension/engine/kv/reader.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import {referenceHeadScores} from "../reference/raw-scores.js";
import {patchGguf} from "./patched-gguf.js";
import {
    decodeAll,
    loadSmallModel,
    maxDifference,
    onGpu,
    openContext,
    openPlain,
    relativeError,
    sampleText,
    smallModelPath,
    tokensOf,
} from "./small-model.js";

const cap = 2;
const nTokens = 100;
const nEmbedding = 576;
/** Every second layer has a window; this one sees everything. */
const layer = 11;

let folder: string;
let model: LoadedModel;
beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-cap-"));
    const modelPath = path.join(folder, "capped.gguf");
    const norms = Array.from({length: 30}, (_, i) =>
        ["post_attention_norm", "post_ffw_norm"].map((name) => [
            `blk.${i}.${name}.weight`,
            new Float32Array(nEmbedding).fill(0.3),
        ]),
    );
    patchGguf(smallModelPath, modelPath, {
        rename: (key) => key.replace(/^llama\./, "gemma2."),
        set: {
            "general.architecture": {type: "string", value: "gemma2"},
            "gemma2.attention.sliding_window": {type: "u32", value: 4096},
            "gemma2.attn_logit_softcapping": {type: "f32", value: cap},
            "gemma2.final_logit_softcapping": {type: "f32", value: 30},
        },
        vectors: Object.fromEntries(norms.flat()) as Record<string, Float32Array>,
    });
    model = await loadSmallModel(modelPath);
});
afterAll(async () => {
    await model.dispose();
    rmSync(folder, {recursive: true, force: true});
});

it("gives llama.cpp's logits", async () => {
    const {context} = await openContext(model);
    const plain = await openPlain(model);
    const tokens = tokensOf(model, sampleText, nTokens);
    const session = await context.newSession();
    const expected = (await plain.decode(tokens, "all"))!;
    expect(maxDifference(await decodeAll(session, tokens, 0), expected)).toBeLessThan(onGpu(0.5, 1e-3));
    session.dispose();
    await context.close();
    await plain.close();
});

it.each(["stride=3", "stride=3:gain=sg", "stride=1:rows=norm", "stride=1:rows=max"])(
    "aha-file with %s has the scores of its formula",
    async (variant) => {
        const {context, shape} = await openContext(model, {rowType: "f32"});
        const pass = scorePasses(policyVariant(`aha-file:${variant}`), {nTokens, budget: 0.25})[0]!;
        const weighed = weighedPasses({markAllLayers: (marks) => marks}, [pass], nTokens, 0);
        const session = await context.newSession();
        await session.startScores(nTokens, pass.overRows);
        const {captured} = await session.decode(tokensOf(model, sampleText, nTokens), 0, {
            capture: true,
            passes: passesWithin(weighed, 0, nTokens),
        });
        const scores = await session.readScores("each");
        const {nHeads, nKvHeads, headDim: d} = shape;
        const vectors = (values: Float32Array) =>
            Array.from({length: values.length / d}, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
        const queries = vectors(captured![layer]!.queries);
        const rows = await Promise.all(Array.from({length: nKvHeads}, (_, head) => session.exportRows(layer, head)));
        const qkv = {
            q: [Array.from({length: nHeads}, (_, head) => queries.filter((__, i) => i % nHeads === head))],
            k: [rows.map(({k}) => vectors(k))],
            v: [],
            prefixTokens: 0,
            // Gemma 2 scales its queries, so nothing is left to scale.
            scale: 1,
            softCap: cap,
        };
        for (let head = 0; head < nHeads; head++) {
            const at = (layer * nHeads + head) * nTokens;
            const expected = referenceHeadScores(pass, qkv, 0, head);
            expect(relativeError(scores.subarray(at, at + nTokens), expected)).toBeLessThan(onGpu(1e-3, 1e-4));
        }
        session.dispose();
        await context.close();
    },
);
