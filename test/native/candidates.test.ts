/** Candidates written together: each against llama.cpp itself, forced through where the candidate branched off. */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {type Candidate, type CandidatesJob, writeCandidates} from "../../extension/engine/kv/candidates.js";
import {KvContext} from "../../extension/engine/kv/kv-context.js";
import {flatten} from "../../extension/engine/kv/segment.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {NativePlain, NativeSession} from "../../extension/engine/native/native.js";
import {loadSmallModel, onGpu, randomKeep, sampleText, tokensOf} from "./small-model.js";

const maxTokens = 8;

let model: LoadedModel;
let context: KvContext;
let plain: NativePlain;
beforeAll(async () => {
    model = await loadSmallModel();
    context = await KvContext.open({model, rowType: "f16", nThreads: 1, limitBytes: 512 * 2 ** 20});
    // As many threads as ours: split among others, attention rounds differently.
    plain = new model.addon.Plain(model.handle, {nCtx: 512, nBatch: 512, nThreads: 1});
    await plain.open();
});
afterAll(async () => {
    await plain.close();
    await context.close();
    await model.dispose();
});

const idle = {priority: "complete", isAskedToYield: false, yield: async () => {}, share: async () => {}} as const;

const job = (more: Partial<CandidatesJob> = {}): CandidatesJob => ({
    nCandidates: 3,
    maxTokens,
    maxPosition: 2048,
    isEnd: (token) => model.model.isEogToken(token as never),
    onCandidate: () => () => true,
    turn: idle,
    ...more,
});

/** Writes behind a prompt that is decoded first. */
async function write(
    session: NativeSession,
    prompt: Uint32Array,
    position: number,
    more: Partial<CandidatesJob> = {},
    within = context,
) {
    const {logits} = await session.decode(prompt, position, {logits: "last"});
    const likeliest: Candidate = {tokens: [], reason: undefined};
    const start = {session, position: position + prompt.length, logits: logits!, isScoring: false};
    const others = await writeCandidates(within, start, job(more), likeliest);
    return {likeliest, all: [likeliest, ...others]};
}

/**
 * By how much the likeliest token is ahead of the one that was written, step by step: 0 where they are the same.
 * @param logits behind the prompt
 * @param step decodes one token behind those before it
 */
async function leads(
    {tokens}: Candidate,
    logits: Float32Array,
    step: (token: Uint32Array, row: number) => Promise<Float32Array | undefined>,
): Promise<number[]> {
    const found: number[] = [];
    for (const [row, token] of tokens.entries()) {
        found.push(Math.max(...logits) - logits[token]!);
        if (row + 1 < tokens.length) logits = (await step(Uint32Array.of(token), row))!;
    }
    return found;
}

/**
 * Batches of another size round differently on some devices, which shows where two tokens are as good as each other. On a GPU
 * that is the rounding of activations to 8 bits; with the same weights in f16 0.1 would do there.
 */
const asGood = onGpu(0.5, 0.05);

/** Where a candidate left the likeliest; -1 for that one itself. */
function branchOf({tokens}: Candidate, likeliest: Candidate): number {
    return tokens.findIndex((token, row) => token !== likeliest.tokens[row]);
}

describe("candidates", () => {
    it.each([180, 245])("are what llama.cpp writes behind each branch (%i tokens)", async (n) => {
        const prompt = tokensOf(model, sampleText, n);
        const session = await context.newSession();
        const {likeliest, all} = await write(session, prompt, 0);
        expect(all.length).toBeGreaterThan(1);
        await plain.clear();
        const logits = (await plain.decode(prompt, "last"))!;
        await plain.save();
        for (const candidate of all) {
            await plain.restore();
            const found = await leads(candidate, logits, (token) => plain.decode(token, "last"));
            const branch = branchOf(candidate, likeliest);
            expect(branch === -1).toBe(candidate === likeliest);
            for (const [row, lead] of found.entries()) {
                if (row !== branch) expect(lead).toBeLessThan(asGood);
                else expect(lead).toBeLessThan(Math.log(8) + asGood);
            }
        }
        const branches = all.map((one) => one.tokens.slice(0, branchOf(one, likeliest) + 1).join());
        expect(new Set(branches).size).toBe(all.length);
        session.dispose();
    });

    it("see the rows of cut files, and leave the session to the likeliest", async () => {
        const tokens = tokensOf(model, sampleText, 300);
        const [file, prompt] = [tokens.subarray(0, 200), tokens.subarray(200, 245)];
        const reader = await context.newSession();
        await reader.decode(file, 0);
        const {counts, rows} = flatten(randomKeep(context.nRegions, file.length, 7));
        const segment = await reader.gather(counts, rows);
        const [session, alone] = [await context.newSession(), await context.newSession()];
        for (const one of [session, alone]) await one.compose([{segment}]);

        const usedBytes = () => context.memory().usedBytes;
        await session.reserve(prompt.length + maxTokens);
        const before = usedBytes();
        const {likeliest, all} = await write(session, prompt, 200);
        // The work that frees the others is in line before this.
        expect((await session.state()).nLive).toBe(prompt.length + maxTokens - 1);
        expect(usedBytes()).toBeLessThanOrEqual(before);
        expect(all.length).toBeGreaterThan(1);
        const {logits} = await alone.decode(prompt, 200, {logits: "last"});
        const found = await leads(
            likeliest,
            logits!,
            async (token, row) => (await alone.decode(token, 200 + prompt.length + row, {logits: "last"})).logits,
        );
        for (const lead of found) expect(lead).toBeLessThan(asGood);
        for (const one of [reader, segment, session, alone]) one.dispose();
    });

    it("are fewer when memory is short, and nothing is let go for them", async () => {
        const prompt = tokensOf(model, sampleText, 180);
        // Room for one session and what computing takes.
        const tight = await KvContext.open({model, rowType: "f16", nThreads: 1, limitBytes: 20 * 2 ** 20});
        let nEvicted = 0;
        tight.evictOne = () => ++nEvicted < 0;
        const {all} = await write(await tight.newSession(), prompt, 0, {}, tight);
        expect(all.map(({tokens}) => tokens.length)).toEqual([maxTokens]);
        expect(nEvicted).toBe(0);
        await tight.close();
    });

    it("all end when the work is cancelled", async () => {
        const prompt = tokensOf(model, sampleText, 180);
        const session = await context.newSession();
        const stop = new AbortController();
        let nTaken = 0;
        const onCandidate = () => () => {
            if (++nTaken === 6) stop.abort();
            return true;
        };
        const written = write(session, prompt, 0, {onCandidate, signal: stop.signal});
        await expect(written).rejects.toMatchObject({code: "cancelled"});
        expect(nTaken).toBeLessThan(10);
        // Usable as ever.
        await session.truncate(0);
        expect((await write(session, prompt, 0)).all.length).toBeGreaterThan(1);
        session.dispose();
    });

    it("ask for logits behind parts, and nothing else", async () => {
        const session = await context.newSession();
        const part = {session, tokens: tokensOf(model, sampleText, 4), firstPosition: 0};
        await expect(context.native.decodeTogether([{...part, logits: "all" as never}])).rejects.toMatchObject({
            code: "internal",
        });
        expect(await context.native.decodeTogether([part])).toEqual([undefined]);
        session.dispose();
    });
});
