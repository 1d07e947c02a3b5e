/** The engine through its interface, on the small model and real text: read, ask, reuse, restart, outgrow, refuse. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {createEngine} from "../../extension/engine/engine.js";
import type {AskRequest, EngineApi, EngineSettings} from "../../extension/protocol/engine.js";
import {patchGguf} from "../native/patched-gguf.js";
import {root, smallModelPath} from "../native/small-model.js";

const workspace = "/repo";
const source = readFileSync(path.join(root, "test/fixtures/sample-source.ts.txt"), "utf8");
const lines = source.split("\n");
const files = [
    {path: "src/derivation.ts", text: lines.slice(0, 80).join("\n")},
    {path: "src/tracking.ts", text: lines.slice(80, 140).join("\n")},
    {path: "src/warnings.ts", text: lines.slice(140, 190).join("\n")},
];

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-engine-"));
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
        threads: 1,
        position: "parallel",
        attendedTokens: 4096,
        waitForReadsMs: 120_000,
        ...more,
    };
}

const ask = (text: string, more: Partial<AskRequest> = {}): AskRequest => ({
    workspace,
    conversation: "one",
    turns: [{role: "user", text}],
    maxTokens: 8,
    temperature: 0,
    ...more,
});

describe("an engine", () => {
    let engine: EngineApi;
    beforeAll(async () => {
        engine = await createEngine(settings());
        await engine.updateWorkspace({workspace, upsert: files});
    });
    afterAll(() => engine.dispose());

    it("reads a file once, keeps a quarter of its rows, and finds it again", async () => {
        const first = await engine.read({workspace, paths: ["src/derivation.ts", "src/tracking.ts"]});
        expect(first.files.map(({source: from}) => from)).toEqual(["read", "read"]);
        for (const {tokens, keptRows, bytes, fullBytes} of first.files) {
            expect(tokens).toBeGreaterThan(400);
            expect(keptRows / tokens).toBeCloseTo(0.25, 2);
            // Alignment included.
            expect(bytes / fullBytes).toBeLessThanOrEqual(0.27);
        }
        const second = await engine.read({workspace, paths: ["src/derivation.ts", "src/tracking.ts"]});
        expect(second.files.map(({source: from}) => from)).toEqual(["memory", "memory"]);
    });

    it("answers over files that were read without reading again, whatever was asked before", async () => {
        const first = await engine.ask(
            ask("What is tracked?", {choice: {context: ["src/derivation.ts"], onlyNamed: true}}),
            {},
        );
        const second = await engine.ask(
            ask("What is tracked?", {conversation: "two", choice: {context: ["src/tracking.ts"], onlyNamed: true}}),
            {},
        );
        const again = await engine.ask(
            ask("What is tracked?", {conversation: "three", choice: {context: ["src/derivation.ts"], onlyNamed: true}}),
            {},
        );
        for (const report of [first, second, again]) {
            expect(report.readTokens).toBe(0);
            expect(report.reusedTokens).toBe(report.attended[0]!.tokens);
            expect(report.attended[0]!.why).toBe("context");
            expect(report.tokens).toBeGreaterThan(0);
        }
        // Another question in between has left no trace.
        expect(again.text).toBe(first.text);
    });

    it("streams what it returns, and reads what a question needs", async () => {
        let streamed = "";
        const report = await engine.ask(
            ask("Which warnings are there?", {
                conversation: "four",
                choice: {context: ["src/warnings.ts"], onlyNamed: true},
            }),
            {text: (piece) => (streamed += piece)},
        );
        expect(report.readTokens).toBe(report.attended[0]!.tokens);
        expect(report.reusedTokens).toBe(0);
        expect(streamed).toBe(report.text);
    });

    it("re-reads the one file that changed", async () => {
        await engine.updateWorkspace({
            workspace,
            upsert: [{path: "src/warnings.ts", text: `${files[2]!.text}\n// changed\n`}],
        });
        const told = new Map<string, number>();
        const report = await engine.read({workspace}, ({path: file = "", filesTotal}) => told.set(file, filesTotal));
        expect(report.files.map(({path: file, source: from}) => [file, from])).toEqual([
            ["src/derivation.ts", "memory"],
            ["src/tracking.ts", "memory"],
            ["src/warnings.ts", "read"],
        ]);
        // Whoever waits, waits for that one.
        expect([...told]).toEqual([["src/warnings.ts", 1]]);
    });

    it("names what a question had to leave out, and why", async () => {
        const report = await engine.ask(
            ask("What is in env?", {
                conversation: "five",
                choice: {context: ["src/derivation.ts", "missing.ts"], onlyNamed: true},
            }),
            {},
        );
        expect(report.attended.map(({path: file}) => file)).toEqual(["src/derivation.ts"]);
        expect(report.leftOut.map(({path: file}) => file)).toContain("missing.ts");
    });

    it("completes at a cursor over the other files", async () => {
        const text = "import {isComputingDerivation} from './derivation';\n\nexport function isIdle() {\n    return ";
        const report = await engine.complete({
            workspace,
            path: "src/idle.ts",
            text,
            offset: text.length,
            maxTokens: 8,
            multiLine: "never",
            choice: {open: ["src/derivation.ts"]},
        });
        expect(report.mode).toBe("prefix");
        expect(report.attended.map(({path: file}) => file)).toContain("src/derivation.ts");
        expect(report.text).not.toContain("\n");
    });

    it("writes several candidates over the same files, the first as when it is the only one", async () => {
        // A sentence may go on in many ways.
        const text = "import {isComputingDerivation} from './derivation';\n\n/** Tells the ";
        const request = {
            workspace,
            path: "src/idle.ts",
            text,
            offset: text.length,
            maxTokens: 8,
            multiLine: "never" as const,
            choice: {open: ["src/derivation.ts"]},
        };
        await engine.read({workspace, paths: ["src/derivation.ts"]});
        await engine.complete(request);
        // With the prompt's rows there, as for those that follow.
        const one = await engine.complete(request);
        const {kv} = engine.status();
        const several = await engine.complete({...request, n: 3});
        expect(several.text).toBe(one.text);
        expect(several.candidates![0]).toBe(one.text);
        expect(several.candidates!.length).toBeGreaterThan(1);
        expect(new Set(several.candidates).size).toBe(several.candidates!.length);
        expect(several.attended).toEqual(one.attended);
        // Nothing of the prompt is computed anew, and nothing of the others stays.
        expect(several.promptTokens - several.reusedPromptTokens).toBe(1);
        expect(await engine.complete({...request, n: 3})).toMatchObject({candidates: several.candidates});
        expect((await engine.complete(request)).text).toBe(one.text);
        expect(engine.status().kv.usedBytes).toBeLessThanOrEqual(kv.usedBytes + 2 ** 20);

        const stop = new AbortController();
        const cancelled = engine.complete({...request, maxTokens: 64, multiLine: "always", n: 4}, stop.signal);
        setImmediate(() => stop.abort());
        await expect(cancelled).rejects.toMatchObject({code: "cancelled"});
        expect((await engine.complete(request)).text).toBe(one.text);
    });

    it("reads again only what typing has changed", async () => {
        const written = `${lines.slice(0, 30).join("\n")}\n\nexport function isIdleNow(value) {\n    return value`;
        const complete = (text: string) =>
            engine.complete({
                workspace,
                path: "src/typing.ts",
                text,
                offset: text.length,
                maxTokens: 3,
                multiLine: "never",
                choice: {onlyNamed: true},
            });
        await complete(written.slice(0, -12));
        for (let left = 11; left >= 0; left--) {
            const report = await complete(written.slice(0, written.length - left));
            expect(report.promptTokens).toBeGreaterThan(200);
            // The letters since the last token that stays one, hardly ever more than two tokens.
            expect(report.promptTokens - report.reusedPromptTokens).toBeLessThanOrEqual(4);
        }
    });

    it("stops when it is told to, and answers the next question", async () => {
        const stop = new AbortController();
        const request = ask("Tell me everything.", {conversation: "six", maxTokens: 400, choice: {onlyNamed: true}});
        const report = engine.ask(request, {text: () => stop.abort()}, stop.signal);
        expect((await report).stop).toBe("cancelled");
        const next = await engine.ask(ask("And now?", {conversation: "six", choice: {onlyNamed: true}}), {});
        expect(next.tokens).toBeGreaterThan(0);
    });

    it("lets a completion run in the middle of an answer, which goes on as if nothing had been", async () => {
        const request = ask("Say something long about derivations.", {
            conversation: "seven",
            maxTokens: 24,
            choice: {onlyNamed: true},
        });
        const undisturbed = await engine.ask(request, {});
        let completed: Promise<unknown> | undefined;
        let order = "";
        const disturbed = await engine.ask(
            {...request, conversation: "eight"},
            {
                text: () => {
                    order += "t";
                    completed ??= engine
                        .complete({
                            workspace,
                            path: "a.ts",
                            text: "const a = ",
                            offset: 10,
                            maxTokens: 4,
                            multiLine: "never",
                        })
                        .then(() => (order += "C"));
                },
            },
        );
        await completed;
        expect(disturbed.text).toBe(undisturbed.text);
        expect(order).toMatch(/^t+Ct+/);
    });
});

describe("a second run", () => {
    it("finds on disk what the first has read, and nothing that would not fit", async () => {
        const engine = await createEngine(settings());
        await engine.updateWorkspace({workspace, upsert: files});
        const report = await engine.read({workspace, paths: ["src/derivation.ts", "src/tracking.ts"]});
        expect(report.files.map(({source: from}) => from)).toEqual(["disk", "disk"]);
        await engine.dispose();
        const other = await createEngine(settings({budget: 0.5}));
        await other.updateWorkspace({workspace, upsert: files});
        expect((await other.read({workspace, paths: ["src/tracking.ts"]})).files[0]!.source).toBe("read");
        await other.dispose();
    });
});

describe("a question that should not wait", () => {
    it("reads the file it names, and names the file that Kvasir chose and nobody has read", async () => {
        const engine = await createEngine(settings({waitForReadsMs: 0, cacheDir: path.join(folder, "hasty")}));
        await engine.updateWorkspace({workspace, upsert: files});
        const report = await engine.ask(
            ask("What does src/warnings.ts warn of?", {choice: {context: ["src/tracking.ts"]}}),
            {},
        );
        expect(report.attended.map((file) => file.path)).toEqual(["src/tracking.ts"]);
        expect(report.readTokens).toBe(report.attended[0]!.tokens);
        expect(report.leftOut).toContainEqual({path: "src/warnings.ts", why: "not read yet"});
        await engine.dispose();
    });
});

describe.each([
    ["q8_0", 34],
    ["q4_0", 18],
] as const)("rows in %s", (rowType, blockBytes) => {
    it("are cut by the same head profile and take as many bytes as their blocks", async () => {
        const engine = await createEngine(settings({rowType}));
        await engine.updateWorkspace({workspace, upsert: files});
        expect((await engine.load()).headProfile).toBe("shipped");
        const {files: read} = await engine.read({workspace, paths: ["src/derivation.ts"]});
        // Bytes for 32 values, instead of 64 in f16; the quarter's share is of f16 rows.
        expect(read[0]!.bytes / read[0]!.fullBytes).toBeLessThanOrEqual((0.27 * blockBytes) / 64);
        await engine.dispose();
    });
});

describe("a model with fill-in-the-middle tokens", () => {
    it("is asked with them, the text behind the cursor before the gap", async () => {
        // Special tokens that the small model has no use for play the roles.
        const modelPath = path.join(folder, "fim.gguf");
        const role = (value: number) => ({type: "u32", value}) as const;
        patchGguf(smallModelPath, modelPath, {
            set: {
                "tokenizer.ggml.fim_pre_token_id": role(6),
                "tokenizer.ggml.fim_suf_token_id": role(7),
                "tokenizer.ggml.fim_mid_token_id": role(8),
            },
        });
        const engine = await createEngine(settings({modelPath}));
        expect((await engine.load()).hasFim).toBe(true);
        const text = "const a = 1;\nconst b = ;\n";
        const offset = text.indexOf(";\n", 14);
        const request = {workspace, path: "a.ts", text, offset, maxTokens: 6, multiLine: "never" as const};
        const report = await engine.complete(request);
        expect(report.mode).toBe("fim");
        // The text behind the cursor stands behind the one before it, and is all that is read again with a letter.
        const typed = await engine.complete({
            ...request,
            text: `${text.slice(0, offset)}a${text.slice(offset)}`,
            offset: offset + 1,
        });
        const [nAfter] = await engine.countTokens([text.slice(offset)]);
        expect(typed.promptTokens - typed.reusedPromptTokens).toBeLessThanOrEqual(nAfter! + 4);
        await engine.dispose();
    });
});

describe("bad input", () => {
    it.each([
        ["a missing model", "nowhere.gguf", undefined, "model-missing"],
        ["a file that is no GGUF", "text.gguf", Buffer.from("this is no model"), "model-broken"],
        ["a GGUF that was cut short", "cut.gguf", "cut", "model-broken"],
    ] as const)("%s is told as such", async (_name, file, content, code) => {
        const modelPath = path.join(folder, file);
        if (content === "cut") writeFileSync(modelPath, readFileSync(smallModelPath).subarray(0, 5_000_000));
        else if (content !== undefined) writeFileSync(modelPath, content);
        const engine = await createEngine(settings({modelPath}));
        await expect(engine.load()).rejects.toMatchObject({code});
        const report = await engine.doctor();
        expect(report.ok).toBe(false);
        expect(report.checks.find(({id}) => id === "model")?.detail).toContain(code);
        await engine.dispose();
    });

    it("refuses unknown policies and impossible budgets before anything is loaded", async () => {
        await expect(createEngine(settings({policy: "best"}))).rejects.toMatchObject({code: "unknown-policy"});
        await expect(createEngine(settings({budget: 0}))).rejects.toMatchObject({code: "usage"});
        await expect(createEngine(settings({budget: 1.5}))).rejects.toMatchObject({code: "usage"});
    });

    it("refuses a question that is longer than the window", async () => {
        const engine = await createEngine(settings());
        await expect(engine.ask(ask(source.repeat(3)), {})).rejects.toMatchObject({code: "question-too-long"});
        await engine.dispose();
    });

    it("answers with what fits when the KV limit is small", async () => {
        const engine = await createEngine(settings({kvMib: 40, cacheDir: path.join(folder, "small")}));
        await engine.updateWorkspace({workspace, upsert: files});
        const report = await engine.ask(
            ask("What is tracked?", {choice: {context: files.map(({path: file}) => file), onlyNamed: true}}),
            {},
        );
        expect(report.attended.length + report.leftOut.length).toBe(3);
        expect(report.tokens).toBeGreaterThan(0);
        expect(engine.status().kv.peakBytes).toBeLessThanOrEqual(40 * 2 ** 20);
        await engine.dispose();
    });
});
