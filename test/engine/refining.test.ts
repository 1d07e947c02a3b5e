/**
 * Segments scored again: while idle, given up for a question, found by the next run; and which rows they keep, against
 * the formula in nested loops over exported Q, K and V.
 */
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {setImmediate as tick} from "node:timers/promises";
import {afterAll, beforeAll, describe, expect, it, test} from "vitest";
import {fileText} from "../../extension/core/layout/chat-layout.js";
import {createEngine} from "../../extension/engine/engine.js";
import {ChatFormat} from "../../extension/engine/model/chat-format.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import type {EngineApi, EngineSettings, EngineStatus} from "../../extension/protocol/engine.js";
import {loadSmallModel, openContext, sampleText, smallModelPath} from "../native/small-model.js";
import type {Qkv} from "../reference/attention.js";
import {realDifferences, referenceKept} from "../reference/paper-cuts.js";
import {referenceScores} from "../reference/paper-scores.js";

const workspace = "/repo";
const lines = sampleText.split("\n");
const files = [
    {path: "src/rest.ts", text: lines.slice(0, 7).join("\n")},
    {path: "src/open.ts", text: lines.slice(16, 23).join("\n")},
    {path: "src/seen.ts", text: lines.slice(32, 39).join("\n")},
];

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-refine-"));
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

function settings(cacheDir: string, more: Partial<EngineSettings> = {}): EngineSettings {
    return {
        modelPath: smallModelPath,
        gpu: "cpu",
        policy: "aha-file",
        budget: 0.25,
        rowType: "f16",
        kvMib: 256,
        cacheDir: path.join(folder, cacheDir),
        threads: 1,
        position: "parallel",
        attendedTokens: 4096,
        waitForReadsMs: 120_000,
        ...more,
    };
}

const question = (engine: EngineApi, conversation: string, context: string[], onText?: () => void) =>
    engine.ask(
        {
            workspace,
            conversation,
            turns: [{role: "user", text: "What is this?"}],
            maxTokens: 3,
            temperature: 0,
            choice: {context, onlyNamed: true},
        },
        onText === undefined ? {} : {text: onText},
    );

/** Resolves with the first status of which that is true. */
function when(engine: EngineApi, is: (status: EngineStatus) => boolean): Promise<EngineStatus> {
    return new Promise((resolve) => {
        const end = engine.onDidChangeStatus((status) => take(status));
        const take = (status: EngineStatus) => {
            if (!is(status)) return;
            end();
            resolve(status);
        };
        take(engine.status());
    });
}

const isRefining = ({activity}: EngineStatus) => activity === "refine";
const isDone = ({files: {refined}, activity}: EngineStatus) => refined === files.length && activity === undefined;

/** What lies on disk, in the order in which it was written. */
async function stored(cacheDir: string) {
    const disk = await DiskStore.open(path.join(folder, cacheDir, "segments"), {limitBytes: 2 ** 30});
    const entries = (await disk.list()).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
    return Promise.all(
        entries.map(async ({identity, path: file, generation, bytes}) => {
            const segment = (await disk.get(identity))!;
            const keep = await segment.readKeepLists();
            await segment.close();
            return {identity, path: file, generation, bytes, keep};
        }),
    );
}

