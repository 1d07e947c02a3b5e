import type {ChildProcess} from "node:child_process";
import {once} from "node:events";
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {request as httpRequest} from "node:http";
import {tmpdir} from "node:os";
import {join} from "node:path";
import OpenAI from "openai";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {createRemoteEngine} from "../../extension/engine/remote/remote-engine.js";
import type {EngineSettings, RemoteServer} from "../../extension/protocol/engine.js";
import {endEngine} from "../../scripts/vscode/end-engine.mjs";
import {CliWorkspace} from "./cli-runs.js";

// `kvasir serve` as people start it, with the real small model, asked by the official client of the API.
const runtimeDir = mkdtempSync(join(tmpdir(), "kv-"));
const file = "src/api/when.ts";
const secretText = "the colour of the bicycle is ultramarine";
const workspace = new CliWorkspace([file]);
let server: ChildProcess;
let log = "";
let said: {url: string; token: string; model: string};
let client: OpenAI;

beforeAll(async () => {
    process.env["KVASIR_RUNTIME_DIR"] = runtimeDir;
    mkdirSync(join(workspace.folder, "docs"));
    writeFileSync(join(workspace.folder, "docs/note.md"), `# Note\n\n${secretText}.\n`);
    writeFileSync(join(workspace.folder, ".env"), "PASSWORD=hunter2\n");
    const flags = ["serve", "--port", "0", "--json", "--max-body-mib", "1", "--max-pending", "2"];
    server = workspace.start(flags).child;
    server.stderr!.on("data", (text: string) => (log += text));
    let out = "";
    server.stdout!.on("data", (text: string) => (out += text));
    while (!out.includes("\n")) {
        const ended = await Promise.race([once(server.stdout!, "data"), once(server, "exit")]);
        if (server.exitCode !== null) throw new Error(`it ended: ${String(ended)} ${log}`);
    }
    said = JSON.parse(out) as typeof said;
    client = new OpenAI({baseURL: said.url, apiKey: said.token, maxRetries: 0});
});

afterAll(async () => {
    if (server.exitCode === null) {
        const exited = once(server, "exit");
        server.kill("SIGTERM");
        await exited;
    }
    await endEngine(runtimeDir);
    delete process.env["KVASIR_RUNTIME_DIR"];
    workspace.remove();
    rmSync(runtimeDir, {recursive: true, force: true});
});

interface Kvasir {
    attended: {path: string; tokens: number}[];
    reusedTokens: number;
    readTokens: number;
    ignored: string[];
}
const kvasirOf = (answer: object) => (answer as {kvasir?: Kvasir}).kvasir;
const question = {role: "user", content: "What does when do?"} as const;
/** A field of ours, which the client passes on. */
const withContext = (...context: string[]) => ({context}) as object;

