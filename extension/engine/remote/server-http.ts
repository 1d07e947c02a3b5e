/**
 * Owns every request to the server of a remote engine: to that server alone, with time limits, tries again where that can
 * help, and one coded error for each way in which a server can fail. Must not know what is asked.
 */
import {setTimeout as sleep} from "node:timers/promises";
import type * as z from "zod";
import {
    type KvasirError,
    cancelled,
    isKvasirError,
    questionTooLong,
    serverBusy,
    serverFailed,
    serverGarbled,
    serverKey,
    serverTimeout,
    serverUnreachable,
} from "../../protocol/errors.js";
import {proxyRefusal, useProxy} from "../proxy.js";
import {type AnswerData, readEvents} from "./answer-stream.js";
import type {ServerAddress} from "./server-address.js";

export interface ServerWaits {
    /** Pauses before each new try. */
    backoffMs: readonly number[];
    /** A longer Retry-After is told instead of waited for. */
    maxRetryAfterMs: number;
    /** Facts: models, window, tokens. */
    shortMs: number;
    /** Until the first byte of an answer: a long prompt is computed before it. */
    firstMs: number;
    /** Between two pieces of an answer. */
    stallMs: number;
}

export const defaultWaits: ServerWaits = {
    backoffMs: [500, 1_500, 4_000],
    maxRetryAfterMs: 20_000,
    shortMs: 15_000,
    firstMs: 300_000,
    stallMs: 60_000,
};

/** The server did not get to the question, so asking again asks once. */
const passingStatuses = new Set([408, 429, 500, 502, 503, 504]);
const maxBodyBytes = 8 * 1024 * 1024;
const maxShownCharacters = 200;

export class ServerHttp {
    readonly #address: ServerAddress;
    readonly #apiKey: string | undefined;
    readonly #waits: ServerWaits;

    constructor(address: ServerAddress, apiKey: string | undefined, waits: ServerWaits = defaultWaits) {
        this.#address = address;
        this.#apiKey = apiKey;
        this.#waits = waits;
    }

    get host(): string {
        return this.#address.host;
    }

    /** @param path behind the API's address; one that begins with "//" is behind the server's root */
    async json<S extends z.ZodType>(
        path: string,
        schema: S,
        {body, signal}: {body?: object; signal?: AbortSignal | undefined} = {},
    ): Promise<z.infer<S>> {
        const limit = new TimeLimit(this.#waits.shortMs, signal);
        try {
            const response = await this.#open(path, body, limit, signal);
            const text = await textOf(response, maxBodyBytes).catch((error: unknown) => {
                throw this.#failure(error, limit, signal);
            });
            if (text === undefined) throw serverGarbled(this.host, "it is too long");
            const checked = schema.safeParse(parsed(text));
            if (!checked.success) throw serverGarbled(this.host, "it does not have the API's form");
            return checked.data;
        } finally {
            limit.clear();
        }
    }

    /** The JSON of each server-sent event; ends with `[DONE]` or the stream. */
    async *events(path: string, body: object, signal?: AbortSignal): AsyncGenerator<AnswerData, void, undefined> {
        const limit = new TimeLimit(this.#waits.firstMs, signal);
        try {
            const response = await this.#open(path, body, limit, signal);
            const type = response.headers.get("content-type") ?? "";
            if (!/^text\/event-stream\b/i.test(type) || response.body === null) {
                await response.body?.cancel().catch(() => undefined);
                throw serverGarbled(this.host, `a stream was asked for, and "${shortened(type)}" came`);
            }
            for await (const data of readEvents(response.body, this.host)) {
                // What came with the piece at which somebody stopped is not wanted any more.
                limit.signal.throwIfAborted();
                limit.restart(this.#waits.stallMs);
                yield data;
            }
        } catch (error) {
            throw this.#failure(error, limit, signal);
        } finally {
            // Whoever stops listening ends the server's work, too.
            limit.end();
        }
    }

    /** A response that is not an error, after as many tries as make sense. */
    async #open(path: string, body: object | undefined, limit: TimeLimit, signal?: AbortSignal): Promise<Response> {
        const {backoffMs, maxRetryAfterMs} = this.#waits;
        await useProxy();
        for (let nTries = 0; ; nTries++) {
            const pauseMs = backoffMs[nTries];
            let waitMs = pauseMs ?? 0;
            try {
                const response = await this.#fetch(path, body, limit.signal);
                if (response.ok) return response;
                const retryAfterMs = retryAfterOf(response);
                const failure = await this.#refusal(response, retryAfterMs);
                const passes = passingStatuses.has(response.status) && (retryAfterMs ?? 0) <= maxRetryAfterMs;
                if (!passes || pauseMs === undefined) throw failure;
                waitMs = Math.max(waitMs, retryAfterMs ?? 0);
            } catch (error) {
                // A wrong certificate or name is the same the next time; a refused connection may be a restart.
                if (isKvasirError(error) || pauseMs === undefined || limit.signal.aborted || !isPassing(error))
                    throw this.#failure(error, limit, signal);
            }
            // Not all clients that were turned away come back at the same moment.
            const spreadMs = waitMs * 0.2 * Math.random();
            await sleep(waitMs + spreadMs, undefined, {signal: limit.signal}).catch((error: unknown) => {
                throw this.#failure(error, limit, signal);
            });
        }
    }

    #fetch(path: string, body: object | undefined, signal: AbortSignal): Promise<Response> {
        const {base, root} = this.#address;
        return fetch(path.startsWith("//") ? root + path.slice(1) : base + path, {
            method: body === undefined ? "GET" : "POST",
            headers: {
                accept: "application/json, text/event-stream",
                ...(body === undefined ? {} : {"content-type": "application/json"}),
                ...(this.#apiKey === undefined ? {} : {authorization: `Bearer ${this.#apiKey}`}),
            },
            ...(body === undefined ? {} : {body: JSON.stringify(body)}),
            // A server that sends us elsewhere is not the one that was named.
            redirect: "error",
            signal,
        });
    }

    /** What a status that is no success means. */
    async #refusal(response: Response, retryAfterMs: number | undefined): Promise<KvasirError> {
        const {status} = response;
        const text = (await textOf(response, maxBodyBytes).catch(() => "")) ?? "";
        if (status === 401 || status === 403) return serverKey(this.host, status);
        if (status === 429) return serverBusy(this.host, retryAfterMs);
        if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "") || /^\s*<(?:!doctype|html)/i.test(text))
            return status >= 500
                ? serverFailed(this.host, status, "with a web page, as a proxy does")
                : serverGarbled(this.host, `a web page came with status ${status}`);
        const reason = this.#reasonIn(text);
        const sizes = contextExceeded(text);
        if (sizes !== undefined) return questionTooLong(sizes.nTokens, sizes.limit);
        return serverFailed(this.host, status, reason);
    }

    /** The server's own sentence, which may repeat what it was sent: short, on one line, without the key. */
    #reasonIn(text: string): string {
        const {error, message, detail} = (parsed(text) ?? {}) as Record<string, unknown>;
        const inner = (error as {message?: unknown} | null | undefined)?.message;
        const found = [inner, error, message, detail].find((one): one is string => typeof one === "string") ?? "";
        return shortened(this.#apiKey === undefined ? found : found.replaceAll(this.#apiKey, "KEY"));
    }

    /** Anything that was thrown on the way, as a coded error. */
    #failure(error: unknown, limit: TimeLimit, signal?: AbortSignal): KvasirError {
        if (signal?.aborted) return cancelled("the request");
        if (limit.isOver) return serverTimeout(this.host, limit.ms);
        if (isKvasirError(error)) return error;
        const refusal = proxyRefusal(error);
        if (refusal !== undefined)
            return serverUnreachable(this.host, `the proxy lets nothing through (HTTP ${refusal})`, error);
        const cause = causeOf(error);
        if (/redirect/i.test(cause))
            return serverGarbled(this.host, "it redirects elsewhere, and nothing is sent there");
        if (/terminated|other side closed|ECONNRESET|premature/i.test(cause))
            return serverUnreachable(this.host, "the connection was cut", error);
        return serverUnreachable(this.host, shortened(cause), error);
    }
}

