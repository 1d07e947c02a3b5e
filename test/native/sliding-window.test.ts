/**
 * Models with sliding-window layers and attention sinks: the small model's weights under an architecture that has both.
 * The windows stay what they are, and sinks are shared out among heads.
 */
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, expect, it} from "vitest";
import {KvContext} from "../../extension/engine/kv/kv-context.js";
import {Prefix} from "../../extension/engine/kv/prefix.js";
import {Reader} from "../../extension/engine/kv/reader.js";
import {policyByName} from "../../extension/core/policy/presets.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import {patchGguf} from "./patched-gguf.js";
import {
    decodeAll,
    loadSmallModel,
    maxDifference,
    openContext,
    openPlain,
    sampleText,
    smallModelPath,
    tokensOf,
} from "./small-model.js";

const window = 48;
const isWindowed = Array.from({length: 30}, (_, layer) => layer % 3 !== 2);

let folder: string;
let model: LoadedModel;
beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-window-"));
    const modelPath = path.join(folder, "windowed.gguf");
    const sinks = Array.from({length: 30}, (_, layer) => [
        `blk.${layer}.attn_sinks.weight`,
        Float32Array.from({length: 9}, (__, head) => Math.sin(layer + head)),
    ]);
    patchGguf(smallModelPath, modelPath, {
        rename: (key) => key.replace(/^llama\./, "granite_swa."),
        set: {
            "general.architecture": {type: "string", value: "granite_swa"},
            "granite_swa.attention.sliding_window": {type: "u32", value: window},
            "granite_swa.attention.sliding_window_pattern": {type: "bools", value: isWindowed},
            "granite_swa.logit_scale": {type: "f32", value: 1},
        },
        vectors: Object.fromEntries(sinks) as Record<string, Float32Array>,
    });
    model = await loadSmallModel(modelPath);
});
afterAll(async () => {
    await model.dispose();
    rmSync(folder, {recursive: true, force: true});
});

it("gives llama.cpp's logits to the bit, for a long batch and for single tokens", async () => {
    const {context, shape} = await openContext(model, {nThreads: 2});
    expect(shape.windows).toEqual(isWindowed.map((is) => (is ? window : 0)));
    const plain = await openPlain(model);
    const tokens = tokensOf(model, sampleText, 210);
    const session = await context.newSession();
    let position = 0;
    for (const part of [
        tokens.subarray(0, 130),
        tokens.subarray(130, 200),
        ...Array.from({length: 10}, (_, i) => tokens.subarray(200 + i, 201 + i)),
    ]) {
        const ours = await decodeAll(session, part, position);
        expect(maxDifference(ours, (await plain.decode(part, "all"))!)).toBe(0);
        position += part.length;
    }
    await plain.close();
    await context.close();
});

it("keeps no rows of a file for the windows, and the asked share for the others", async () => {
    const context = await KvContext.open({model, rowType: "f16", nThreads: 1, limitBytes: 256 * 2 ** 20});
    const prefix = await Prefix.make(context, tokensOf(model, "// Files:\n"));
    const tokens = tokensOf(model, sampleText, 150);
    const {keep, native} = await new Reader(context, prefix).read({tokens, policy: policyByName("h2o"), budget: 0.5});
    isWindowed.forEach((is, layer) => {
        for (let head = 0; head < 3; head++) expect(keep[layer * 3 + head]!.length).toBe(is ? 0 : 75);
    });
    const session = await context.newSession();
    await session.compose([{segment: prefix.native}, {segment: native}]);
    await session.decode(tokensOf(model, "The question", 2), 300);
    const {lengths} = await session.state();
    isWindowed.forEach((is, layer) => expect(lengths[layer * 3]).toBe(is ? 2 : prefix.nTokens + 75 + 2));
    await context.close();
});