describe("kvasir serve", () => {
    it("tells its token once, and which models there are", async () => {
        expect(said.token).toMatch(/^kvasir-[\w-]{43}$/);
        expect(said.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
        const models = await client.models.list();
        expect(models.data.map(({id}) => id)).toEqual([said.model, "kvasir"]);
    });

    it("serves the engine of another machine, over a port that is forwarded", async () => {
        const settings: EngineSettings = {
            ...{modelPath: "", gpu: "auto", policy: "aha-file", budget: 0.25, rowType: "f16", cacheDir: "", threads: 0},
            ...{position: "parallel", attendedTokens: 1000, waitForReadsMs: 0},
        };
        const server: RemoteServer = {baseUrl: said.url, model: "", kind: "generic", apiKey: said.token};
        const engine = createRemoteEngine(settings, server);
        expect(await engine.load()).toMatchObject({name: said.model, window: 8192});
        await engine.updateWorkspace({workspace: "w", upsert: [{path: "a.ts", text: "export const a = 1;\n"}]});
        const turns = [{role: "user" as const, text: "What is a?"}];
        const choice = {context: ["a.ts"], onlyNamed: true};
        const asked = {workspace: "w", conversation: "c", turns, choice, maxTokens: 4, temperature: 0};
        const report = await engine.ask(asked, {});
        expect(report).toMatchObject({tokens: 4, stop: "maxTokens", attended: [{path: "a.ts"}]});
        await engine.dispose();
    });

    it("answers over the files that are named, and reads them once", async () => {
        const ask = {model: "kvasir", messages: [question], max_tokens: 4, temperature: 0, ...withContext(file)};
        const first = await client.chat.completions.create(ask);
        expect(first.choices[0]?.message.content?.length).toBeGreaterThan(0);
        expect(first.choices[0]?.finish_reason).toBe("length");
        expect(first.usage?.completion_tokens).toBe(4);
        expect(kvasirOf(first)?.attended.map(({path}) => path)).toEqual([file]);
        expect(kvasirOf(first)?.readTokens).toBe(kvasirOf(first)?.attended[0]?.tokens);
        const again = await client.chat.completions.create({...ask, top_p: 0.5});
        expect(again.usage?.completion_tokens).toBe(4);
        expect(kvasirOf(again)).toMatchObject({
            readTokens: 0,
            reusedTokens: kvasirOf(first)?.readTokens,
            ignored: ["top_p"],
        });
        expect(again.usage?.prompt_tokens_details?.cached_tokens).toBe(kvasirOf(first)?.readTokens);
    });

    it("streams the same text, with the files first and the usage last", async () => {
        const ask = {model: said.model, messages: [question], max_tokens: 6, temperature: 0, ...withContext("docs")};
        // The first one computes the question's rows; the others have them and so compute the same.
        await client.chat.completions.create(ask);
        const whole = await client.chat.completions.create(ask);
        const stream = await client.chat.completions.create({
            ...ask,
            stream: true,
            stream_options: {include_usage: true},
        });
        let text = "";
        let usage: object | null | undefined;
        const reports: (Kvasir | undefined)[] = [];
        for await (const chunk of stream) {
            text += chunk.choices[0]?.delta.content ?? "";
            usage ??= chunk.usage;
            if (kvasirOf(chunk)) reports.push(kvasirOf(chunk));
        }
        expect(text).toBe(whole.choices[0]?.message.content);
        expect(usage).toMatchObject({completion_tokens: 6});
        expect(reports.map((report) => report?.attended.map(({path}) => path))).toEqual([
            ["docs/note.md"],
            ["docs/note.md"],
        ]);
    });

    it("ends at the client's stop text", async () => {
        const ask = {model: "kvasir", messages: [question], max_tokens: 8, temperature: 0, ...withContext("docs")};
        await client.chat.completions.create(ask);
        const whole = (await client.chat.completions.create(ask)).choices[0]?.message.content ?? "";
        const stop = whole.slice(3, 6);
        const cut = await client.chat.completions.create({...ask, stop});
        expect(cut.choices[0]?.message.content).toBe(whole.slice(0, whole.indexOf(stop)));
        expect(cut.choices[0]?.finish_reason).toBe("stop");
    });

    it("completes text before and after a cursor", async () => {
        const text = readFileSync(join(workspace.folder, file), "utf8");
        const at = text.indexOf("export function when(") + "export function when(".length;
        const done = await client.completions.create({
            model: "kvasir",
            prompt: text.slice(0, at),
            suffix: text.slice(at),
            max_tokens: 8,
            ...({context: [file], path: "src/api/new.ts"} as object),
        });
        expect(done.object).toBe("text_completion");
        expect(typeof done.choices[0]?.text).toBe("string");
        expect(kvasirOf(done)?.attended.map(({path}) => path)).toEqual([file]);
    });

    it("ends the work of a client that goes away, and serves the next", async () => {
        const stream = await client.chat.completions.create({
            model: "kvasir",
            messages: [{role: "user", content: "Count from one to one thousand."}],
            max_tokens: 30_000,
            stream: true,
            ...withContext("docs"),
        });
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
        // The next one has an answer, so the device is free again: the long one was not finished first.
        const next = await client.chat.completions.create({
            model: "kvasir",
            messages: [question],
            max_tokens: 2,
            ...withContext("docs"),
        });
        expect(next.usage?.completion_tokens).toBe(2);
        await expect.poll(() => log, {timeout: 60_000}).toMatch(/POST \/v1\/chat\/completions 499 /);
    });

    it("says what is wrong in the API's own form", async () => {
        const ask = (more: object) =>
            client.chat.completions.create({model: "kvasir", messages: [question], ...more}).then(
                () => undefined,
                (error: InstanceType<typeof OpenAI.APIError>) => ({
                    status: error.status,
                    code: error.code,
                    param: error.param,
                }),
            );
        expect(await ask({context: ["src/nowhere.ts"]})).toMatchObject({status: 400, code: "file-missing"});
        expect(await ask({context: [".env"]})).toMatchObject({status: 400, code: "file-missing"});
        expect(await ask({context: ["../../../etc/passwd"]})).toMatchObject({status: 400, code: "file-missing"});
        expect(await ask({model: "gpt-4"})).toMatchObject({status: 404, code: "model-unknown"});
        expect(await ask({n: 2})).toMatchObject({status: 400, code: "request-invalid", param: "n"});
        expect(await ask({messages: []})).toMatchObject({status: 400, param: "messages"});
        expect(await ask({temperature: "hot"})).toMatchObject({status: 400, param: "temperature"});
        expect(await ask({messages: [{role: "user", content: "a ".repeat(20_000)}]})).toMatchObject({
            status: 400,
            code: "question-too-long",
        });
        expect(await ask({messages: [{role: "user", content: "a ".repeat(600_000)}]})).toMatchObject({
            status: 413,
            code: "request-too-large",
        });
    });

    it("refuses who has no token, a web page, and another name for this machine", async () => {
        const wrong = new OpenAI({baseURL: said.url, apiKey: "kvasir-of-somebody-else", maxRetries: 0});
        await expect(wrong.models.list()).rejects.toMatchObject({status: 401, code: "token-wrong"});
        const get = (headers: Record<string, string>) =>
            new Promise<{status: number | undefined; cors: string | undefined}>((resolve, reject) => {
                httpRequest(
                    `${said.url}/models`,
                    {headers: {authorization: `Bearer ${said.token}`, ...headers}},
                    (reply) => {
                        reply.resume();
                        resolve({status: reply.statusCode, cors: reply.headers["access-control-allow-origin"]});
                    },
                )
                    .on("error", reject)
                    .end();
            });
        expect(await get({})).toEqual({status: 200, cors: undefined});
        expect(await get({origin: "https://example.org"})).toEqual({status: 403, cors: undefined});
        expect(await get({host: "rebound.example.org"})).toEqual({status: 403, cors: undefined});
    });

    it("logs neither text nor token, and ends when it is told to", async () => {
        const exited = once(server, "exit");
        server.kill("SIGTERM");
        expect((await exited)[0]).toBe(0);
        expect(log).toContain("POST /v1/chat/completions 200 ");
        for (const word of [said.token, secretText, "bicycle", "What does when do"]) expect(log).not.toContain(word);
    });
});
