/**
 * What a remote engine does with a llama-server: each scenario runs against the real one in `npm run test:peers`, which can
 * record it, and in `npm test` against the recording, with the same client and the same expectations.
 */
import {readFileSync} from "node:fs";
import path from "node:path";
import {expect} from "vitest";
import {createRemoteEngine} from "../../extension/engine/remote/remote-engine.js";
import {defaultWaits} from "../../extension/engine/remote/server-http.js";
import type {
    AskRequest,
    CompleteRequest,
    EngineApi,
    EngineSettings,
    RemoteServer,
} from "../../extension/protocol/engine.js";
import {weatherBefore, weatherTool} from "../reference/weather-calls.js";
import {peerKey} from "./exchanges.js";

export interface Peer {
    url: string;
    /** Resolves once the server has noticed that nobody waits any more. */
    isIdle: () => Promise<boolean>;
    /** Ends the server in the middle of what it does; a recording ends by itself. */
    kill: () => Promise<void>;
}

export interface Scenario {
    name: string;
    title: string;
    /** The small model, with a template that has tools, or a copy with fill-in-the-middle tokens. */
    model: "chat" | "tools" | "fim";
    run: (peer: Peer) => Promise<void>;
}

const sample = readFileSync(path.resolve(import.meta.dirname, "../fixtures/sample-source.ts.txt"), "utf8").split("\n");
const files = [
    {path: "src/derivation.ts", text: sample.slice(20, 60).join("\n")},
    {
        path: "src/area.ts",
        text: "export function area(width: number, height: number) {\n    return width * height;\n}\n",
    },
];

const question = (text: string, more: Partial<AskRequest> = {}): AskRequest => ({
    workspace: "w",
    conversation: "c",
    turns: [{role: "user", text}],
    choice: {context: files.map((file) => file.path), onlyNamed: true},
    maxTokens: 16,
    temperature: 0,
    ...more,
});

const completion: CompleteRequest = {
    workspace: "w",
    path: "src/volume.ts",
    text: "export function volume(width: number, height: number, depth: number) {\n    return \n}\n",
    offset: 82,
    choice: {context: ["src/area.ts"], onlyNamed: true},
    maxTokens: 12,
    multiLine: "never",
};

async function connect(peer: Peer, server: Partial<RemoteServer> = {}): Promise<EngineApi> {
    const remote: RemoteServer = {baseUrl: peer.url, model: "", kind: "llama-server", apiKey: peerKey, ...server};
    const settings: EngineSettings = {
        remote,
        ...{modelPath: "", gpu: "auto", policy: "aha-file", budget: 0.25, rowType: "f16", cacheDir: "", threads: 0},
        ...{position: "parallel", attendedTokens: 8192, waitForReadsMs: 0},
    };
    const engine = createRemoteEngine(settings, remote, {...defaultWaits, backoffMs: [1, 1]});
    await engine.updateWorkspace({workspace: "w", upsert: files});
    return engine;
}

const failure = (work: Promise<unknown>) =>
    work.then(
        () => undefined,
        (error: Error & {code: string; fix?: string}) => error,
    );

