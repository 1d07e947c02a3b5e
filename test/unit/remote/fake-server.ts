/** A server in this process that answers as it is told, and remembers what it was asked. */
import {once} from "node:events";
import {type IncomingMessage, type ServerResponse, createServer} from "node:http";
import type {AddressInfo} from "node:net";
import {onTestFinished} from "vitest";
import {createRemoteEngine} from "../../../extension/engine/remote/remote-engine.js";
import type {ServerWaits} from "../../../extension/engine/remote/server-http.js";
import type {EngineApi, EngineSettings, RemoteServer} from "../../../extension/protocol/engine.js";

export interface Asked {
    route: string;
    headers: IncomingMessage["headers"];
    body: Record<string, unknown> | undefined;
    /** Whether the client went before the answer was whole. */
    isGone: () => boolean;
}

export type Answer = (response: ServerResponse, asked: Asked) => void | Promise<void>;

export interface FakeServer {
    url: string;
    asked: Asked[];
    /** Those to one route. */
    to: (route: string) => Asked[];
}

/** It ends with the test. */
export async function fakeServer(routes: Record<string, Answer | Answer[]>): Promise<FakeServer> {
    const server = await startFakeServer(routes);
    onTestFinished(() => server.close());
    return server;
}

/** For the tests of a whole file. */
export async function startFakeServer(
    routes: Record<string, Answer | Answer[]>,
): Promise<FakeServer & {close(): void}> {
    const asked: Asked[] = [];
    const server = createServer((request, response) => {
        void (async () => {
            let text = "";
            for await (const chunk of request) text += String(chunk);
            const one: Asked = {
                route: `${request.method} ${request.url}`,
                headers: request.headers,
                body: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>),
                isGone: () => response.closed && !response.writableFinished,
            };
            asked.push(one);
            const found = routes[one.route];
            const nth = asked.filter(({route}) => route === one.route).length - 1;
            const answer = Array.isArray(found) ? found[Math.min(nth, found.length - 1)] : found;
            await (answer ?? status(404, {error: {message: "there is no such route"}}))(response, one);
        })();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    return {
        url,
        asked,
        to: (route) => asked.filter((one) => one.route === route),
        close() {
            server.closeAllConnections();
            server.close();
        },
    };
}

export const json =
    (body: object): Answer =>
    (response) =>
        void response.writeHead(200, {"content-type": "application/json"}).end(JSON.stringify(body));

export const status =
    (code: number, body: object | string, headers: Record<string, string> = {}): Answer =>
    (response) =>
        void response
            .writeHead(code, {"content-type": typeof body === "string" ? "text/html" : "application/json", ...headers})
            .end(typeof body === "string" ? body : JSON.stringify(body));

/** Server-sent events; strings go out as they are. @param end how it stops: in order, or cut off, or not at all */
export const stream =
    (events: readonly (object | string)[], end: "done" | "cut" | "hang" = "done"): Answer =>
    (response) => {
        response.writeHead(200, {"content-type": "text/event-stream"});
        for (const event of events)
            response.write(typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`);
        if (end === "done") response.end("data: [DONE]\n\n");
        if (end === "cut") setImmediate(() => response.destroy());
    };

/** As a chat is streamed by vLLM and SGLang. */
export function chatEvents(pieces: readonly string[], usage?: object): object[] {
    const chunk = (delta: object, finish_reason: string | null = null) => ({
        id: "chatcmpl-1",
        object: "chat.completion.chunk",
        created: 1,
        model: "m",
        choices: [{index: 0, delta, finish_reason}],
    });
    return [
        chunk({role: "assistant", content: ""}),
        ...pieces.map((content) => chunk({content})),
        chunk({}, "stop"),
        ...(usage === undefined ? [] : [{id: "chatcmpl-1", object: "chat.completion.chunk", choices: [], usage}]),
    ];
}

export const models = json({object: "list", data: [{id: "m", object: "model", max_model_len: 4096}]});

/** No test waits for a real pause. */
export const quickWaits: ServerWaits = {
    backoffMs: [1, 1],
    maxRetryAfterMs: 3_000,
    shortMs: 30_000,
    firstMs: 30_000,
    stallMs: 30_000,
};

export function remoteEngine(
    server: Partial<RemoteServer> & {baseUrl: string},
    waits: Partial<ServerWaits> = {},
): EngineApi {
    const remote: RemoteServer = {model: "m", kind: "vllm", ...server};
    const settings: EngineSettings = {
        remote,
        modelPath: "",
        gpu: "auto",
        policy: "aha-file",
        budget: 0.25,
        rowType: "f16",
        cacheDir: "",
        threads: 0,
        position: "parallel",
        attendedTokens: 8192,
        waitForReadsMs: 0,
    };
    const engine = createRemoteEngine(settings, remote, {...quickWaits, ...waits});
    onTestFinished(() => engine.dispose());
    return engine;
}
