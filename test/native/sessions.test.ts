/** Sessions as timelines: truncated, forked, composed anew, generated from, cancelled; each against doing it afresh. */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {flatten, keepAll} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {ContextShape, NativeContext, NativeSession} from "../../extension/engine/native/native.js";
import {
    argmaxRows,
    decodeAll,
    loadSmallModel,
    maxDifference,
    openContext,
    randomKeep,
    sampleText,
    tokensOf,
} from "./small-model.js";

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

async function segmentOf(tokens: Uint32Array, position = 0, seed?: number) {
    const session = await context.newSession();
    await session.decode(tokens, position);
    const nRegions = shape.nLayers * shape.nKvHeads;
    const {counts, rows} = flatten(
        seed === undefined ? keepAll(nRegions, tokens.length) : randomKeep(nRegions, tokens.length, seed),
    );
    const segment = await session.gather(counts, rows);
    session.dispose();
    return segment;
}

describe("a session", () => {
    it("goes on after truncation as if the forgotten tokens had never been", async () => {
        const tokens = tokensOf(model, sampleText, 60);
        const fresh = await context.newSession();
        await fresh.decode(tokens.subarray(0, 30), 0);
        const expected = await decodeAll(fresh, tokens.subarray(40, 60), 30);
        const session = await context.newSession();
        await session.decode(tokens.subarray(0, 30), 0);
        await session.decode(tokens.subarray(30, 50), 30);
        await session.truncate(30);
        expect(maxDifference(await decodeAll(session, tokens.subarray(40, 60), 30), expected)).toBe(0);
        fresh.dispose();
        session.dispose();
    });

    it("takes rows of another session as its own live rows, bit for bit, and goes on behind them", async () => {
        const tokens = tokensOf(model, sampleText, 80);
        const [below, live] = [await segmentOf(tokens.subarray(0, 20), 0, 5), tokens.subarray(20, 50)];
        const original = await context.newSession();
        await original.compose([{segment: below}]);
        await original.decode(live, 40);
        const {counts, rows} = flatten(keepAll(shape.nLayers * shape.nKvHeads, live.length));
        const kept = await original.gather(counts, rows);
        const expected = await decodeAll(original, tokens.subarray(50, 80), 40 + live.length);

        const session = await context.newSession();
        await session.compose([{segment: below}]);
        // Rows go behind those that are there, so they may come in several pieces.
        await session.decode(live.subarray(0, 10), 40);
        await session.truncate(0);
        await session.extend(kept);
        expect((await session.state()).nLive).toBe(live.length);
        expect(maxDifference(await decodeAll(session, tokens.subarray(50, 80), 40 + live.length), expected)).toBe(0);
        await expect(session.extend(below)).rejects.toMatchObject({code: "internal"});
        for (const one of [original, session, below, kept]) one.dispose();
    });

    it("forks into two that do not see each other", async () => {
        const tokens = tokensOf(model, sampleText, 60);
        const trunk = await context.newSession();
        await trunk.decode(tokens.subarray(0, 30), 0);
        const branch = await trunk.fork();
        await trunk.decode(tokens.subarray(45, 60), 30);
        const ours = await decodeAll(branch, tokens.subarray(30, 45), 30);
        const fresh = await context.newSession();
        await fresh.decode(tokens.subarray(0, 30), 0);
        expect(maxDifference(ours, await decodeAll(fresh, tokens.subarray(30, 45), 30))).toBe(0);
        for (const one of [trunk, branch, fresh]) one.dispose();
    });

    it("decodes batches of all sizes, with truncations between, by graphs that were kept as by new ones", async () => {
        const tokens = tokensOf(model, sampleText, 300);
        const segment = await segmentOf(tokens.subarray(0, 90), 0, 12);
        const session = await context.newSession();
        await session.compose([{segment}]);
        let at = 0;
        for (const n of [4, 1, 4, 2, 16, 1, 4, 8, 3, 4]) {
            // A branch lies elsewhere in memory, so nothing that was kept fits it.
            const branch = await session.fork();
            const batch = tokens.subarray(100 + at, 100 + at + n);
            const expected = await decodeAll(branch, batch, 100 + at);
            expect(maxDifference(await decodeAll(session, batch, 100 + at), expected)).toBe(0);
            branch.dispose();
            at += n;
            if (n === 16) await session.truncate((at -= 9));
        }
        segment.dispose();
        session.dispose();
    });

    it("keeps its live rows when other segments are composed under them", async () => {
        const tokens = tokensOf(model, sampleText, 300);
        const [a, b] = [
            await segmentOf(tokens.subarray(0, 90), 0, 3),
            await segmentOf(tokens.subarray(100, 190), 0, 4),
        ];
        const live = tokens.subarray(200, 230);
        const session = await context.newSession();
        await session.compose([{segment: a}]);
        await session.decode(live, 100);
        const before = await session.exportRows(5, 1);
        await session.compose([{segment: b}]);
        const after = await session.exportRows(5, 1);
        const tail = (values: Float32Array) => values.slice(-live.length * shape.headDim);
        expect(tail(after.k)).toEqual(tail(before.k));
        expect(tail(after.v)).toEqual(tail(before.v));
        expect(after.k.length / shape.headDim).toBe(b.counts()[5 * shape.nKvHeads + 1]! + live.length);
        for (const one of [a, b, session]) one.dispose();
    });

    it("is the same whatever was composed before and in whatever order rows came", async () => {
        const tokens = tokensOf(model, sampleText, 300);
        const [a, b] = [
            await segmentOf(tokens.subarray(0, 90), 0, 5),
            await segmentOf(tokens.subarray(100, 190), 0, 6),
        ];
        const question = tokens.subarray(200, 220);
        const straight = await context.newSession();
        await straight.compose([{segment: a}, {segment: b}]);
        const expected = await decodeAll(straight, question, 100);
        const detour = await context.newSession();
        await detour.compose([{segment: b}]);
        await detour.decode(question, 100);
        await detour.truncate(0);
        await detour.compose([{segment: a}]);
        await detour.compose([{segment: a}, {segment: b}]);
        expect(maxDifference(await decodeAll(detour, question, 100), expected)).toBe(0);
        for (const one of [a, b, straight, detour]) one.dispose();
    });

    it("cuts a whole segment afterwards to the same rows as a cut at the read", async () => {
        const tokens = tokensOf(model, sampleText, 100);
        const [whole, cutAtRead] = [await segmentOf(tokens), await segmentOf(tokens, 0, 9)];
        const {counts, rows} = flatten(randomKeep(shape.nLayers * shape.nKvHeads, 100, 9));
        const cutLater = await whole.select(counts, rows);
        expect(cutLater.rowBytes()).toBe(cutAtRead.rowBytes());
        const n = cutLater.rowBytes();
        expect((await cutLater.download(0, n)).equals(await cutAtRead.download(0, n))).toBe(true);
        for (const one of [whole, cutAtRead, cutLater]) one.dispose();
    });

    it("survives the way through bytes", async () => {
        const segment = await segmentOf(tokensOf(model, sampleText, 80), 0, 11);
        const bytes = await segment.download(0, segment.rowBytes());
        const copy = await context.newSegment(segment.counts());
        for (let at = 0; at < bytes.length; at += 1000) await copy.upload(at, bytes.subarray(at, at + 1000));
        expect((await copy.download(0, bytes.length)).equals(bytes)).toBe(true);
        expect(() => copy.upload(bytes.length - 1, Buffer.alloc(2))).toThrow(RangeError);
        segment.dispose();
        copy.dispose();
    });
});