describe("an engine that is left alone", () => {
    let engine: EngineApi;
    const errors: string[] = [];
    beforeAll(async () => {
        engine = await createEngine(settings("idle"), {
            refineAfterMs: 0,
            log: (level, message) => void (level === "info" || errors.push(message)),
        });
        await engine.updateWorkspace({workspace, upsert: files, open: ["src/open.ts"]});
    });
    afterAll(() => engine.dispose());

    it("refines nothing before it has answered, then gives a refinement up for a question at once", async () => {
        await engine.updateWorkspace({workspace, refine: true});
        const {files: read} = await engine.read({workspace});
        expect(read.map(({refined}) => refined)).toEqual([false, false, false]);
        const activities: (string | undefined)[] = [];
        const end = engine.onDidChangeStatus(({activity}) => {
            if (activities.at(-1) !== activity) activities.push(activity);
        });
        // Its time would have come by now.
        for (let i = 0; i < 20; i++) await tick();
        expect(activities).toEqual([]);
        const begun = when(engine, isRefining);
        await question(engine, "first", ["src/seen.ts"]);
        await begun;
        // In the middle of it.
        let nRefined: number | undefined;
        await question(engine, "second", ["src/seen.ts"], () => (nRefined ??= engine.status().files.refined));
        expect(nRefined).toBe(0);
        end();
        expect(activities.filter((activity) => activity !== undefined).slice(0, 3)).toEqual(["ask", "refine", "ask"]);
    });

    it("rests while it is paused, or a workspace does not want it, and survives an unload in the middle", async () => {
        await when(engine, isRefining);
        engine.pause();
        const {files: paused} = await when(engine, ({activity}) => activity === undefined);
        expect(engine.status().state).toBe("paused");
        expect(paused.refined).toBeLessThan(files.length);
        engine.resume();
        await when(engine, isRefining);
        await engine.updateWorkspace({workspace, refine: false});
        await when(engine, ({activity}) => activity === undefined);
        await engine.updateWorkspace({workspace, refine: true});
        await when(engine, isRefining);
        await engine.unload();
        expect(engine.status().files.refined).toBe(0);
        expect(errors).toEqual([]);
    });

    it("refines what was seen, then what is open, then the rest, within the same bytes", async () => {
        const {files: before} = await engine.read({workspace});
        await question(engine, "third", ["src/seen.ts"]);
        await when(engine, isDone);
        const {files: after} = await engine.read({workspace});
        for (const [i, file] of after.entries()) {
            expect(file).toMatchObject({source: "memory", refined: true, keptRows: before[i]!.keptRows});
            expect(file.bytes).toBeLessThanOrEqual(before[i]!.bytes);
        }
        expect((await engine.files(workspace)).map(({refined}) => refined)).toEqual([true, true, true]);
        const {entries} = await engine.cacheList();
        expect(entries.map(({refined}) => refined)).toEqual([true, true, true]);
        expect((await stored("idle")).map(({path: file, generation}) => [file, generation])).toEqual([
            ["src/seen.ts", 1],
            ["src/open.ts", 1],
            ["src/rest.ts", 1],
        ]);
        // What is read again stays refined.
        const {files: again} = await engine.read({workspace, paths: ["src/rest.ts"], again: true});
        expect(again).toMatchObject([{source: "read", refined: true}]);
    });

    it("goes on with a conversation whose files were refined meanwhile", async () => {
        const turns = [
            {role: "user" as const, text: "What is this?"},
            {role: "assistant" as const, text: "Code."},
            {role: "user" as const, text: "And that?"},
        ];
        const report = await engine.ask(
            {
                workspace,
                conversation: "third",
                turns,
                maxTokens: 3,
                temperature: 0,
                choice: {context: ["src/seen.ts"], onlyNamed: true},
            },
            {},
        );
        expect(report).toMatchObject({readTokens: 0, attended: [{path: "src/seen.ts"}]});
        expect(report.tokens).toBeGreaterThan(0);
    });

    it("finds the refined ones after a restart", async () => {
        const keptLines = (one: EngineApi) => one.keptLines(workspace, "src/seen.ts", files[2]!.text);
        const kept = await keptLines(engine);
        await engine.dispose();
        const other = await createEngine(settings("idle"));
        await other.updateWorkspace({workspace, upsert: files});
        const {files: read} = await other.read({workspace});
        for (const file of read) expect(file).toMatchObject({source: "disk", refined: true});
        expect(other.status().files.refined).toBe(3);
        expect(await keptLines(other)).toEqual(kept);
        await other.dispose();
    });
});

