/**
 * Layers that are computed inside llama.cpp's own graph, beside the road that stops at every layer, whose attention is
 * compared with one computed independently (attention-per-head.test.ts) and with plain llama.cpp (seam-equals-plain.test.ts).
 */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {NativeContext, NativeSession, RowType} from "../../extension/engine/native/native.js";
import {
    argmaxRows,
    decodeAll,
    loadSmallModel,
    maxDifference,
    onGpu,
    openPlain,
    randomKeep,
    relativeError,
    sampleText,
    tokensOf,
} from "./small-model.js";

const nFile = 280;
const nAnswer = 46;

let model: LoadedModel;
beforeAll(async () => {
    model = await loadSmallModel();
});
afterAll(() => model.dispose());

async function openWith(
    graft: "never" | "always",
    {rowType = "f16", nThreads = 1}: {rowType?: RowType; nThreads?: number} = {},
): Promise<NativeContext> {
    const budgetBytes = 512 * 2 ** 20;
    const context = new model.addon.Context(model.handle, {nBatch: 512, nThreads, rowType, budgetBytes, graft});
    await context.open();
    return context;
}

/** A session over a file of which every head keeps other rows. */
async function cutSession(context: NativeContext): Promise<NativeSession> {
    const reading = await context.newSession();
    await reading.decode(tokensOf(model, sampleText, nFile), 0);
    const {lengths} = await reading.state();
    const keep = randomKeep(lengths.length, nFile, 7).map((rows) => (rows.length > 0 ? rows : Uint32Array.of(0)));
    const segment = await reading.gather(
        Uint32Array.from(keep, (rows) => rows.length),
        Uint32Array.from(keep.flatMap((rows) => [...rows])),
    );
    const session = await context.newSession();
    await session.compose([{segment}]);
    reading.dispose();
    return session;
}

/** What an answer does to a session: tokens one at a time, some taken back, a batch, and tokens again. */
async function logitsOfAnAnswer(session: NativeSession): Promise<Float32Array[]> {
    const tokens = tokensOf(model, sampleText, nFile + nAnswer).subarray(nFile);
    const logits: Float32Array[] = [];
    const decode = async (from: number, to: number) =>
        logits.push(await decodeAll(session, tokens.subarray(from, to), nFile + from));
    for (let i = 0; i < 20; i++) await decode(i, i + 1);
    await session.truncate(12);
    for (let i = 12; i < 16; i++) await decode(i, i + 1);
    await decode(16, 19);
    await decode(19, 35);
    for (let i = 35; i < nAnswer; i++) await decode(i, i + 1);
    return logits;
}

describe.each<RowType>(onGpu<RowType[]>(["f16"], ["f16", "q8_0", "f32"]))(
    "rows in %s, heads of different lengths",
    (rowType) => {
        it("gives what the road with a stop at every layer gives", async () => {
            const answers: Float32Array[][] = [];
            const rows: {k: Float32Array; v: Float32Array}[] = [];
            for (const graft of ["never", "always"] as const) {
                const context = await openWith(graft, {rowType});
                const session = await cutSession(context);
                answers.push(await logitsOfAnAnswer(session));
                rows.push(await session.exportRows(17, 1));
                session.dispose();
                await context.close();
            }
            const [stopped, grafted] = answers as [Float32Array[], Float32Array[]];
            expect(grafted.length).toBe(stopped.length);
            // The CPU splits the keys of one op among threads otherwise than those of another; rounding is what may differ.
            grafted.forEach((logits, step) =>
                expect(relativeError(logits, stopped[step]!)).toBeLessThan(onGpu(0.2, 0.02)),
            );
            expect(relativeError(rows[1]!.k, rows[0]!.k)).toBeLessThan(onGpu(0.2, 0.02));
            expect(relativeError(rows[1]!.v, rows[0]!.v)).toBeLessThan(onGpu(0.2, 0.02));
        });
    },
);

it("several tokens over heads of different lengths are as with a stop at every layer, to the bit", async () => {
    // What is new of a completion, drafts, and a batch beyond which every layer stops.
    const sizes = [100, 2, 16, 260];
    const tokens = tokensOf(model, sampleText, nFile + sizes.reduce((a, b) => a + b)).subarray(nFile);
    const answers: Float32Array[][] = [];
    for (const graft of ["never", "always"] as const) {
        const context = await openWith(graft, {nThreads: 2});
        const session = await cutSession(context);
        const logits: Float32Array[] = [];
        const decode = async (from: number, to: number, behind: number) =>
            logits.push((await session.decode(tokens.subarray(from, to), nFile + behind, {logits: "last"})).logits!);
        let at = 0;
        for (const size of sizes) {
            await decode(at, at + size, at);
            at += size;
        }
        // Taken back and asked otherwise: the same buffers, other rows.
        await session.truncate(51);
        await decode(200, 237, 51);
        answers.push(logits);
        session.dispose();
        await context.close();
    }
    answers[1]!.forEach((logits, i) => expect(maxDifference(logits, answers[0]![i]!)).toBe(0));
});

it("takes two sessions in turns, as with a stop", async () => {
    const tokens = tokensOf(model, sampleText, nFile + 8).subarray(nFile);
    const answers: Float32Array[][] = [];
    for (const graft of ["never", "always"] as const) {
        const context = await openWith(graft);
        const cut = await cutSession(context);
        const whole = await context.newSession();
        await whole.decode(tokensOf(model, sampleText, nFile), 0);
        const logits: Float32Array[] = [];
        for (let i = 0; i < tokens.length; i++)
            for (const session of [cut, whole])
                logits.push(await decodeAll(session, tokens.subarray(i, i + 1), nFile + i));
        answers.push(logits);
        for (const session of [cut, whole]) session.dispose();
        await context.close();
    }
    answers[1]!.forEach((logits, i) => expect(relativeError(logits, answers[0]![i]!)).toBeLessThan(onGpu(0.2, 0.02)));
});

it("equals plain llama.cpp to the bit where every row is kept, token by token", async () => {
    // As many threads as plain llama.cpp: they split the keys of a token.
    const context = await openWith("always", {nThreads: 2});
    const session = await context.newSession();
    const plain = await openPlain(model);
    const tokens = tokensOf(model, sampleText, 300);
    // Beyond 256 rows the padded length grows, and with it the graph.
    const parts = [tokens.subarray(0, 250), ...Array.from({length: 12}, (_, i) => tokens.subarray(250 + i, 251 + i))];
    let position = 0;
    for (const part of parts) {
        const ours = await decodeAll(session, part, position);
        const theirs = (await plain.decode(part, "all"))!;
        const {nVocab} = model.addon.describeModel(model.handle);
        if (part.length === 1) expect(argmaxRows(ours, nVocab)).toEqual(argmaxRows(theirs, nVocab));
        expect(maxDifference(ours, theirs)).toBe(0);
        position += part.length;
    }
    session.dispose();
    await plain.close();
    await context.close();
});
