/** Short files read in one batch keep what each keeps when it is read alone. */
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {policyByName} from "../../extension/core/policy/presets.js";
import {KvContext} from "../../extension/engine/kv/kv-context.js";
import {Prefix} from "../../extension/engine/kv/prefix.js";
import {Reader, type ReadJob} from "../../extension/engine/kv/reader.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import {loadSmallModel, onGpu, relativeError, sampleText, tokensOf} from "./small-model.js";

let model: LoadedModel;
let context: KvContext;
let reader: Reader;
beforeAll(async () => {
    model = await loadSmallModel();
    context = await KvContext.open({model, rowType: "f16", nThreads: 1, limitBytes: 512 * 2 ** 20});
    reader = new Reader(context, await Prefix.make(context, tokensOf(model, sampleText, 20)));
});
afterAll(async () => {
    reader.prefix.dispose();
    await context.close();
    await model.dispose();
});

const sizes = [50, 17, 70];

describe.each(["h2o", "kvzip"])("short files, cut by %s", (name) => {
    const jobs = (more: Partial<ReadJob> = {}): ReadJob[] => {
        const tokens = tokensOf(model, sampleText, 800);
        return sizes.map((n, i) => ({
            tokens: tokens.subarray(100 + 150 * i, 100 + 150 * i + n),
            policy: policyByName(name),
            budget: 0.25,
            replayHeader: tokens.subarray(0, 4),
            ...more,
        }));
    };

    it("keep the same rows as alone, the same every time", async () => {
        const together = await reader.readTogether(jobs());
        const again = await reader.readTogether(jobs());
        for (const [i, job] of jobs().entries()) {
            const alone = await reader.read(job);
            const shared = together[i]!;
            expect([...shared.native.counts()]).toEqual([...again[i]!.native.counts()]);
            expect(shared.keep).toEqual(again[i]!.keep);
            // Batches of another size round differently, and a row may be as good as the next.
            const kept = alone.keep.flatMap((rows, region) => [...rows].map((row) => `${region} ${row}`));
            const same = new Set(shared.keep.flatMap((rows, region) => [...rows].map((row) => `${region} ${row}`)));
            expect(kept.filter((row) => same.has(row)).length / kept.length).toBeGreaterThan(onGpu(0.95, 0.98));
            for (const one of [alone, shared, again[i]!]) one.native.dispose();
        }
    });

    it("are cancelled together and leave no memory behind", async () => {
        const before = context.memory().usedBytes;
        const stop = new AbortController();
        stop.abort();
        await expect(reader.readTogether(jobs({signal: stop.signal}))).rejects.toMatchObject({code: "cancelled"});
        // Sessions are freed behind what the native thread does next.
        const session = await context.newSession();
        session.dispose();
        await (await context.newSession()).state();
        expect(context.memory().usedBytes).toBeLessThanOrEqual(before);
    });
});

describe("rows of short files", () => {
    it("are those of files read alone, within the rounding of f16", async () => {
        const tokens = tokensOf(model, sampleText, 800);
        const job = (at: number, n: number): ReadJob => ({
            tokens: tokens.subarray(at, at + n),
            policy: policyByName("full"),
            budget: 1,
        });
        const jobs = [job(100, 50), job(300, 90)];
        const together = await reader.readTogether(jobs);
        for (const [i, one] of jobs.entries()) {
            const alone = await reader.read(one);
            const bytes = [alone, together[i]!].map(async ({native}) => {
                const data = await native.download(0, native.rowBytes());
                return halves(data);
            });
            const [theirs, ours] = await Promise.all(bytes);
            expect(relativeError(ours!, theirs!)).toBeLessThan(onGpu(0.1, 0.02));
            alone.native.dispose();
            together[i]!.native.dispose();
        }
    });
});

/** IEEE 754 binary16, little-endian, as numbers. */
function halves(data: Buffer): Float32Array {
    return Float32Array.from({length: data.length / 2}, (_, i) => {
        const bits = data.readUInt16LE(2 * i);
        const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
        const size = exponent === 0 ? (fraction / 1024) * 2 ** -14 : (1 + fraction / 1024) * 2 ** (exponent - 15);
        return bits >> 15 ? -size : size;
    });
}