test("what has ended engines while it was scored again stays as it was read; what is scored now is told", async () => {
    const told: string[] = [];
    let warn: (message: string) => void = () => {};
    const warned = new Promise<string>((resolve) => (warn = resolve));
    const engine = await createEngine(settings("watched"), {
        refineAfterMs: 0,
        log: (level, message) => void (level === "warn" && warn(message)),
        refineWatch: {
            isRefinable: ({path: file, text}) => text !== files[0]!.text || file !== files[0]!.path,
            beginRefining: ({path: file}) => {
                told.push(`begins ${file}`);
                return (isThrough) => void told.push(`${isThrough ? "through" : "given up"} ${file}`);
            },
        },
    });
    await engine.updateWorkspace({workspace, upsert: files, open: ["src/open.ts"]});
    await engine.read({workspace});
    await question(engine, "first", ["src/seen.ts"]);
    await engine.updateWorkspace({workspace, refine: true});
    // It comes last, so the others are done by then.
    expect(await warned).toContain("src/rest.ts stays as it was read");
    expect(told).toEqual(["src/seen.ts", "src/open.ts"].flatMap((file) => [`begins ${file}`, `through ${file}`]));
    expect((await engine.files(workspace)).map(({refined}) => refined)).toEqual([false, true, true]);
    await engine.dispose();
});

describe("a file refined because somebody asked for it", () => {
    const budget = 0.25;
    const text = lines.slice(60, 66).join("\n");

    it("keeps the rows that aha-refined's formula keeps, not those of the first read", async () => {
        const engine = await createEngine(settings("asked"));
        await engine.updateWorkspace({workspace, upsert: [{path: "a.ts", text}]});
        await engine.read({workspace});
        const [first] = await stored("asked");
        const report = await engine.read({workspace, refine: true});
        expect(report.files).toMatchObject([{source: "memory", refined: true, bytes: report.totals.bytes}]);
        expect(report.totals.refineMs).toBeGreaterThan(0);
        const [refined] = await stored("asked");
        await engine.dispose();
        expect([first!.generation, refined!.generation]).toEqual([0, 1]);
        expect(refined!.identity).toBe(first!.identity);
        const nRows = ({keep}: typeof first & object) => keep.reduce((sum, list) => sum + list.length, 0);
        expect(nRows(refined!)).toBe(nRows(first!));

        const qkv = await measuredQkv(text);
        const kept = referenceKept("aha-refined", qkv, {budget});
        const scores = referenceScores("aha-refined", qkv, {budget});
        // Rows in f16: scores closer than that are ties.
        expect(realDifferences(refined!.keep, kept, scores, 0.02)).toEqual([]);
        expect(realDifferences(first!.keep, kept, scores, 0.02).length).toBeGreaterThan(20);
    });

    it("is refused where the policy has nothing better", async () => {
        const engine = await createEngine(settings("refused", {policy: "snapkv"}));
        await expect(engine.read({workspace, refine: true})).rejects.toMatchObject({code: "usage"});
        await engine.dispose();
    });
});

/** Q, K and V of all layers while the model reads the file behind the product's prefix and repeats it. */
async function measuredQkv(text: string): Promise<Qkv> {
    const model = await loadSmallModel();
    const {context, shape} = await openContext(model);
    const {prefix} = await ChatFormat.of(model.model);
    const file = Uint32Array.from(model.model.tokenize(fileText("a.ts", text)));
    const header = model.model.tokenize("// The same file once more:\n");
    const session = await context.newSession();
    await session.decode(prefix, 0);
    const {nLayers, nHeads, nKvHeads, headDim: d} = shape;
    const vectors = (values: Float32Array) =>
        Array.from({length: values.length / d}, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
    const queries = async (tokens: Uint32Array, position: number) => {
        const {captured} = await session.decode(tokens, position, {capture: true});
        return captured!.map((layer) => {
            const rows = vectors(layer.queries);
            return Array.from({length: nHeads}, (_, head) =>
                Array.from(tokens, (__, token) => rows[token * nHeads + head]!),
            );
        });
    };
    const q = await queries(file, prefix.length);
    const replay = await queries(Uint32Array.from([...header, ...file]), prefix.length + file.length);
    const k: number[][][][] = [];
    const v: number[][][][] = [];
    for (let layer = 0; layer < nLayers; layer++) {
        const heads = await Promise.all(Array.from({length: nKvHeads}, (_, head) => session.exportRows(layer, head)));
        k.push(heads.map((head) => vectors(head.k)));
        v.push(heads.map((head) => vectors(head.v)));
    }
    session.dispose();
    await context.close();
    await model.dispose();
    return {
        ...{q, k, v, prefixTokens: prefix.length, scale: 1 / Math.sqrt(d)},
        replay: {q: replay, headerTokens: header.length},
    };
}
