import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {createEngine} from "../../extension/engine/engine.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import {type EngineProcess, startEngineProcess} from "../../extension/engine/process/engine-process.js";
import {type RejoiningEngineClient, createEngineClient} from "../../extension/client/engine-client.js";
import type {AskRequest, SourceFile} from "../../extension/protocol/engine.js";
import {demoRepositoryFolder} from "../../scripts/setup/steps/demo-repository.mjs";
import {modelFile} from "../../scripts/setup/steps/model.mjs";

// Two windows on one folder, as two clients of one engine with the real small model.
const home = mkdtempSync(join(tmpdir(), "kv-shared-"));
const folder = join(home, "run");
let engine: EngineProcess | undefined;
const clients: RejoiningEngineClient[] = [];

const paths = ["src/api/when.ts", "src/api/isobservable.ts"];
const files: SourceFile[] = paths.map((path) => ({path, text: readFileSync(join(demoRepositoryFolder, path), "utf8")}));

function openWindow(): RejoiningEngineClient {
    const client = createEngineClient({
        folder,
        program: () => ({executable: process.execPath, script: "none", version: "test", idleMs: 1}),
        settings: () => ({
            modelPath: modelFile,
            gpu: "cpu",
            policy: "aha-file",
            budget: 0.25,
            rowType: "f16",
            cacheDir: join(home, "cache"),
            threads: 0,
            position: "parallel",
            attendedTokens: 4096,
            waitForReadsMs: 120_000,
        }),
        name: "window",
        log: {info: () => {}, warn: () => {}},
    });
    clients.push(client);
    return client;
}

const ask = (text: string, maxTokens: number): AskRequest => ({
    workspace: "demo",
    conversation: "talk",
    turns: [{role: "user", text}],
    choice: {context: paths, onlyNamed: true},
    maxTokens,
    temperature: 0,
});

beforeAll(async () => {
    engine = await startEngineProcess({
        folder,
        version: "test",
        idleMs: 600_000,
        createEngine: (settings) => createEngine(settings),
        log: () => {},
    });
});
afterAll(async () => {
    for (const client of clients) await client.dispose();
    engine?.stop();
    await engine?.ended;
    rmSync(home, {recursive: true, force: true});
});

describe("two windows on one engine", () => {
    it("the second answers over the files that the first has read without reading a token of them", async () => {
        const [first, second] = [openWindow(), openWindow()];
        await first.updateWorkspace({workspace: "demo", upsert: files});
        const read = await first.read({workspace: "demo", paths});
        expect(read.files.map(({source}) => source)).toEqual(["read", "read"]);
        await second.updateWorkspace({workspace: "demo", upsert: files});
        const answer = await second.ask(ask("What does when do?", 4), {});
        expect(answer.readTokens).toBe(0);
        expect(answer.reusedTokens).toBe(read.totals.tokens);
        expect(answer.attended.map(({path}) => path).sort()).toEqual([...paths].sort());
        // On disk it is one repository, whichever window has read it.
        const stored = await (await DiskStore.open(join(home, "cache/segments"), {limitBytes: 2 ** 30})).list();
        expect(stored.map(({workspace}) => workspace)).toEqual(["demo", "demo"]);
    });

    it("an unsaved buffer of one is not the text of the other", async () => {
        const [first, second] = clients as [RejoiningEngineClient, RejoiningEngineClient];
        const unsaved = `// not saved\n${files[0]?.text}`;
        await first.updateWorkspace({workspace: "demo", upsert: [{path: paths[0] ?? "", text: unsaved}]});
        await second.read({workspace: "demo", paths});
        expect((await second.keptLines("demo", paths[0] ?? "", files[0]?.text ?? "")).isCurrent).toBe(true);
        expect((await second.keptLines("demo", paths[0] ?? "", unsaved)).isCurrent).toBe(false);
    });

    it("a window that closes in the middle of its answer leaves the engine to the other", async () => {
        const going = openWindow();
        await going.updateWorkspace({workspace: "demo", upsert: files});
        const asked = going
            .ask(ask("Count from one to one thousand.", 2000), {text: () => void going.dispose()})
            .catch((error: {code: string}) => error.code);
        expect(await asked).toBe("engine-stopped");
        const second = clients[1];
        const answer = await second?.ask({...ask("What does when do?", 4), conversation: "next"}, {});
        expect(answer?.tokens).toBeGreaterThan(0);
        expect(second?.status().clients).toBe(2);
    });
});
