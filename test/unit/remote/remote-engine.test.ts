import {inspect} from "node:util";
import {describe, expect, it} from "vitest";
import type {AskRequest, EngineApi} from "../../../extension/protocol/engine.js";
import {
    type Answer,
    type FakeServer,
    chatEvents,
    fakeServer,
    json,
    models,
    remoteEngine,
    status,
    stream,
} from "./fake-server.js";

const chat = "POST /v1/chat/completions";
const files = [
    {path: "src/a.ts", text: "export const a = 1;"},
    {path: "src/b.ts", text: "export const b = 2;"},
    {path: "src/c.ts", text: "export const c = '$& $1';"},
];

const question = (context: string[], text = "What is a?", more: Partial<AskRequest> = {}): AskRequest => ({
    workspace: "w",
    conversation: "c",
    turns: [{role: "user", text}],
    choice: {context, onlyNamed: true},
    maxTokens: 100,
    temperature: 0.2,
    ...more,
});

async function serving(
    answer: Answer | Answer[],
    server: Partial<Parameters<typeof remoteEngine>[0]> = {},
    waits: Parameters<typeof remoteEngine>[1] = {},
): Promise<{server: FakeServer; engine: EngineApi}> {
    const fake = await fakeServer({"GET /v1/models": models, [chat]: answer});
    const engine = remoteEngine({baseUrl: fake.url, ...server}, waits);
    await engine.updateWorkspace({workspace: "w", upsert: files});
    return {server: fake, engine};
}

const codeOf = (work: Promise<unknown>) =>
    work.then(
        () => "no error",
        (error: {code?: string}) => error.code,
    );
type Message = {role: string; content: string};
const systemOf = (body: unknown) => (body as {messages: Message[]}).messages[0]!.content;

