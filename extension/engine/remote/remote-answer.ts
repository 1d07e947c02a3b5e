/** Owns one answer of a server: the request, the stream with its limits, and what of the files the server had already. */
import {serverMessages, serverTools} from "../../core/layout/remote-prompt.js";
import type {SystemParts} from "../../core/layout/chat-layout.js";
import type {AnswerReport, AskRequest, ServerKind, ToolCall} from "../../protocol/engine.js";
import {serverGarbled} from "../../protocol/errors.js";
import {ThoughtSplitter} from "../model/thought-splitter.js";
import type {AnswerData} from "./answer-stream.js";
import {ServerCalls} from "./server-calls.js";
import type {ServerHttp} from "./server-http.js";

export interface RemoteAnswer {
    text: string;
    thought: string;
    calls: ToolCall[];
    /** performance.now() of the first piece, and of the end. */
    firstMs: number | undefined;
    endMs: number;
    nTokens: number;
    /** Tokens of the whole prompt, when the server counts. */
    promptTokens: number | undefined;
    /** Of them, those whose rows it had. */
    cachedTokens: number | undefined;
    stop: AnswerReport["stop"];
    notes: string[];
}

/** No token is longer; a server that sends more does not keep to what was asked. */
const maxCharactersPerToken = 256;

export async function remoteAnswer(
    http: ServerHttp,
    {kind, model}: {kind: ServerKind; model: string},
    {
        request,
        files,
        parts,
        maxTokens,
    }: {
        request: AskRequest;
        files: readonly {text: string}[];
        parts: SystemParts;
        maxTokens: number;
    },
    on: {text?: ((piece: string) => void) | undefined; thought?: ((piece: string) => void) | undefined},
    signal?: AbortSignal,
): Promise<RemoteAnswer> {
    const notes: string[] = [];
    if (request.grammar !== undefined && kind !== "llama-server")
        notes.push("The server takes no grammar of ours: the answer's form is not forced.");
    const body = {
        model,
        messages: serverMessages(files, request.turns, parts),
        max_tokens: maxTokens,
        temperature: request.temperature,
        stream: true,
        stream_options: {include_usage: true},
        ...(request.tools === undefined || request.tools.length === 0
            ? {}
            : {tools: serverTools(request.tools), tool_choice: request.toolChoice ?? "auto"}),
        ...(request.seed === undefined ? {} : {seed: request.seed}),
        ...(kind === "llama-server"
            ? {cache_prompt: true, ...(request.grammar === undefined ? {} : {grammar: request.grammar})}
            : {}),
    };
    const splitter = new ThoughtSplitter(on);
    const calls = new ServerCalls();
    let thought = "";
    let size = 0;
    let nPieces = 0;
    let firstMs: number | undefined;
    let reason: string | undefined;
    let last: AnswerData | undefined;
    for await (const event of http.events("/chat/completions", body, signal)) {
        if (event.usage ?? event.timings) last = {...last, ...event};
        const choice = event.choices?.[0];
        reason = choice?.finish_reason ?? reason;
        const reasoning = choice?.delta?.reasoning_content ?? choice?.delta?.reasoning ?? "";
        const piece = choice?.delta?.content ?? "";
        const nOfCalls = calls.push(choice?.delta?.tool_calls ?? []);
        if (reasoning === "" && piece === "" && nOfCalls === 0) continue;
        firstMs ??= performance.now();
        nPieces++;
        size += reasoning.length + piece.length + nOfCalls;
        if (reasoning !== "") {
            thought += reasoning;
            on.thought?.(reasoning);
        }
        splitter.push(piece);
        if (size > maxTokens * maxCharactersPerToken) {
            notes.push("The server sent more than was asked for: the answer was cut.");
            reason = "length";
            break;
        }
    }
    splitter.end();
    if (reason === undefined) throw serverGarbled(http.host, "the stream was cut before its end");
    const {usage, timings} = last ?? {};
    const computed = timings?.prompt_n ?? undefined;
    const counted = computed === undefined ? undefined : computed + (timings?.cache_n ?? 0);
    const promptTokens = usage?.prompt_tokens ?? counted;
    return {
        text: splitter.text,
        thought: thought + splitter.thought,
        // Cut in the middle of a call there is nothing to call.
        calls: reason === "length" ? [] : calls.end(http.host),
        firstMs,
        endMs: performance.now(),
        nTokens: usage?.completion_tokens ?? timings?.predicted_n ?? nPieces,
        promptTokens,
        cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? timings?.cache_n ?? undefined,
        stop: reason === "length" ? "maxTokens" : "endOfText",
        notes,
    };
}
