/** Sequential positions: K rows rotated by a delta are the rows that decoding at the other place would have given. */
import {afterAll, beforeAll, expect, it} from "vitest";
import {flatten, keepAll} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import {loadSmallModel, openContext, relativeError, sampleText, tokensOf} from "./small-model.js";

let model: LoadedModel;
beforeAll(async () => {
    model = await loadSmallModel();
});
afterAll(() => model.dispose());

it.each([1, 100, 3000, -64])("rotates by %i positions", async (delta) => {
    const {context, shape} = await openContext(model, {rowType: "f32"});
    const tokens = tokensOf(model, sampleText, 50);
    const at = 100;
    const {counts, rows} = flatten(keepAll(shape.nLayers * shape.nKvHeads, tokens.length));
    const here = await context.newSession();
    await here.decode(tokens, at);
    const segment = await here.gather(counts, rows);
    const moved = await context.newSession();
    await moved.compose([{segment, delta}]);
    const there = await context.newSession();
    await there.decode(tokens, at + delta);
    for (const layer of [0, 15, 29]) {
        const rows = (session: typeof here) => session.exportRows(layer, 1);
        const [a, b, unmoved] = [await rows(moved), await rows(there), await rows(here)];
        // Values have no position, yet they differ a little between the two places: 8-bit activations are rounded
        // differently. Keys may differ by as much and no more; in the first layer nothing has been rounded yet.
        const noise = relativeError(unmoved.v, b.v);
        expect(relativeError(a.k, b.k)).toBeLessThan(layer === 0 ? 1e-4 : 2 * noise);
        expect(relativeError(unmoved.k, b.k)).toBeGreaterThan(0.05);
        expect(noise).toBeLessThan(0.1);
    }
    await context.close();
});

it("refuses to rotate 8-bit rows", async () => {
    const {context, shape} = await openContext(model, {rowType: "q8_0"});
    const session = await context.newSession();
    await session.decode(tokensOf(model, sampleText, 10), 0);
    const {counts, rows} = flatten(keepAll(shape.nLayers * shape.nKvHeads, 10));
    const segment = await session.gather(counts, rows);
    await expect(session.compose([{segment, delta: 5}])).rejects.toMatchObject({code: "model-unsupported"});
    await context.close();
});
