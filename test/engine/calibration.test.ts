/** Measuring the head profile of a model that has none, as the first reading does it: its progress, a cancel, what comes of it. */
import {mkdtempSync, readFileSync, readdirSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {createEngine} from "../../extension/engine/engine.js";
import {LoadedEngine} from "../../extension/engine/loaded-engine.js";
import {ModelHasher} from "../../extension/engine/store/model-hash.js";
import type {EngineSettings, ReadProgress} from "../../extension/protocol/engine.js";
import {patchGguf} from "../native/patched-gguf.js";
import {root, smallModelPath} from "../native/small-model.js";

const workspace = "/repo";
const folder = mkdtempSync(path.join(tmpdir(), "kvasir-calibration-"));
const cacheDir = path.join(folder, "cache");
const lines = readFileSync(path.join(root, "test/fixtures/sample-source.ts.txt"), "utf8").split("\n");
/** Little more than the least on which a profile is measured. */
const files = Array.from({length: 5}, (_, i) => ({
    path: `src/${i}.ts`,
    text: lines.slice(i * 44, (i + 1) * 44).join("\n"),
}));
interface Profile {
    budgets: readonly {share: number; perHead: readonly (readonly number[])[]}[];
}
/** The share of each head at one budget, in one list. */
const sharesOf = (profile: Profile) => profile.budgets.find(({share}) => share === 0.25)!.perHead.flat();

let settings: EngineSettings;
beforeAll(() => {
    const modelPath = path.join(folder, "unmeasured.gguf");
    // Another head of the file makes it a model that nobody has measured.
    patchGguf(smallModelPath, modelPath, {set: {"kvasir.test": {type: "u32", value: 1}}});
    settings = {
        ...{modelPath, gpu: "cpu", policy: "aha-file", budget: 0.25, rowType: "f16", kvMib: 256, cacheDir},
        ...{threads: 2, position: "parallel", attendedTokens: 1024, waitForReadsMs: 0},
    };
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

describe("a model without a head profile", () => {
    it("is measured behind its first reading, which says so; a cancel keeps what was read and measures nothing", async () => {
        const engine = await createEngine(settings);
        await engine.updateWorkspace({workspace, upsert: files});
        const stopping = new AbortController();
        const told: {progress: ReadProgress; shown: ReadProgress | undefined}[] = [];
        const stopped = engine.read(
            {workspace},
            (progress) => {
                if (progress.measuredShare === undefined) return;
                told.push({progress, shown: engine.status().progress});
                stopping.abort();
            },
            stopping.signal,
        );
        await expect(stopped).rejects.toMatchObject({code: "cancelled"});
        const {progress, shown} = told[0]!;
        expect(progress).toMatchObject({filesDone: files.length, filesTotal: files.length});
        expect(progress.measuredShare).toBeGreaterThan(0);
        expect(progress.measuredShare).toBeLessThan(0.5);
        // What the meter of a window shows.
        expect(shown).toEqual(progress);
        expect(engine.status()).toMatchObject({files: {resident: files.length}});
        expect(engine.status().progress).toBeUndefined();
        expect((await engine.load()).headProfile).toBe("none");
        await engine.dispose();
    });

    it("gets one piece by piece, which is kept and much like the one that is shipped, from other files", async () => {
        const engine = await LoadedEngine.load({settings, disk: undefined, hasher: new ModelHasher(), log: () => {}});
        const shares: number[] = [];
        const pieces = files.slice(0, 3).map(({text}) => engine.tokenize(text).subarray(0, 192));
        const {origin, path: file} = await engine.calibrate(pieces, (share) => void shares.push(share));
        await engine.dispose();
        expect(origin).toBe("measured");
        expect(shares.length).toBeGreaterThanOrEqual(2 * pieces.length);
        expect(shares).toEqual(shares.toSorted((a, b) => a - b));
        expect(shares[0]).toBeLessThan(0.5);
        expect(shares.at(-1)).toBeGreaterThan(0.95);
        expect(shares.at(-1)).toBeLessThanOrEqual(1);
        const shipped = path.join(root, "native-config/profiles");
        const [a, b] = [file, path.join(shipped, readdirSync(shipped)[0]!)].map((one) =>
            sharesOf(JSON.parse(readFileSync(one, "utf8")) as Profile),
        );
        expect(correlation(a!, b!)).toBeGreaterThan(0.6);
    });
});

/** Pearson's. */
function correlation(a: readonly number[], b: readonly number[]): number {
    const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;
    const from = (of: readonly number[]) => of.map((value) => value - mean(of));
    const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    const [x, y] = [from(a), from(b)];
    return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
