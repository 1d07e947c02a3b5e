/**
 * Owns the HTTP side of `kvasir serve`: who may ask, how much, for how long, and that a client which has gone is no longer
 * worked for. On Node's own server: three routes need no framework. Must not know models or files.
 */
import {type IncomingMessage, type Server, type ServerResponse, createServer} from "node:http";
import {
    KvasirError,
    busy,
    requestForged,
    requestInvalid,
    requestTimeout,
    requestTooLarge,
    routeUnknown,
    tokenWrong,
} from "../../protocol/errors.js";
import {carriesToken} from "./access-token.js";
import {EventStream} from "./event-stream.js";
import {errorReply} from "./openai-errors.js";

export interface ServerLimits {
    maxBodyBytes: number;
    /** Requests that run or wait; more are told to come again. */
    maxPending: number;
    /** From the request's head to the end of its answer. */
    requestMs: number;
}

/** One checked request, and the ways to answer it. */
export interface Exchange {
    /** Parsed JSON; undefined for GET. */
    body: unknown;
    /** Fires when the client has gone, the time is over or the server ends. */
    signal: AbortSignal;
    json: (body: object) => void;
    /** Server-sent events; the head goes out with the first of them. */
    events: () => EventStream;
}

/** `METHOD /path` to what answers it. */
export type Routes = Readonly<Record<string, (exchange: Exchange) => Promise<void>>>;

export interface ApiServerOptions {
    token: string;
    limits: ServerLimits;
    routes: Routes;
    /** Ends every request. */
    signal: AbortSignal;
    /** One line for each request: method, path, status, time. Never text, never a header. */
    onDone: (line: string) => void;
}

/** A client of this machine needs no longer for its head and body. */
const headMs = 10_000;
const bodyMs = 60_000;
const maxConnections = 128;
/** Of a body that is too large so much more is thrown away, so that a client gets to read why. */
const maxDiscardedBytes = 64 * 1024 * 1024;
/** The names under which a program of this machine reaches us. A page that rebinds its own name to us has another. */
const localNames = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

export function createApiServer({token, limits, routes, signal: ending, onDone}: ApiServerOptions): Server {
    let nPending = 0;
    const server = createServer({maxHeaderSize: 16 * 1024}, (request, response) => {
        void serve(request, response);
    });
    server.headersTimeout = headMs;
    server.requestTimeout = bodyMs;
    server.maxConnections = maxConnections;

    async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const startMs = performance.now();
        const {pathname} = new URL(request.url ?? "/", "http://local");
        const route = `${request.method} ${pathname}`;
        const gone = new AbortController();
        // Looked at now: a response that is ended later counts as finished, although nobody has it.
        response.on("close", () => {
            if (!response.writableFinished) gone.abort();
        });
        const timeout = AbortSignal.timeout(limits.requestMs);
        const signal = AbortSignal.any([gone.signal, timeout, ending]);
        let events: EventStream | undefined;
        let isCounted = false;
        try {
            checkOrigin(request);
            if (!carriesToken(request.headers.authorization, token)) throw tokenWrong();
            const handler = Object.hasOwn(routes, route) ? routes[route] : undefined;
            if (handler === undefined) throw routeUnknown(request.method ?? "", pathname);
            if (nPending >= limits.maxPending) throw busy("the server");
            nPending++;
            isCounted = true;
            const body = request.method === "GET" ? undefined : await readJson(request, limits.maxBodyBytes, signal);
            await handler({
                body,
                signal,
                json(reply) {
                    response.writeHead(200, {"content-type": "application/json"}).end(JSON.stringify(reply));
                },
                events: () => (events ??= new EventStream(response)),
            });
        } catch (thrown) {
            const error = timeout.aborted && !gone.signal.aborted ? requestTimeout(limits.requestMs) : thrown;
            refuse(request, response, error, events);
        } finally {
            if (isCounted) nPending--;
            const status = gone.signal.aborted ? 499 : response.statusCode;
            // A path of a stranger may hold anything.
            const shown = Object.hasOwn(routes, route) ? route : "request";
            onDone(`${shown} ${status} ${((performance.now() - startMs) / 1000).toFixed(2)} s`);
        }
    }

    server.on("clientError", (_error, socket) => {
        if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    });
    return server;
}

/** @throws KvasirError `request-forged` */
function checkOrigin({headers}: IncomingMessage): void {
    if (!localNames.test(headers.host ?? "")) throw requestForged("its Host header does not name this machine");
    // Only browsers send one. A page has no business here, so there is no CORS either.
    if (headers.origin !== undefined) throw requestForged("it comes from a web page");
}

/** @throws KvasirError `request-too-large`, `request-invalid` */
async function readJson(request: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<unknown> {
    // A browser's form can send text/plain to anybody, and JSON only after it has asked.
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
        throw requestInvalid("the body must be JSON, with content-type application/json.");
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw requestTooLarge(maxBytes);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request.iterator({destroyOnReturn: false}) as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        size += chunk.length;
        if (size > maxBytes) throw requestTooLarge(maxBytes);
        chunks.push(chunk);
    }
    try {
        return JSON.parse(new TextDecoder("utf-8", {fatal: true}).decode(Buffer.concat(chunks)));
    } catch {
        throw requestInvalid("the body is not JSON in UTF-8.");
    }
}

/** Tells the error as a status, or inside a stream that has begun. */
function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    thrown: unknown,
    events: EventStream | undefined,
): void {
    const aborted = thrown instanceof Error && (thrown.name === "AbortError" || thrown.name === "TimeoutError");
    const {status, headers, body} = errorReply(
        aborted ? new KvasirError("cancelled", "the request was cancelled.") : thrown,
    );
    if (response.destroyed) return;
    if (response.headersSent) {
        if (events !== undefined) events.fail(body);
        else response.destroy();
        return;
    }
    response
        .writeHead(status, {...headers, "content-type": "application/json", connection: "close"})
        .end(JSON.stringify(body));
    discardRest(request);
}

/** Lets a client that is still sending get to our answer, within reason. */
function discardRest(request: IncomingMessage): void {
    if (request.complete) return;
    let size = 0;
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxDiscardedBytes) request.destroy();
    });
    request.resume();
}
