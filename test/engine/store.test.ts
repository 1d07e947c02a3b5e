/** What the engine says of its tiers, and what of a read survives a restart, on the small model. */
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {createEngine} from "../../extension/engine/engine.js";
import {ModelHasher} from "../../extension/engine/store/model-hash.js";
import type {EngineApi, EngineSettings} from "../../extension/protocol/engine.js";
import {patchGguf} from "../native/patched-gguf.js";
import {root, smallModelPath} from "../native/small-model.js";

const workspace = "/repo";
const lines = readFileSync(path.join(root, "test/fixtures/sample-source.ts.txt"), "utf8").split("\n");
const files = [
    {path: "src/a.ts", text: lines.slice(0, 10).join("\n")},
    {path: "src/b.ts", text: lines.slice(10, 20).join("\n")},
];

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-store-"));
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

function settings(more: Partial<EngineSettings> = {}): EngineSettings {
    return {
        modelPath: smallModelPath,
        gpu: "cpu",
        policy: "aha-file",
        budget: 0.25,
        rowType: "f16",
        kvMib: 256,
        cacheDir: path.join(folder, "cache"),
        threads: 2,
        position: "parallel",
        attendedTokens: 4096,
        waitForReadsMs: 120_000,
        ...more,
    };
}

const sources = async (engine: EngineApi, paths = files.map(({path: file}) => file)) =>
    (await engine.read({workspace, paths})).files.map(({source}) => source);

describe("tiers", () => {
    it("are counted as files come, are read, leave memory and change", async () => {
        const engine = await createEngine(settings());
        await engine.updateWorkspace({workspace, upsert: files});
        const counts = () => {
            const {known, resident, onDisk, unread} = engine.status().files;
            return {known, resident, onDisk, unread};
        };
        expect(counts()).toEqual({known: 2, resident: 0, onDisk: 0, unread: 2});
        const {files: read} = await engine.read({workspace, paths: ["src/a.ts"]});
        expect(counts()).toEqual({known: 2, resident: 1, onDisk: 0, unread: 1});
        expect(engine.status().tokens.kept).toBe(Math.round(read[0]!.keptRows));
        await engine.unload();
        await engine.load();
        expect(engine.status().tokens.kept).toBe(0);
        // Found on disk when it is looked at, without loading it.
        await engine.files(workspace);
        expect(counts()).toEqual({known: 2, resident: 0, onDisk: 1, unread: 1});
        expect(await sources(engine, ["src/a.ts"])).toEqual(["disk"]);
        expect(counts()).toEqual({known: 2, resident: 1, onDisk: 0, unread: 1});
        await engine.updateWorkspace({workspace, upsert: [{...files[0]!, text: "export const a = 1;\n"}]});
        expect(counts()).toEqual({known: 2, resident: 0, onDisk: 0, unread: 2});
        await engine.updateWorkspace({workspace, remove: ["src/a.ts"]});
        await engine.closeWorkspace(workspace);
        expect(counts()).toEqual({known: 0, resident: 0, onDisk: 0, unread: 0});
        await engine.dispose();
    });

    it("are listed: what lies in memory as such, also when the disk has no room for it", async () => {
        const engine = await createEngine(settings({cacheDir: path.join(folder, "none"), cacheLimitMib: 0.01}));
        await engine.updateWorkspace({workspace, upsert: files});
        await engine.read({workspace, paths: ["src/a.ts"]});
        const {entries, bytes} = await engine.cacheList();
        expect(bytes).toBe(0);
        expect(entries).toEqual([expect.objectContaining({path: "src/a.ts", tier: "memory", refined: false})]);
        await engine.dispose();
        const other = await createEngine(settings());
        await other.updateWorkspace({workspace, upsert: files});
        await other.read({workspace, paths: ["src/a.ts"]});
        const listed = (await other.cacheList()).entries.filter(({path: file}) => file === "src/a.ts");
        expect(listed.map(({tier}) => tier)).toEqual(["memory"]);
        await other.unload();
        expect((await other.cacheList()).entries.map(({tier}) => tier)).toEqual(["disk"]);
        await other.dispose();
    });
});

