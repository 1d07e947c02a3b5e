/** Several sessions in one batch: each as if it had been decoded alone. */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {ContextShape, NativeContext, NativeDecodePart} from "../../extension/engine/native/native.js";
import {loadSmallModel, onGpu, openContext, relativeError, sampleText, tokensOf} from "./small-model.js";

let model: LoadedModel;
let context: NativeContext;
let shape: ContextShape;
beforeAll(async () => {
    model = await loadSmallModel();
    ({context, shape} = await openContext(model));
});
afterAll(async () => {
    await context.close();
    await model.dispose();
});

/** Sessions of different lengths before and in the batch, most of them scored, at every token or every third. */
async function parts(): Promise<NativeDecodePart[]> {
    const all = tokensOf(model, sampleText, 400);
    const sizes: [before: number, n: number, stride: number][] = [
        [12, 40, 1],
        [30, 101, 3],
        [12, 7, 1],
        [0, 1, 0],
        [12, 64, 0],
    ];
    return Promise.all(
        sizes.map(async ([before, n, stride], i) => {
            const session = await context.newSession();
            if (before > 0) await session.decode(all.subarray(0, before), 0);
            const tokens = all.subarray(100 + 40 * i, 100 + 40 * i + n);
            if (stride === 0) return {session, tokens, firstPosition: before};
            await session.startScores(before + n, "sum");
            const weights = new Float32Array(Math.floor((n - 1) / stride) + 1).fill(1.25);
            return {session, tokens, firstPosition: before, passes: [{offset: 0, stride, weights}]};
        }),
    );
}

describe("sessions that share a batch", () => {
    it("have the rows and scores of sessions decoded alone", async () => {
        const [together, alone] = [await parts(), await parts()];
        await context.decodeTogether(together);
        for (const [i, {session, tokens, firstPosition, passes}] of alone.entries()) {
            await session.decode(tokens, firstPosition, passes ? {passes} : {});
            const shared = together[i]!.session;
            expect((await shared.state()).nLive).toBe(firstPosition + tokens.length);
            for (const layer of [0, 14, 29]) {
                const [ours, theirs] = [await shared.exportRows(layer, 2), await session.exportRows(layer, 2)];
                expect(relativeError(ours.k, theirs.k)).toBeLessThan(onGpu(0.2, 0.02));
                expect(relativeError(ours.v, theirs.v)).toBeLessThan(onGpu(0.2, 0.02));
            }
            if (passes) {
                const [ours, theirs] = [await shared.readScores(), await session.readScores()];
                expect(ours.length).toBe(shape.nLayers * shape.nHeads * (firstPosition + tokens.length));
                expect(relativeError(ours, theirs)).toBeLessThan(onGpu(0.2, 0.02));
            }
        }
        const again = await parts();
        await context.decodeTogether(again);
        expect((await again[1]!.session.exportRows(29, 0)).k).toEqual((await together[1]!.session.exportRows(29, 0)).k);
        for (const {session} of [...together, ...alone, ...again]) session.dispose();
    });

    it("are as before when the batch is cancelled", async () => {
        const shared = await parts();
        context.cancel();
        await expect(context.decodeTogether(shared)).rejects.toMatchObject({code: "cancelled"});
        context.clearCancel();
        for (const {session, firstPosition} of shared) expect((await session.state()).nLive).toBe(firstPosition);
        for (const {session} of shared) session.dispose();
    });

    it("are few, different, and fit the batch", async () => {
        const session = await context.newSession();
        const part = {session, tokens: tokensOf(model, sampleText, 300), firstPosition: 0};
        const other = {...part, session: await context.newSession()};
        for (const wrong of [[], [part, part], [part, other], [{...part, tokens: new Uint32Array(0)}]])
            await expect(context.decodeTogether(wrong)).rejects.toMatchObject({code: "internal"});
        expect(() => context.decodeTogether([{...part, session: {} as never}])).toThrow(TypeError);
        session.dispose();
        other.session.dispose();
    });
});
