/** The KV limit holds under any order of work, and running into it costs only the work that did not fit. */
import {afterAll, beforeAll, expect, it} from "vitest";
import {flatten, keepAll} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {NativeSegment} from "../../extension/engine/native/native.js";
import {decodeAll, loadSmallModel, maxDifference, openContext, sampleText, tokensOf} from "./small-model.js";

let model: LoadedModel;
beforeAll(async () => {
    model = await loadSmallModel();
});
afterAll(() => model.dispose());

it("never exceeds the limit, names it, and works on", async () => {
    const limit = 24 * 2 ** 20;
    const {context, shape} = await openContext(model, {budgetBytes: limit});
    const nRegions = shape.nLayers * shape.nKvHeads;
    const held: NativeSegment[] = [];
    let nRefused = 0;
    for (let round = 0; round < 12; round++) {
        const session = await context.newSession();
        const n = 40 + 37 * (round % 4);
        try {
            await session.decode(tokensOf(model, sampleText, n), 0);
            const {counts, rows} = flatten(keepAll(nRegions, n));
            held.push(await session.gather(counts, rows));
        } catch (error) {
            expect(error).toMatchObject({code: "kv-limit"});
            nRefused++;
            held.shift()?.dispose();
        }
        session.dispose();
        expect(context.memory().peakBytes).toBeLessThanOrEqual(limit);
    }
    expect(nRefused).toBeGreaterThan(0);
    for (const segment of held) segment.dispose();
    const session = await context.newSession();
    await session.decode(tokensOf(model, sampleText, 30), 0);
    session.dispose();
    // A job behind the disposals: all they held is free again.
    await (await context.newSession()).state();
    expect(context.memory().usedBytes).toBeLessThan(4 * 2 ** 20);
    await context.close();
});

it("runs two contexts of one model side by side, undisturbed", async () => {
    const [one, two] = [await openContext(model), await openContext(model, {rowType: "q8_0"})];
    const tokens = tokensOf(model, sampleText, 64);
    const alone = await one.context.newSession();
    const expected = await decodeAll(alone, tokens, 0);
    const [a, b] = [await one.context.newSession(), await two.context.newSession()];
    const [ours] = await Promise.all([decodeAll(a, tokens, 0), decodeAll(b, tokens, 0)]);
    expect(maxDifference(ours, expected)).toBe(0);
    await two.context.close();
    await expect(b.decode(tokens, 64)).rejects.toMatchObject({code: "internal"});
    expect(maxDifference(await decodeAll(await one.context.newSession(), tokens, 0), expected)).toBe(0);
    await one.context.close();
});