describe("what is stored", () => {
    it("is loaded ahead when it is open or imported by what is open, and only then", async () => {
        const cacheDir = path.join(folder, "ahead");
        const source = [
            {path: "src/open.ts", text: 'import {b} from "./imported.js";\nexport const a = b + 1;\n'},
            {path: "src/imported.ts", text: "export const b = 41;\n"},
            {path: "src/other.ts", text: "export const unrelated = true;\n"},
        ];
        const first = await createEngine(settings({cacheDir}));
        await first.updateWorkspace({workspace, upsert: source});
        await first.read({workspace});
        await first.dispose();

        const second = await createEngine(settings({cacheDir}));
        await second.load();
        const tiers = async () =>
            Object.fromEntries((await second.files(workspace)).map(({path: file, tier}) => [file, tier]));
        await second.updateWorkspace({workspace, upsert: source, open: ["src/open.ts"]});
        // No job is asked for: it comes by itself.
        await expect.poll(async () => (await tiers())["src/imported.ts"], {timeout: 30_000}).toBe("memory");
        expect((await tiers())["src/open.ts"]).toBe("memory");
        expect((await tiers())["src/other.ts"]).not.toBe("memory");
        await second.dispose();
    });
});

describe("a store with a key", () => {
    it("is read again by an engine with the key, and by no other", async () => {
        const cacheDir = path.join(folder, "sealed");
        const storeKey = "0f".repeat(32);
        const run = async (more: Partial<EngineSettings>) => {
            const engine = await createEngine(settings({cacheDir, ...more}));
            await engine.updateWorkspace({workspace, upsert: files});
            const from = await sources(engine);
            await engine.dispose();
            return from;
        };
        expect(await run({storeKey})).toEqual(["read", "read"]);
        expect(await run({storeKey})).toEqual(["disk", "disk"]);
        expect(await run({storeKey: "f0".repeat(32)})).toEqual(["read", "read"]);
        for (const name of readdirSync(cacheDir, {recursive: true, encoding: "utf8"}).filter((one) =>
            one.endsWith(".kvseg"),
        ))
            expect(readFileSync(path.join(cacheDir, name)).includes("src/a.ts")).toBe(false);
        await expect(createEngine(settings({cacheDir, storeKey: "short"}))).rejects.toMatchObject({code: "usage"});
    });
});

describe("a file that was read before its model had a head profile", () => {
    it("is cut by a later run from the scores on disk, without reading it again", async () => {
        // Another head of the file makes it a model that nobody has measured.
        const modelPath = path.join(folder, "unmeasured.gguf");
        patchGguf(smallModelPath, modelPath, {set: {"kvasir.test": {type: "u32", value: 1}}});
        const cacheDir = path.join(folder, "waiting");
        const first = await createEngine(settings({modelPath, cacheDir}));
        await first.updateWorkspace({workspace, upsert: files});
        expect((await first.load()).headProfile).toBe("none");
        const whole = await first.read({workspace});
        for (const {keptRows, tokens} of whole.files) expect(keptRows).toBe(tokens);
        await first.dispose();

        const shipped = path.join(
            root,
            "native-config/profiles",
            readdirSync(path.join(root, "native-config/profiles"))[0]!,
        );
        const modelHash = await new ModelHasher().hash(modelPath);
        mkdirSync(path.join(cacheDir, "profiles"));
        const profile = {...(JSON.parse(readFileSync(shipped, "utf8")) as object), modelHash};
        writeFileSync(path.join(cacheDir, "profiles", `${modelHash.slice(0, 32)}.json`), JSON.stringify(profile));

        const second = await createEngine(settings({modelPath, cacheDir}));
        await second.updateWorkspace({workspace, upsert: files});
        expect((await second.load()).headProfile).toBe("measured");
        const {files: cut} = await second.read({workspace});
        expect(cut.map(({source}) => source)).toEqual(["disk", "disk"]);
        await second.dispose();

        // What a read with the profile keeps: scores lose digits on disk, so a few rows near the cut may differ.
        const direct = await createEngine(settings({modelPath, cacheDir}));
        await direct.updateWorkspace({workspace, upsert: files});
        const {files: read} = await direct.read({workspace, again: true});
        expect(read.map(({keptRows}) => keptRows)).toEqual(cut.map(({keptRows}) => keptRows));
        await direct.dispose();

        const third = await createEngine(settings({modelPath, cacheDir}));
        await third.updateWorkspace({workspace, upsert: files});
        expect((await third.read({workspace})).files.map(({source}) => source)).toEqual(["disk", "disk"]);
        // The whole rows have made room for the cut ones.
        expect((await third.cacheList()).entries).toHaveLength(2);
        await third.dispose();
    });
});
