/** What the engine says of its tiers, and what of a read survives a restart, on the small model. */
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, beforeEach, describe, expect, it} from "vitest";
import {createEngine} from "../../extension/engine/engine.js";
import {ModelHasher} from "../../extension/engine/store/model-hash.js";
import type {AskRequest, ChatTurn, EngineApi, EngineSettings} from "../../extension/protocol/engine.js";
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

describe("what the last conversation has seen", () => {
    it("is loaded ahead by the next run, before anything is asked", async () => {
        const cacheDir = path.join(folder, "seen");
        const source = [
            {path: "src/a.ts", text: "export const a = 1;\n"},
            {path: "src/seen-before.ts", text: "export const b = 2;\n"},
            {path: "src/seen.ts", text: "export const c = 3;\n"},
        ];
        const first = await createEngine(settings({cacheDir}));
        await first.updateWorkspace({workspace, upsert: source});
        await first.read({workspace});
        for (const file of ["seen-before", "seen"])
            await first.ask(
                {
                    ...{workspace, conversation: file, storedAs: file, turns: [{role: "user", text: "Why?"}]},
                    choice: {context: [`src/${file}.ts`], onlyNamed: true},
                    ...{maxTokens: 2, temperature: 0},
                },
                {},
            );
        await first.dispose();

        const second = await createEngine(settings({cacheDir}));
        // A window with nothing open; its files come as they always do.
        await second.updateWorkspace({workspace, upsert: source, open: []});
        const inMemory = async () =>
            (await second.files(workspace)).filter(({tier}) => tier === "memory").map(({path: file}) => file);
        await expect.poll(inMemory, {timeout: 30_000}).toEqual(["src/seen.ts"]);
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

describe("a conversation that is opened again in another run", () => {
    const instructions = "Answer in one short sentence.";
    let cacheDir: string;
    let turns: ChatTurn[];
    let name: string;
    beforeEach(({task}) => {
        name = task.id;
        cacheDir = path.join(folder, "turns");
        turns = [{role: "user", text: `What does ${files[0]!.path} do? Say it in a few words.`}];
    });

    async function withEngine<T>(work: (engine: EngineApi) => Promise<T>, more: Partial<EngineSettings> = {}) {
        const engine = await createEngine(settings({cacheDir, ...more}));
        await engine.updateWorkspace({workspace, upsert: files});
        return work(engine).finally(() => engine.dispose());
    }

    /** Asks on, and adds question and answer to the turns. */
    async function ask(engine: EngineApi, conversation: string, more: Partial<AskRequest> = {}) {
        const report = await engine.ask(
            {
                workspace,
                conversation,
                turns: [...turns],
                instructions,
                choice: {context: ["src/a.ts"], onlyNamed: true},
                maxTokens: 12,
                temperature: 0,
                ...more,
            },
            {},
        );
        turns.push({role: "assistant", text: report.text});
        return report;
    }
    const stored = async (engine: EngineApi) =>
        (await engine.cacheList()).entries.filter(({path: file}) => file === `conversation:${name}`);

    it("decodes the new turn alone and answers what it would have answered without the restart", async () => {
        // One engine all along, that stores nothing: the reference.
        const question = {role: "user" as const, text: "And what is its first line for?"};
        const [first, whole] = await withEngine(async (engine) => {
            const report = await ask(engine, "1:c");
            turns.push(question);
            return [report, await ask(engine, "1:c")];
        });
        turns.length = 1;
        const before = await withEngine(async (engine) => {
            const report = await ask(engine, "1:c", {storedAs: name});
            expect(await stored(engine)).toEqual([]);
            return report;
        });
        expect(before).toMatchObject({text: first.text, reusedTurnTokens: 0});

        turns.push(question);
        const after = await withEngine(async (engine) => {
            expect((await stored(engine)).map(({tokens}) => tokens)).toEqual([
                before.decodedTurnTokens + before.tokens - 1,
            ]);
            return ask(engine, "7:c", {storedAs: name});
        });
        expect(after.text).toBe(whole.text);
        expect(after.readTokens).toBe(0);
        // As much is found again as without the restart, and no more is decoded.
        expect(after).toMatchObject({
            reusedTurnTokens: whole.reusedTurnTokens,
            decodedTurnTokens: whole.decodedTurnTokens,
        });
        expect(after.reusedTurnTokens).toBeGreaterThan(before.decodedTurnTokens);
        // The rows of another conversation with the same words are its own: they may have seen other files.
        turns.splice(1);
        expect(await withEngine((engine) => ask(engine, "7:c", {storedAs: `${name}-other`}))).toMatchObject({
            reusedTurnTokens: 0,
        });
    });

    it("uses what is the same when a turn was edited, forgets the rest, and everything with the conversation", async () => {
        await withEngine((engine) => ask(engine, "c", {storedAs: name}));
        const edited = [{role: "user" as const, text: turns[0]!.text.replace("a few words", "one word")}];
        turns = [...edited];
        const report = await withEngine(async (engine) => {
            const answer = await ask(engine, "c", {storedAs: name});
            expect(answer.reusedTurnTokens).toBeGreaterThan(10);
            return answer;
        });
        turns = [...edited];
        // Without any rows on disk: the same words.
        expect(await withEngine((engine) => ask(engine, "c"))).toMatchObject({text: report.text, reusedTurnTokens: 0});
        await withEngine(async (engine) => {
            // The edited question has taken the place of the first; the last token of an answer may have no row.
            const nStored = (await stored(engine)).reduce((sum, {tokens}) => sum + tokens, 0);
            const nTurns = report.reusedTurnTokens + report.decodedTurnTokens + report.tokens;
            expect([nTurns - 1, nTurns]).toContain(nStored);
            await engine.forget("c", name);
            expect(await stored(engine)).toEqual([]);
        });
    });

    it("is decoded again when its rows are damaged, or were computed in another way", async () => {
        const before = await withEngine((engine) => ask(engine, "c", {storedAs: name}));
        for (const file of readdirSync(cacheDir, {recursive: true, encoding: "utf8"}).filter((one) =>
            one.endsWith(".kvseg"),
        )) {
            const bytes = readFileSync(path.join(cacheDir, file));
            bytes[bytes.length - 100]! ^= 1;
            writeFileSync(path.join(cacheDir, file), bytes);
        }
        turns.splice(1);
        const after = await withEngine((engine) => ask(engine, "c", {storedAs: name}));
        expect(after).toMatchObject({text: before.text, reusedTurnTokens: 0});
        turns.splice(1);
        // It is there again, but not for rows of another type.
        const other = await withEngine((engine) => ask(engine, "c", {storedAs: name}), {rowType: "q8_0"});
        expect(other.reusedTurnTokens).toBe(0);
    });
});