describe("a generation", () => {
    const generate = async (
        session: NativeSession,
        options: object,
        onToken: (token: number) => boolean | void = () => true,
    ) => session.generate(tokensOf(model, sampleText, 40), 0, {maxTokens: 12, maxPosition: 8000, ...options}, onToken);

    it("takes the best token each time when greedy", async () => {
        const session = await context.newSession();
        const {tokens, reason} = await generate(session, {temperature: 0});
        const again = await context.newSession();
        // As they were decoded then: a GPU computes a longer batch with other kernels.
        const best: number[] = [];
        let at = 0;
        for (const part of [tokensOf(model, sampleText, 40), ...Array.from(tokens, (token) => Uint32Array.of(token))]) {
            best.push(...argmaxRows(await decodeAll(again, part, at), model.description.nVocab));
            at += part.length;
        }
        expect(reason).toBe("maxTokens");
        expect([...tokens]).toEqual(best.slice(39, 39 + tokens.length));
        session.dispose();
        again.dispose();
    });

    it("repeats itself with the same seed and not with another", async () => {
        const run = async (seed: number) => {
            const session = await context.newSession();
            const {tokens} = await generate(session, {temperature: 1.5, seed, topK: 0, topP: 1, minP: 0});
            session.dispose();
            return [...tokens];
        };
        const first = await run(1);
        expect(await run(1)).toEqual(first);
        expect(await run(2)).not.toEqual(first);
    });

    it("yields in the middle and goes on as if it had not", async () => {
        const whole = await context.newSession();
        const {tokens: expected} = await generate(whole, {temperature: 0});
        const session = await context.newSession();
        const seen: number[] = [];
        const first = await generate(session, {temperature: 0}, (token) => {
            seen.push(token);
            context.yieldSoon();
        });
        expect(first.reason).toBe("yielded");
        expect(seen.length).toBeLessThan(12);
        const {nLive} = await session.state();
        const rest = await session.generate(
            new Uint32Array(0),
            nLive,
            {maxTokens: 12 - first.tokens.length, maxPosition: 8000, isResumed: true},
            (token) => void seen.push(token),
        );
        expect([...first.tokens, ...rest.tokens]).toEqual([...expected]);
        expect(seen).toEqual([...expected]);
        whole.dispose();
        session.dispose();
    });

    it("obeys a grammar", async () => {
        const session = await context.newSession();
        const {tokens} = await generate(session, {temperature: 0, grammar: 'root ::= "{" [0-9]+ "}"', maxTokens: 8});
        expect(model.model.detokenize([...tokens] as never)).toMatch(/^\{[0-9]+\}?$/);
        await expect(generate(session, {grammar: "root ::= ("})).rejects.toMatchObject({code: "usage"});
        session.dispose();
    });

    it("stops at the trained window", async () => {
        const session = await context.newSession();
        const {tokens, reason} = await generate(session, {temperature: 0, maxPosition: 45});
        expect(reason).toBe("windowEnd");
        expect(tokens.length).toBe(6);
        session.dispose();
    });

    it("is cancelled, and the session is as before", async () => {
        const session = await context.newSession();
        await session.decode(tokensOf(model, sampleText, 20), 0);
        setTimeout(() => context.cancel(), 5);
        await expect(session.decode(tokensOf(model, sampleText, 400), 20)).rejects.toMatchObject({code: "cancelled"});
        expect((await session.state()).nLive).toBe(20);
        await expect(session.decode(tokensOf(model, sampleText, 4), 20)).rejects.toMatchObject({code: "cancelled"});
        context.clearCancel();
        await session.decode(tokensOf(model, sampleText, 4), 20);
        expect((await session.state()).nLive).toBe(24);
        session.dispose();
    });
});