export const scenarios: readonly Scenario[] = [
    {
        name: "facts",
        title: "tells its model, its window and how many tokens a text has",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            expect(await engine.load()).toMatchObject({name: "smollm2", window: 2048});
            // As node-llama-cpp's tokenizer splits them: "return", " width", " *", " height", ";".
            expect(await engine.countTokens(["return width * height;", ""])).toEqual([5, 0]);
            const report = await engine.doctor();
            expect(report).toMatchObject({ok: true, model: {window: 2048}});
        },
    },
    {
        name: "chat",
        title: "answers in pieces, and has the rows of the files when the next question comes",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            const pieces: string[] = [];
            const first = await engine.ask(question("What does area return?"), {text: (piece) => pieces.push(piece)});
            expect(pieces.length).toBeGreaterThan(3);
            expect(pieces.join("")).toBe(first.text);
            expect(first).toMatchObject({tokens: 16, stop: "maxTokens", notes: []});
            const turns: AskRequest["turns"] = [
                {role: "user", text: "What does area return?"},
                {role: "assistant", text: first.text},
                {role: "user", text: "And in one word?"},
            ];
            // By the server's own count: everything up to the first answer's end was in its cache.
            const second = await engine.ask(question("", {turns}), {});
            const fileTokens = second.attended.reduce((sum, {tokens}) => sum + tokens, 0);
            expect(second.reusedTokens).toBeGreaterThan(0.6 * fileTokens);
            expect(second.decodedTurnTokens).toBeLessThan(40);
            // Another conversation over the same files: all of them are there, in whatever order they are named.
            const choice = {context: files.map((file) => file.path).reverse(), onlyNamed: true};
            const third = await engine.ask(question("Name a variable.", {conversation: "d", choice}), {});
            expect(third.reusedTokens).toBeGreaterThanOrEqual(0.9 * second.reusedTokens);
        },
    },
    {
        name: "cancel",
        title: "stops computing when nobody waits for the answer",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            const stop = new AbortController();
            let nPieces = 0;
            const asked = engine.ask(
                question("Count from one to a thousand.", {maxTokens: 1500}),
                {text: () => void (++nPieces === 3 && stop.abort())},
                stop.signal,
            );
            expect((await failure(asked))?.code).toBe("cancelled");
            await expect.poll(() => peer.isIdle(), {timeout: 60_000}).toBe(true);
        },
    },
    {
        name: "grammar",
        title: "keeps to a grammar",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            const asked = question("Is area a function?", {grammar: 'root ::= "yes" | "no"'});
            expect((await engine.ask(asked, {})).text).toMatch(/^(?:yes|no)$/);
        },
    },
    {
        name: "tools",
        title: "calls a tool, and goes on with what it said",
        model: "tools",
        async run(peer) {
            const engine = await connect(peer);
            const more = {tools: [weatherTool], choice: {context: [], onlyNamed: true}};
            const turns = [...weatherBefore, {role: "user" as const, text: "What is the weather in Oslo?"}];
            const first = await engine.ask(question("", {...more, turns, maxTokens: 60}), {});
            expect(first).toMatchObject({text: "", calls: [{name: "get_weather"}], stop: "endOfText"});
            const [call] = first.calls!;
            expect(JSON.parse(call!.arguments)).toEqual({city: "Oslo"});
            const told: AskRequest["turns"] = [
                ...turns,
                {role: "assistant", text: "", calls: [call!]},
                {role: "user", text: "", results: [{id: call!.id, text: "3 degrees"}]},
            ];
            const second = await engine.ask(question("", {...more, turns: told}), {});
            expect(second.text).toMatch(/^3 degrees/);
        },
    },
    {
        name: "no-tools",
        title: "is not given tools that its model's template leaves out",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            expect((await engine.load()).callsTools).toBe(false);
            const tools = [{name: "get_weather", description: "Weather of a city"}];
            const report = await engine.ask(question("Weather?", {tools, maxTokens: 4}), {});
            expect(report.notes.join()).toMatch(/no tools in its template/);
        },
    },
    {
        name: "wrong-key",
        title: "refuses a wrong key, and the key is in no error",
        model: "chat",
        async run(peer) {
            const apiKey = "sk-revoked-yesterday";
            const engine = await connect(peer, {apiKey});
            const error = await failure(engine.ask(question("Hm?"), {}));
            expect(error?.code).toBe("server-key");
            expect(`${error?.message} ${error?.fix}`).not.toContain(apiKey);
            expect((await engine.doctor()).checks[0]).toMatchObject({id: "server", ok: false});
        },
    },
    {
        name: "too-long",
        title: "says how much a question has too much",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            // Every digit is a token of this model, and three characters a token is what a client can know.
            const text = "7".repeat(3000);
            const error = await failure(engine.ask(question(text, {choice: {context: [], onlyNamed: true}}), {}));
            expect(error?.code).toBe("question-too-long");
            expect(error?.message).toMatch(/30\d\d tokens.* 2048/);
        },
    },
    {
        name: "generic",
        title: "is known by what it calls itself, when nobody has said what it is",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer, {kind: "generic", model: "smollm2"});
            expect((await engine.load()).window).toBe(2048);
            expect(engine.status().server?.kind).toBe("llama-server");
            const report = await engine.ask(question("What does area return?"), {});
            expect(report.text).not.toBe("");
            expect(report.notes).toEqual([]);
        },
    },
    {
        name: "complete-prefix",
        title: "continues the text before the cursor where its model cannot fill in, and is not asked for that again",
        model: "chat",
        async run(peer) {
            const engine = await connect(peer);
            for (let i = 0; i < 2; i++) {
                const report = await engine.complete(completion);
                expect(report).toMatchObject({mode: "prefix", attended: [{path: "src/area.ts"}]});
                expect(report.text).not.toBe("");
            }
        },
    },
    {
        name: "complete-infill",
        title: "fills in between two texts with files beside them, and reuses them for the next letter",
        model: "fim",
        async run(peer) {
            const engine = await connect(peer);
            expect(await engine.complete(completion)).toMatchObject({mode: "fim", attended: [{path: "src/area.ts"}]});
            const {text, offset} = completion;
            const typed = {...completion, text: `${text.slice(0, offset)}w${text.slice(offset)}`, offset: offset + 1};
            const again = await engine.complete(typed);
            expect(again.mode).toBe("fim");
            expect(again.reusedTokens).toBeGreaterThan(0);
        },
    },
    {
        name: "killed",
        title: "is killed in the middle of an answer",
        model: "fim",
        async run(peer) {
            const engine = await connect(peer);
            let killing: Promise<void> | undefined;
            const asked = engine.ask(question("Count from one to a thousand.", {maxTokens: 1500}), {
                text: () => void (killing ??= peer.kill()),
            });
            expect((await failure(asked))?.code).toBe("server-unreachable");
            await killing;
        },
    },
];
