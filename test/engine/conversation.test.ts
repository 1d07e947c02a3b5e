/** Rows of a conversation: found again, forgotten, and cut when they outgrow the window, which is made small here. */
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from "vitest";
import {Conversation} from "../../extension/engine/kv/conversation.js";
import {KeptTurns} from "../../extension/engine/kv/kept-turns.js";
import {KvContext} from "../../extension/engine/kv/kv-context.js";
import {Prefix} from "../../extension/engine/kv/prefix.js";
import {rowFields} from "../../extension/engine/kv/row-fields.js";
import {flatten, Segment} from "../../extension/engine/kv/segment.js";
import {conversationPath, TurnStore} from "../../extension/engine/kv/turn-store.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {Turn} from "../../extension/engine/scheduler.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import type {SegmentIdentity} from "../../extension/engine/store/identity.js";
import {loadSmallModel, sampleText, tokensOf} from "../native/small-model.js";

const turn: Turn = {priority: "ask", isAskedToYield: false, yield: async () => {}, share: async () => {}};

let model: LoadedModel;
let context: KvContext;
let prefix: Prefix;
beforeAll(async () => {
    model = await loadSmallModel();
    context = await KvContext.open({model, rowType: "f16", nThreads: 1, limitBytes: 512 * 2 ** 20});
    prefix = await Prefix.make(context, tokensOf(model, "You are an assistant.\n"));
});
afterAll(async () => {
    prefix.dispose();
    await context.close();
    await model.dispose();
});

async function newConversation(window: number, kept?: KeptTurns): Promise<Conversation> {
    const conversation = new Conversation(
        context,
        prefix,
        {placement: "parallel", filePositions: 64, window, turnBudget: 0.25, profile: () => undefined},
        kept,
    );
    await conversation.attend([]);
    return conversation;
}

const generate = (conversation: Conversation, tokens: Uint32Array, maxTokens = 6) =>
    conversation.generate({tokens, options: {maxTokens, temperature: 0}, onToken: () => true, turn});

/** What an engine has that reads these tokens and keeps all of their rows. */
async function segmentOf(tokens: Uint32Array): Promise<Segment> {
    const session = await context.newSession();
    await session.compose([{segment: prefix.native}]);
    await session.decode(tokens, prefix.nTokens);
    const keep = Array.from({length: context.nRegions}, () => Uint32Array.from(tokens.keys()));
    const {counts, rows} = flatten(keep);
    const native = await session.gather(counts, rows);
    session.dispose();
    const identity = "seen" as SegmentIdentity;
    return new Segment(native, {
        ...{identity, path: "a.ts", part: {index: 0, count: 1}, nTokens: tokens.length, keep, generation: 0},
    });
}

/** Opens a conversation as another process would: what is stored is all that there is of it. */
async function opened<T>(folder: string, window: number, work: (conversation: Conversation) => Promise<T>) {
    const disk = await DiskStore.open(folder, {limitBytes: 2 ** 30});
    const fields = await rowFields(context, prefix, {modelHash: "small", placement: "parallel"});
    const turns = new TurnStore({context, disk, fields, turnBudget: 0.25, log: () => {}});
    const conversation = await newConversation(window, new KeptTurns(turns, "talk", context.nRegions));
    const generated = await work(conversation);
    await turns.flush();
    const pieces = disk.entriesOf(conversationPath("talk"));
    const {size} = conversation;
    conversation.dispose();
    await disk.close();
    return {generated, pieces, size};
}

let folder: string;
beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-turns-"));
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

