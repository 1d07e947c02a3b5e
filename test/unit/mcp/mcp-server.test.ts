import {mkdir, mkdtemp, rm, symlink, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import {Client} from "@modelcontextprotocol/sdk/client/index.js";
import {InMemoryTransport} from "@modelcontextprotocol/sdk/inMemory.js";
import {describe, expect, it, onTestFinished} from "vitest";
import {LiveWorkspace} from "../../../extension/cli/live-workspace.js";
import {createMcpServer} from "../../../extension/cli/mcp/mcp-server.js";
import {WorkspaceTexts} from "../../../extension/cli/mcp/workspace-texts.js";
import {modelMissing} from "../../../extension/protocol/errors.js";
import {recordingEngine, type RecordingOptions} from "../cli/recording-engine.js";
import {someSettings} from "../process/scripted-engine.js";

const secret = `token = "ghp_${"a1B2c3D4e5F6".repeat(3)}"`;

/** An agent with the official client, on a folder of files. */
async function agent(options: RecordingOptions & {isBroken?: boolean} = {}) {
    const base = await mkdtemp(path.join(tmpdir(), "kv-mcp-"));
    onTestFinished(() => rm(base, {recursive: true, force: true}));
    const root = path.join(base, "workspace");
    await mkdir(path.join(root, "src"), {recursive: true});
    await writeFile(path.join(root, "src/retry.ts"), "// waits\nexport function retryRequest() {\n  return 1;\n}\n");
    await writeFile(path.join(root, "src/other.ts"), "export const other = 1;\n");
    await writeFile(path.join(root, "src/keys.ts"), `${secret}\n`);
    await writeFile(path.join(root, ".env"), "PASSWORD=hunter2\n");
    await writeFile(path.join(root, ".gitignore"), "built/\n");
    await mkdir(path.join(root, "built"));
    await writeFile(path.join(root, "built/out.ts"), "export const retryRequest = 2;\n");
    await writeFile(path.join(base, "outside.ts"), "export const outside = 1;\n");
    await symlink(path.join(base, "outside.ts"), path.join(root, "src/link.ts"));
    const {recorded, createEngine} = recordingEngine(options);
    const engine = await createEngine(someSettings);
    engine.forget = async () => undefined;
    const server = createMcpServer({
        version: "1",
        texts: new WorkspaceTexts(root),
        answering: async () => {
            if (options.isBroken) throw modelMissing("/no/model.gguf");
            return {engine, workspace: new LiveWorkspace(root, engine)};
        },
    });
    const client = new Client({name: "agent", version: "1"});
    const [here, there] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(here), client.connect(there)]);
    onTestFinished(() => client.close());
    const call = async (name: string, args: Record<string, unknown>, more?: {signal: AbortSignal}) => {
        const result = await client.callTool({name, arguments: args}, undefined, more);
        const [first] = result.content as {text: string}[];
        return {text: first?.text ?? "", isError: result.isError === true, structured: result.structuredContent};
    };
    return {client, call, recorded, root};
}

describe("kvasir mcp", () => {
    it("lists three tools that change nothing", async () => {
        const {tools} = await (await agent()).client.listTools();
        expect(tools.map(({name}) => name)).toEqual(["search_repo", "read_file", "ask_repo"]);
        expect(tools.every(({annotations}) => annotations?.readOnlyHint)).toBe(true);
    });

    it("search_repo finds files by what they speak of, with the lines", async () => {
        const {call} = await agent();
        const found = await call("search_repo", {query: "where is a request retried? retryRequest"});
        expect(found.structured).toMatchObject({
            files: [{path: "src/retry.ts", lines: [{line: 2, text: "export function retryRequest() {"}]}],
        });
        expect(found.text).toContain("src/retry.ts\n  2: export function retryRequest() {");
        expect((await call("search_repo", {query: "zebra"})).text).toBe("No file speaks of that.");
    });

    it("read_file reads lines of a file as it is now", async () => {
        const {call, root} = await agent();
        expect((await call("read_file", {path: "src/other.ts"})).text).toBe("export const other = 1;\n");
        expect((await call("read_file", {path: "./src/retry.ts", startLine: 2, endLine: 3})).text).toBe(
            "Lines 2 to 3 of 5:\nexport function retryRequest() {\n  return 1;",
        );
        await writeFile(path.join(root, "src/other.ts"), "export const other = 'changed';\n");
        await expect.poll(async () => (await call("read_file", {path: "src/other.ts"})).text).toContain("changed");
    });

    it("gives away no secret, nothing ignored and nothing outside, under no name", async () => {
        const {call} = await agent();
        const names = [
            "src/keys.ts",
            ".env",
            "built/out.ts",
            "../outside.ts",
            "src/link.ts",
            "/etc/passwd",
            "src/../.env",
            "src",
        ];
        for (const name of names) {
            const answer = await call("read_file", {path: name});
            expect(answer, name).toMatchObject({isError: true});
            expect(answer.text, name).toMatch(/^error file-missing: /);
        }
        for (const query of ["PASSWORD hunter2", "ghp_ token", "outside"])
            expect((await call("search_repo", {query})).text).not.toMatch(/hunter2|ghp_|outside = 1/);
    });

    it("ask_repo answers over the files that it names", async () => {
        const {call, recorded} = await agent();
        const answer = await call("ask_repo", {question: "Why?", context: ["src"], maxTokens: 7});
        expect(answer.text).toBe("Forty-two.\n\nFiles: a.ts");
        expect(answer.structured).toMatchObject({answer: "Forty-two.", files: ["a.ts"], reusedTokens: 100});
        expect(recorded.asks[0]).toMatchObject({
            turns: [{role: "user", text: "Why?"}],
            maxTokens: 7,
            choice: {context: ["src/other.ts", "src/retry.ts"], onlyNamed: true},
        });
        const wrong = await call("ask_repo", {question: "Why?", context: ["nowhere"]});
        expect(wrong).toMatchObject({isError: true});
        expect(wrong.text).toMatch(/^error file-missing: /);
    });

    it("ask_repo stops when the agent cancels, and says what is missing", async () => {
        let begun: (() => void) | undefined;
        const started = new Promise<void>((resolve) => (begun = resolve));
        let isStopped = false;
        const {call} = await agent({
            onAsk: (_request, _text, signal) =>
                new Promise((_, reject) => {
                    begun?.();
                    signal?.addEventListener("abort", () => {
                        isStopped = true;
                        reject(signal.reason as Error);
                    });
                }),
        });
        const stop = new AbortController();
        const asked = call("ask_repo", {question: "Why?"}, {signal: stop.signal}).catch(() => "cancelled");
        await started;
        stop.abort();
        expect(await asked).toBe("cancelled");
        await expect.poll(() => isStopped).toBe(true);
        const broken = await agent({isBroken: true});
        expect((await broken.call("ask_repo", {question: "Why?"})).text).toMatch(/^error model-missing: /);
    });

    it("takes nothing that its schema does not", async () => {
        const {call} = await agent();
        for (const args of [{}, {query: ""}, {query: "x", limit: 1000}, {query: 5}])
            expect((await call("search_repo", args).catch(() => ({isError: true}))).isError).toBe(true);
    });
});
