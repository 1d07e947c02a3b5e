/** Sequential positions: K rows rotated by a delta are the rows that decoding at the other place would have given. */
import {afterAll, beforeAll, expect, it} from "vitest";
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {flatten, keepAll} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import {patchGguf, type GgufPatch} from "./patched-gguf.js";
import {
    loadSmallModel,
    onGpu,
    openContext,
    relativeError,
    sampleText,
    smallModelPath,
    tokensOf,
} from "./small-model.js";

/** The small model's weights under other kinds of RoPE. */
const kinds: Record<string, GgufPatch | undefined> = {
    "interleaved pairs": undefined,
    "pairs half a head apart (NEOX)": {
        rename: (key) => key.replace(/^llama\./, "exaone."),
        set: {"general.architecture": {type: "string", value: "exaone"}},
    },
    "linear scaling": scaled("linear"),
    YaRN: scaled("yarn"),
};

function scaled(type: string): GgufPatch {
    return {
        set: {
            "llama.rope.scaling.type": {type: "string", value: type},
            "llama.rope.scaling.factor": {type: "f32", value: 4},
            "llama.rope.scaling.original_context_length": {type: "u32", value: 2048},
        },
    };
}

let folder: string;
let model: LoadedModel;
beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-rope-"));
    model = await loadSmallModel();
});
afterAll(async () => {
    await model.dispose();
    rmSync(folder, {recursive: true, force: true});
});

it.each(Object.keys(kinds))("rows rotated are the rows computed there: %s", async (kind) => {
    const patch = kinds[kind];
    const file = path.join(folder, `${kind}.gguf`);
    if (patch) patchGguf(smallModelPath, file, patch);
    const other = patch ? await loadSmallModel(file) : undefined;
    const {context, shape} = await openContext(other ?? model, {rowType: "f32"});
    const tokens = tokensOf(model, sampleText, 50);
    const {counts, rows} = flatten(keepAll(shape.nLayers * shape.nKvHeads, tokens.length));
    for (const delta of [1, 100, 3000, -64]) {
        const at = 100;
        const here = await context.newSession();
        await here.decode(tokens, at);
        const segment = await here.gather(counts, rows);
        const moved = await context.newSession();
        await moved.compose([{segment, delta}]);
        const there = await context.newSession();
        await there.decode(tokens, at + delta);
        for (const layer of [0, 15, 29]) {
            const rowsOf = (session: typeof here) => session.exportRows(layer, 1);
            const [a, b, unmoved] = [await rowsOf(moved), await rowsOf(there), await rowsOf(here)];
            // Values have no position, yet they differ a little between the two places: 8-bit activations are rounded
            // differently. Keys may differ by as much and no more; in the first layer nothing has been rounded yet.
            const noise = relativeError(unmoved.v, b.v);
            expect(relativeError(a.k, b.k)).toBeLessThan(layer === 0 ? 1e-4 : 2 * noise);
            if (kind === "interleaved pairs") expect(relativeError(unmoved.k, b.k)).toBeGreaterThan(0.05);
            expect(noise).toBeLessThan(onGpu(0.2, 0.1));
        }
        for (const one of [here, segment, moved, there]) one.dispose();
    }
    await context.close();
    await other?.dispose();
});

it.each(["q8_0", "q4_0"] as const)("refuses to rotate rows in %s", async (rowType) => {
    const {context, shape} = await openContext(model, {rowType});
    const session = await context.newSession();
    await session.decode(tokensOf(model, sampleText, 10), 0);
    const {counts, rows} = flatten(keepAll(shape.nLayers * shape.nKvHeads, 10));
    const segment = await session.gather(counts, rows);
    await expect(session.compose([{segment, delta: 5}])).rejects.toMatchObject({code: "model-unsupported"});
    await context.close();
});