/** One limit that can begin anew; aborts what runs under it. */
class TimeLimit {
    readonly #controller = new AbortController();
    readonly signal: AbortSignal;
    #timer: NodeJS.Timeout;
    isOver = false;

    constructor(
        public ms: number,
        signal: AbortSignal | undefined,
    ) {
        this.signal =
            signal === undefined ? this.#controller.signal : AbortSignal.any([signal, this.#controller.signal]);
        this.#timer = this.#start();
    }

    restart(ms: number): void {
        clearTimeout(this.#timer);
        this.ms = ms;
        this.#timer = this.#start();
    }

    clear(): void {
        clearTimeout(this.#timer);
    }

    end(): void {
        this.clear();
        this.#controller.abort();
    }

    #start(): NodeJS.Timeout {
        return setTimeout(() => {
            this.isOver = true;
            this.#controller.abort();
        }, this.ms);
    }
}

function isPassing(error: unknown): boolean {
    return /ECONNREFUSED|ECONNRESET|other side closed|EPIPE|ETIMEDOUT|EAI_AGAIN/.test(causeOf(error));
}

/** undici says "fetch failed" and keeps the reason in the cause. */
function causeOf(error: unknown): string {
    const parts: string[] = [];
    for (let at: unknown = error, n = 0; at instanceof Error && n < 4; at = at.cause, n++) {
        const code = "code" in at && typeof at.code === "string" ? at.code : "";
        const inner = at instanceof AggregateError ? at.errors.map((one: Error) => one.message).join(", ") : "";
        parts.push(...[code, at.message, inner].filter((part) => part !== "" && part !== "fetch failed"));
    }
    return [...new Set(parts)].join(": ");
}

/** Seconds or a date, in milliseconds from now. */
function retryAfterOf(response: Response): number | undefined {
    const value = response.headers.get("retry-after");
    if (value === null) return undefined;
    const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
    return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** undefined when there is more than that. */
async function textOf(response: Response, maxBytes: number): Promise<string | undefined> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        if (size > maxBytes) return undefined;
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function shortened(text: string): string {
    const line = text
        .replaceAll(/[\s\p{Cc}]+/gu, " ")
        .trim()
        .replace(/\.$/, "");
    return line.length > maxShownCharacters ? `${line.slice(0, maxShownCharacters)}...` : line;
}

/**
 * What vLLM ("maximum context length is 4096 tokens. However, you requested 5000"), SGLang ("The input (5000 tokens) is
 * longer than the model's context length (4096 tokens)") and llama-server (`n_prompt_tokens`, `n_ctx`) say of a prompt that
 * does not fit.
 */
function contextExceeded(text: string): {nTokens: number; limit: number} | undefined {
    if (!/context[ _-]?(?:length|size|window)|exceed_context/i.test(text)) return undefined;
    const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
    const limit =
        number(/"n_ctx"\s*:\s*(\d+)/) ||
        number(/context (?:length|size|window)(?: is| of)?\s*\(?\s*(\d+)/i) ||
        number(/(\d+) tokens?\)?\.? *However/i);
    const nTokens =
        number(/"n_prompt_tokens"\s*:\s*(\d+)/) ||
        number(/requested (\d+)/i) ||
        number(/input \((\d+)/i) ||
        number(/request \((\d+)/i);
    return {nTokens, limit};
}