describe("a conversation", () => {
    it("uses the rows of the turns before, and gives the same answer as from scratch", async () => {
        const all = tokensOf(model, sampleText, 90);
        const grown = await newConversation(2048);
        const first = await generate(grown, all.subarray(0, 40));
        const next = Uint32Array.from([...all.subarray(0, 40), ...first.tokens, ...all.subarray(40, 60)]);
        const second = await generate(grown, next);
        // Of the answer's tokens the last has no row yet.
        expect(second.nReused).toBe(40 + first.tokens.length - 1);
        const scratch = await newConversation(2048);
        expect((await generate(scratch, next)).tokens).toEqual(second.tokens);
        grown.dispose();
        scratch.dispose();
    });

    it("forgets from the first token that differs", async () => {
        const all = tokensOf(model, sampleText, 90);
        const conversation = await newConversation(2048);
        await generate(conversation, all.subarray(0, 50));
        const edited = Uint32Array.from([...all.subarray(0, 30), ...all.subarray(60, 80)]);
        expect((await generate(conversation, edited)).nReused).toBe(30);
        conversation.dispose();
    });

    it("knows nothing of a file that a question is asked again without, and keeps the turns before it", async () => {
        const all = tokensOf(model, sampleText, 150);
        const file = await segmentOf(all.subarray(0, 60));
        const conversation = await newConversation(2048);
        const first = await generate(conversation, all.subarray(60, 80));
        const question = Uint32Array.from([...all.subarray(60, 80), ...first.tokens, ...all.subarray(80, 110)]);
        await conversation.attend([file]);
        const withFile = await generate(conversation, question);
        const nBefore = withFile.nReused;
        await conversation.attend([]);
        const without = await generate(conversation, question);
        expect(without.nReused).toBe(nBefore);
        expect(without.nDecoded).toBe(question.length - nBefore);

        // The same by hand, where the file has never been.
        const hand = await context.newSession();
        await hand.compose([{segment: prefix.native}]);
        const turnStart = prefix.nTokens + 64;
        const options = {maxTokens: 6, temperature: 0, maxPosition: 2047};
        await hand.generate(all.subarray(60, 80), turnStart, options, () => true);
        const {nLive} = await hand.state();
        const expected = await hand.generate(question.subarray(nLive), turnStart + nLive, options, () => true);
        expect(without.tokens).toEqual([...expected.tokens]);
        // With the same files nothing but the last token is computed again.
        expect((await generate(conversation, question)).nReused).toBe(question.length - 1);
        for (const each of [hand, file]) each.dispose();
        conversation.dispose();
    });

    it("knows nothing of that file either when it is opened again in between", async () => {
        const all = tokensOf(model, sampleText, 150);
        const file = await segmentOf(all.subarray(0, 60));
        const first = await opened(folder, 2048, (conversation) => generate(conversation, all.subarray(60, 80)));
        const question = Uint32Array.from([
            ...all.subarray(60, 80),
            ...first.generated.tokens,
            ...all.subarray(80, 110),
        ]);
        const withFile = await opened(folder, 2048, async (conversation) => {
            await conversation.attend([file]);
            return generate(conversation, question);
        });
        const nBefore = withFile.generated.nReused;
        expect(nBefore).toBeGreaterThanOrEqual(20);
        const again = await opened(folder, 2048, async (conversation) => {
            await conversation.attend([file]);
            return generate(conversation, question);
        });
        expect(again.generated.nReused).toBe(question.length - 1);
        const without = await opened(folder, 2048, (conversation) => generate(conversation, question));
        expect(without.generated.nReused).toBe(nBefore);
        // The same where the file has never been and nothing was stored.
        const fresh = await newConversation(2048);
        await generate(fresh, all.subarray(60, 80));
        expect(without.generated.tokens).toEqual((await generate(fresh, question)).tokens);
        fresh.dispose();
        file.dispose();
    });

    it("sees a file's next generation from the next question on, and keeps the rows of its turns", async () => {
        const all = tokensOf(model, sampleText, 150);
        const file = all.subarray(0, 60);
        const session = await context.newSession();
        await session.compose([{segment: prefix.native}]);
        await session.decode(file, prefix.nTokens);
        const [first, better] = await Promise.all(
            [0, 1].map(async (generation) => {
                // Other rows, as many of them.
                const list = Uint32Array.from({length: 20}, (_, i) => 3 * i + generation);
                const keep = Array.from({length: context.nRegions}, () => list);
                const {counts, rows} = flatten(keep);
                return new Segment(await session.gather(counts, rows), {
                    ...{identity: "file" as SegmentIdentity, path: "a.ts", part: {index: 0, count: 1}},
                    ...{nTokens: 60, keep, generation},
                });
            }),
        );
        session.dispose();
        const conversation = await newConversation(2048);
        await conversation.attend([first!]);
        const question = all.subarray(60, 90);
        const one = await generate(conversation, question);
        const next = Uint32Array.from([...question, ...one.tokens, ...all.subarray(90, 110)]);

        // The same by hand: the turn was computed with the first rows, what follows sees the better ones.
        const hand = await context.newSession();
        const options = {maxTokens: 6, temperature: 0, maxPosition: 2047};
        const turnStart = prefix.nTokens + 64;
        await hand.compose([{segment: prefix.native}, {segment: first!.native}]);
        await hand.generate(question, turnStart, options, () => true);
        await hand.compose([{segment: prefix.native}, {segment: better!.native}]);
        const {nLive} = await hand.state();
        const expected = await hand.generate(next.subarray(nLive), turnStart + nLive, options, () => true);
        hand.dispose();

        // Replaced: nobody has the first ones any more.
        first!.dispose();
        await conversation.attend([better!]);
        const two = await generate(conversation, next);
        expect(two.nReused).toBe(nLive);
        expect(two.tokens).toEqual([...expected.tokens]);
        conversation.dispose();
        better!.dispose();
    });

    it("cuts its oldest turns when it outgrows the window, and says how many rows are left", async () => {
        const all = tokensOf(model, sampleText, 700);
        // Room for 512 - 64 - prefix tokens.
        const conversation = await newConversation(512);
        for (let n = 100; n <= 700; n += 200) {
            const {tokens} = await generate(conversation, all.subarray(0, n));
            expect(tokens.length).toBeGreaterThan(0);
        }
        const {nTokens, keptRows} = conversation.size;
        expect(nTokens).toBeGreaterThanOrEqual(700);
        // What was cut keeps a quarter.
        const nCut = (nTokens - keptRows) / 0.75;
        expect(nCut).toBeGreaterThan(200);
        expect(nCut).toBeLessThan(700);
        conversation.dispose();
    });

    it("decodes a conversation that does not fit in pieces when its rows are gone", async () => {
        const conversation = await newConversation(512);
        const {tokens} = await generate(conversation, tokensOf(model, sampleText, 600));
        expect(tokens.length).toBeGreaterThan(0);
        expect(conversation.size.keptRows).toBeLessThan(conversation.size.nTokens);
        conversation.dispose();
    });

    it("finds its rows on disk again, those of cut turns too", async () => {
        const all = tokensOf(model, sampleText, 700);
        const grown = await opened(folder, 512, async (conversation) => {
            await generate(conversation, all.subarray(0, 300));
            return generate(conversation, all.subarray(0, 600));
        });
        expect(grown.size.keptRows).toBeLessThan(grown.size.nTokens);
        expect(grown.pieces.map(({nTokens}) => nTokens).reduce((a, b) => a + b)).toBe(grown.size.nTokens);
        const next = Uint32Array.from([...all.subarray(0, 600), ...grown.generated.tokens, ...all.subarray(600, 610)]);
        const again = await opened(folder, 512, (conversation) => generate(conversation, next));
        expect(again.generated.nReused).toBe(600 + grown.generated.tokens.length - 1);
        expect(again.generated.nDecoded).toBe(11);
        expect(again.size.keptRows).toBeLessThan(again.size.nTokens);
        // A beginning of what is stored is a beginning still; the rest goes.
        const short = await opened(folder, 2048, (conversation) => generate(conversation, all.subarray(0, 20)));
        expect(short.generated.nReused).toBe(0);
        expect(short.pieces.map(({nTokens}) => nTokens)).toEqual([short.size.nTokens]);
    });
});