describe("an answer of a server", () => {
    it("streams, over files that stand before the instructions and the conversation", async () => {
        const usage = {prompt_tokens: 50, completion_tokens: 2, prompt_tokens_details: {cached_tokens: 7}};
        const {server, engine} = await serving(stream(chatEvents(["It is ", "one."], usage)), {apiKey: "k-1"});
        const pieces: string[] = [];
        const attended: string[][] = [];
        const report = await engine.ask(
            question(["src/a.ts", "src/c.ts"], "What is a?", {instructions: "Be brief.", seed: 5}),
            {text: (piece) => pieces.push(piece), attended: (seen) => attended.push(seen.map(({path}) => path))},
        );
        expect(pieces).toEqual(["It is ", "one."]);
        expect(report).toMatchObject({text: "It is one.", tokens: 2, stop: "endOfText", reusedTokens: 7});
        expect(attended).toEqual([["src/a.ts", "src/c.ts"]]);
        const [asked] = server.to(chat);
        expect(asked?.headers.authorization).toBe("Bearer k-1");
        expect(asked?.body).toMatchObject({model: "m", stream: true, max_tokens: 100, temperature: 0.2, seed: 5});
        const messages = asked?.body?.["messages"] as Message[];
        expect(messages.map(({role}) => role)).toEqual(["system", "user"]);
        const places = [
            "// File: src/a.ts\nexport const a = 1;",
            "// File: src/c.ts\nexport const c = '$& $1';",
            "Be brief.",
        ].map((text) => messages[0]!.content.indexOf(text));
        expect(places.every((at, i) => at > (places[i - 1] ?? 0))).toBe(true);
        expect(engine.status()).toMatchObject({state: "ready", server: {kind: "vllm"}, kv: {limitBytes: 0}});
    });

    it("begins as the prompt before it did, whatever is asked and in whatever order files are named", async () => {
        const {server, engine} = await serving(stream(chatEvents(["x"])));
        await engine.ask(question(["src/b.ts", "src/a.ts"]), {});
        await engine.ask(question(["src/a.ts", "src/c.ts", "src/b.ts"], "Another?"), {});
        const [first, second] = server.to(chat).map(({body}) => systemOf(body));
        const filesOf = (text: string) => text.slice(0, text.indexOf("Answer from the files above"));
        expect(second!.startsWith(filesOf(first!))).toBe(true);
        expect(filesOf(second!).length).toBeGreaterThan(filesOf(first!).length);
        // A changed file goes behind those whose rows the server still has.
        await engine.updateWorkspace({workspace: "w", upsert: [{path: "src/b.ts", text: "export const b = 3;"}]});
        await engine.ask(question(["src/b.ts", "src/a.ts"]), {});
        const third = systemOf(server.to(chat)[2]!.body);
        expect(third.indexOf("src/a.ts")).toBeLessThan(third.indexOf("src/b.ts"));
    });

    it("keeps reasoning apart, in either form", async () => {
        const thinking = (delta: object) => ({choices: [{index: 0, delta, finish_reason: null}]});
        const {engine} = await serving([
            stream([thinking({reasoning_content: "hm"}), ...chatEvents(["Yes."])]),
            stream(chatEvents(["<think>h", "m</think>", "Yes."])),
        ]);
        for (let i = 0; i < 2; i++)
            expect(await engine.ask(question([]), {})).toMatchObject({text: "Yes.", thought: "hm"});
    });

    it("calls tools, in pieces as vLLM sends them or whole, and is told what they said", async () => {
        const piece = (tool_calls: object[], finish_reason: string | null = null) => ({
            choices: [{index: 0, delta: {tool_calls}, finish_reason}],
        });
        const {server, engine} = await serving([
            stream([
                ...chatEvents(["Let me look."]).slice(0, 2),
                piece([{index: 0, id: "a", type: "function", function: {name: "get_weather", arguments: ""}}]),
                piece([{index: 0, function: {arguments: '{"ci'}}]),
                piece([{index: 0, function: {arguments: 'ty": "Oslo"}'}}]),
                piece([{index: 1, id: "b", type: "function", function: {name: "list", arguments: ""}}]),
                piece([], "tool_calls"),
            ]),
            stream([
                piece([{id: "c", function: {name: "list", arguments: "{}"}}]),
                piece([{id: "d", function: {name: "list", arguments: "{}"}}], "tool_calls"),
            ]),
            stream([piece([{index: 0, id: "e", function: {name: "list", arguments: '{"a": '}}], "tool_calls")]),
        ]);
        const tools = [{name: "get_weather", description: "Weather of a city"}];
        const first = await engine.ask(question([], "Weather?", {tools}), {});
        expect(first).toMatchObject({
            text: "Let me look.",
            calls: [
                {id: "a", name: "get_weather", arguments: '{"city": "Oslo"}'},
                {id: "b", name: "list", arguments: "{}"},
            ],
        });
        const turns: AskRequest["turns"] = [
            {role: "user", text: "Weather?"},
            {role: "assistant", text: first.text, calls: first.calls!},
            {
                role: "user",
                text: "",
                results: [
                    {id: "a", text: "3"},
                    {id: "b", text: "none"},
                ],
            },
        ];
        const second = await engine.ask(question([], "", {tools, turns, toolChoice: "required"}), {});
        expect(second.calls?.map(({id}) => id)).toEqual(["c", "d"]);
        const [, asked] = server.to(chat);
        expect(asked?.body).toMatchObject({
            tool_choice: "required",
            tools: [{type: "function", function: {name: "get_weather", description: "Weather of a city"}}],
        });
        expect((asked?.body?.["messages"] as object[]).slice(1)).toEqual([
            {role: "user", content: "Weather?"},
            {
                role: "assistant",
                content: "Let me look.",
                tool_calls: [
                    {id: "a", type: "function", function: {name: "get_weather", arguments: '{"city": "Oslo"}'}},
                    {id: "b", type: "function", function: {name: "list", arguments: "{}"}},
                ],
            },
            {role: "tool", tool_call_id: "a", content: "3"},
            {role: "tool", tool_call_id: "b", content: "none"},
        ]);
        expect(await codeOf(engine.ask(question([], "Again?", {tools}), {}))).toBe("server-garbled");
    });

    it("is cancelled on the server when nobody waits for it", async () => {
        const {server, engine} = await serving(stream(chatEvents(["on and on"]).slice(0, 2), "hang"));
        const stop = new AbortController();
        const asked = codeOf(engine.ask(question([]), {text: () => stop.abort()}, stop.signal));
        expect(await asked).toBe("cancelled");
        await expect.poll(() => server.to(chat)[0]?.isGone()).toBe(true);
    });

    it("is stopped at once, though the rest of it came in the same moment", async () => {
        const {engine} = await serving((response) => {
            const events = [...chatEvents(["one", "two", "three"]), "[DONE]"];
            response.writeHead(200, {"content-type": "text/event-stream"});
            response.end(
                events
                    .map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`)
                    .join(""),
            );
        });
        const stop = new AbortController();
        const pieces: string[] = [];
        const text = (piece: string) => void (pieces.push(piece) === 1 && stop.abort());
        expect(await codeOf(engine.ask(question([]), {text}, stop.signal))).toBe("cancelled");
        expect(pieces).toEqual(["one"]);
    });
});

describe("a server that fails", () => {
    const secret = "sk-very-secret";
    it.each<[string, Answer | Answer[], string, number]>([
        ["a refused key", status(401, {error: {message: `wrong key ${secret}`}}), "server-key", 1],
        ["a key without rights", status(403, {}), "server-key", 1],
        ["too many requests, always", status(429, {error: "slow"}, {"retry-after": "0"}), "server-busy", 3],
        ["too many requests, for an hour", status(429, {}, {"retry-after": "3600"}), "server-busy", 1],
        ["an internal error", status(500, {error: {message: "boom"}}), "server-failed", 3],
        ["a proxy's page", status(502, "<!doctype html><p>Bad gateway"), "server-failed", 3],
        ["a login page", status(200, "<html>Sign in</html>"), "server-garbled", 1],
        ["a page where the API should be", status(404, "<html>No</html>"), "server-garbled", 1],
        ["a redirect elsewhere", status(302, {}, {location: "http://127.0.0.1:9/"}), "server-garbled", 1],
        ["a bad request", status(400, {error: {message: "no such option"}}), "server-failed", 1],
        ["JSON where a stream was asked for", json({choices: []}), "server-garbled", 1],
        ["garbage in the stream", stream(["data: {broken\n\n"]), "server-garbled", 1],
        ["another form", stream([{choices: "none"}]), "server-garbled", 1],
        [
            "an error in the stream",
            stream([...chatEvents(["x"]).slice(0, 2), {error: {message: "oom"}}]),
            "server-failed",
            1,
        ],
        ["a cut stream", stream(chatEvents(["x"]).slice(0, 2), "cut"), "server-unreachable", 1],
        ["a stream without an end", stream(chatEvents(["x"]).slice(0, 2)), "server-garbled", 1],
        [
            "a prompt that is too long for vLLM",
            status(400, {
                object: "error",
                message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
                code: 400,
            }),
            "question-too-long",
            1,
        ],
    ])("says so: %s", async (_, answer, code, nTries) => {
        const {server, engine} = await serving(answer, {apiKey: secret});
        const error = await engine.ask(question(["src/a.ts"]), {}).then(
            () => undefined,
            (thrown: Error & {code: string; fix?: string}) => thrown,
        );
        expect(error?.code).toBe(code);
        expect(server.to(chat)).toHaveLength(nTries);
        expect(error?.fix, "a way out").toMatch(/\w/);
        // Nor in what a log would show of it: causes, stacks and fields.
        const whole = inspect(error, {depth: null, showHidden: true});
        for (const text of [secret, "What is a?", "export const a"]) expect(whole).not.toContain(text);
        if (code === "question-too-long") expect(error?.message).toMatch(/5000 tokens.* 4096/);
    });

    it("takes the key back in the middle of a conversation", async () => {
        const {server, engine} = await serving([stream(chatEvents(["Yes."])), status(401, {error: "revoked"})], {
            apiKey: secret,
        });
        expect((await engine.ask(question([]), {})).text).toBe("Yes.");
        expect(await codeOf(engine.ask(question([], "And then?"), {}))).toBe("server-key");
        expect(server.to(chat)).toHaveLength(2);
    });

    it("and is well again after a while is asked again, no sooner than it said", async () => {
        const times: number[] = [];
        const {engine} = await serving([
            (response) => {
                times.push(performance.now());
                return status(429, {}, {"retry-after": "1"})(response, undefined as never);
            },
            (response) => {
                times.push(performance.now());
                return stream(chatEvents(["Yes."]))(response, undefined as never);
            },
        ]);
        expect((await engine.ask(question([]), {})).text).toBe("Yes.");
        expect(times[1]! - times[0]!).toBeGreaterThan(990);
    });

    it("says nothing for too long, before or inside an answer", async () => {
        const silent = await serving(() => {}, {}, {firstMs: 30});
        expect(await codeOf(silent.engine.ask(question([]), {}))).toBe("server-timeout");
        const stalling = await serving(stream(chatEvents(["x"]).slice(0, 2), "hang"), {}, {stallMs: 30});
        expect(await codeOf(stalling.engine.ask(question([]), {}))).toBe("server-timeout");
        await expect.poll(() => stalling.server.to(chat)[0]?.isGone()).toBe(true);
    });

    it("sends without end, and is stopped", async () => {
        const endless: Answer = async (response) => {
            response.writeHead(200, {"content-type": "text/event-stream"});
            const piece = `data: ${JSON.stringify(chatEvents(["y".repeat(1000)])[1])}\n\n`;
            while (!response.destroyed) {
                response.write(piece);
                await new Promise((next) => setImmediate(next));
            }
        };
        const {engine} = await serving(endless);
        const report = await engine.ask(question([], "Hm?", {maxTokens: 10}), {});
        expect(report.stop).toBe("maxTokens");
        expect(report.text.length).toBeLessThan(10_000);
        expect(report.notes.join(" ")).toContain("more than was asked for");
        const line = await serving(async (response) => {
            response.writeHead(200, {"content-type": "text/event-stream"});
            response.write("data: ");
            while (!response.destroyed) {
                response.write("z".repeat(65_536));
                await new Promise((next) => setImmediate(next));
            }
        });
        expect(await codeOf(line.engine.ask(question([]), {}))).toBe("server-garbled");
    });

    it("counts what cannot be", async () => {
        const usage = {prompt_tokens: -4, completion_tokens: "many", prompt_tokens_details: {cached_tokens: 1e300}};
        const {engine} = await serving(stream(chatEvents(["a", "b"], usage)));
        expect(await engine.ask(question(["src/a.ts"]), {})).toMatchObject({tokens: 2, reusedTokens: 0});
    });

    it("is not there, or does not have the model", async () => {
        const {server} = await serving(stream([]));
        const nobody = remoteEngine({baseUrl: "http://127.0.0.1:9/v1"});
        expect(await codeOf(nobody.load())).toBe("server-unreachable");
        expect(nobody.status()).toMatchObject({state: "failed", error: {code: "server-unreachable"}});
        const other = remoteEngine({baseUrl: server.url, model: "gpt"});
        expect(await codeOf(other.load())).toBe("server-model");
        expect((await other.doctor()).ok).toBe(false);
    });

    it("has an address that a key must not travel to", () => {
        const make = (baseUrl: string) => () => remoteEngine({baseUrl, apiKey: "k"});
        for (const url of [
            "http://gpu.example/v1",
            "ftp://a/v1",
            "nonsense",
            "https://me:pw@a/v1",
            "https://a/v1?key=1",
        ])
            expect(make(url), url).toThrow(expect.objectContaining({code: "server-address"}) as Error);
        expect(make("https://gpu.example/v1")).not.toThrow();
    });
});

describe("what a server tells of itself", () => {
    it.each([
        ["vllm", {data: [{id: "m", max_model_len: 4096}]}, 4096],
        ["sglang", {data: [{id: "m", max_model_len: 32768}]}, 32768],
        ["generic", {data: [{id: "m"}]}, 8192],
    ] as const)("is the window of %s", async (kind, list, window) => {
        const server = await fakeServer({
            "GET /v1/models": json(list),
            "POST /tokenize": json({count: 3, max_model_len: window, tokens: [1, 2, 3]}),
        });
        const engine = remoteEngine({baseUrl: server.url, kind});
        expect((await engine.load()).window).toBe(window);
        expect(await engine.countTokens(["three of them"])).toEqual([kind === "generic" ? 5 : 3]);
    });
});

describe("a server of which nobody has said what it is", () => {
    it.each([
        ["vllm", {id: "m", owned_by: "vllm", max_model_len: 4096}, {kind: "vllm", window: 4096, count: 3}],
        ["nothing that is known", {id: "m", owned_by: "me"}, {kind: "generic", window: 8192, count: 5}],
        ["llamacpp, behind a proxy", {id: "m", owned_by: "llamacpp"}, {kind: "generic", window: 8192, count: 5}],
    ])("calls itself %s", async (_, model, {kind, window, count}) => {
        const server = await fakeServer({
            "GET /v1/models": json({data: [model]}),
            "POST /tokenize": json({count: 3, max_model_len: 4096, tokens: [1, 2, 3]}),
        });
        const engine = remoteEngine({baseUrl: server.url, kind: "generic"});
        expect((await engine.load()).window).toBe(window);
        expect(engine.status().server?.kind).toBe(kind);
        expect(await engine.countTokens(["three of them"])).toEqual([count]);
    });
});

describe("a completion of a server", () => {
    const request = {
        workspace: "w",
        path: "src/d.ts",
        text: "const d = \n",
        offset: 10,
        maxTokens: 20,
        multiLine: "auto",
    } as const;
    const completing = async (routes: Record<string, Answer | Answer[]>, kind: "generic" | "vllm", model = "m") => {
        const server = await fakeServer({
            "GET /v1/models": json({data: [{id: model, max_model_len: 4096}]}),
            ...routes,
        });
        const engine = remoteEngine({baseUrl: server.url, kind, model});
        await engine.updateWorkspace({workspace: "w", upsert: files});
        const done = await engine.complete({...request, choice: {context: ["src/a.ts"], onlyNamed: true}});
        return {server, engine, done};
    };
    const texts = (...pieces: string[]) =>
        stream(pieces.map((text) => ({choices: [{index: 0, text, finish_reason: null}]})));

    it("is spelled with the tokens of the model's family", async () => {
        const {server, done} = await completing({"POST /v1/completions": texts("a;")}, "vllm", "Qwen/Qwen2.5-Coder-7B");
        expect(done).toMatchObject({text: "a;", mode: "fim"});
        expect(server.to("POST /v1/completions")[0]?.body?.["prompt"]).toBe(
            "<|file_sep|>src/a.ts\nexport const a = 1;\n<|file_sep|>src/d.ts\n<|fim_prefix|>const d = <|fim_suffix|>\n<|fim_middle|>",
        );
    });

    it("of a text that spells such a token is not", async () => {
        const {server} = await completing({"POST /v1/completions": texts("a;")}, "vllm", "Qwen/Qwen2.5-Coder-7B");
        const engine = remoteEngine({baseUrl: server.url, model: "Qwen/Qwen2.5-Coder-7B"});
        const text = 'const t = "<|fim_suffix|>";\nconst d = ';
        const done = await engine.complete({...request, text, offset: text.length});
        expect(done.mode).toBe("prefix");
    });

    it("is one, however many were asked for", async () => {
        const {server, engine} = await completing({"POST /v1/completions": texts("a;")}, "generic");
        expect(await engine.complete({...request, n: 3})).toMatchObject({text: "a;", candidates: ["a;"]});
        expect(server.to("POST /v1/completions").at(-1)?.body).not.toHaveProperty("n");
    });

    it("asks by suffix where nothing is known of the model", async () => {
        const {server, done} = await completing({"POST /v1/completions": texts("a;")}, "generic");
        expect(done.mode).toBe("fim");
        expect(server.to("POST /v1/completions")[0]?.body).toMatchObject({suffix: "\n", max_tokens: 20});
    });
});
