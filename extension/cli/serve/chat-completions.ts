/** `POST /v1/chat/completions`: a conversation in OpenAI's form becomes a question to the engine, its answer goes back. */
import type {AnswerReport, AskRequest, AttendedFile, EngineApi, LeftOutFile, ToolCall} from "../../protocol/engine.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {LiveWorkspace} from "../live-workspace.js";
import type {ConversationPool} from "../../core/chat/conversation-pool.js";
import type {EventStream} from "./event-stream.js";
import type {Exchange} from "./http-server.js";
import {InvalidField} from "./openai-errors.js";
import {chatRequest, conversationOf, ignoredOptions, parseRequest, stopsOf, toolsOf} from "./openai-schemas.js";
import {checkModel, choiceOf, finishReason, newId} from "./response-parts.js";
import {StopTexts} from "./stop-texts.js";

export interface Serving {
    engine: EngineApi;
    workspace: LiveWorkspace;
    conversations: ConversationPool;
    /** The model's name, as /v1/models tells it. */
    modelName: () => Promise<string>;
    callsTools: () => Promise<boolean>;
}

const defaultMaxTokens = 1024;
const defaultTemperature = 0.2;

export async function chatCompletions(serving: Serving, exchange: Exchange): Promise<void> {
    const request = parseRequest(chatRequest, exchange.body);
    const {instructions, turns} = conversationOf(request.messages);
    const {tools, toolChoice} = toolsOf(request);
    const model = await checkModel(serving, request.model);
    const callsTools = tools.length > 0 && (await serving.callsTools());
    if (toolChoice === "required" && !callsTools)
        throw new InvalidField("tool_choice", "this model calls no tools.", "kvasir models names some that do.");
    await serving.workspace.refresh(exchange.signal);
    const asked: Omit<AskRequest, "conversation"> = {
        workspace: serving.workspace.root,
        turns,
        choice: choiceOf(serving.workspace, request.context),
        ...(instructions === undefined ? {} : {instructions}),
        maxTokens: request.max_completion_tokens ?? request.max_tokens ?? defaultMaxTokens,
        temperature: request.temperature ?? defaultTemperature,
        ...(typeof request.seed === "number" ? {seed: request.seed} : {}),
        ...(callsTools ? {tools, toolChoice} : {}),
    };
    const head = {id: newId("chatcmpl"), created: Math.floor(Date.now() / 1000), model};
    const ignored = [...ignoredOptions(request), ...(tools.length > 0 && !callsTools ? ["tools"] : [])];
    if (request.stream !== true) {
        const {report, text, isStopped} = await ask(serving, asked, stopsOf(request.stop), exchange.signal, {});
        return exchange.json({
            ...head,
            object: "chat.completion",
            choices: [
                {
                    index: 0,
                    message: {
                        role: "assistant",
                        content: text,
                        refusal: null,
                        ...(report.thought === undefined ? {} : {reasoning_content: report.thought}),
                        ...(report.calls === undefined ? {} : {tool_calls: callsOf(report.calls)}),
                    },
                    logprobs: null,
                    finish_reason: finishReason(report, isStopped),
                },
            ],
            usage: usageOf(report),
            kvasir: kvasirOf(report, ignored),
        });
    }
    const events = exchange.events();
    const chunk = (delta: object, finish_reason: string | null, more: object = {}) =>
        events.send({
            ...head,
            object: "chat.completion.chunk",
            choices: [{index: 0, delta, logprobs: null, finish_reason}],
            ...more,
        });
    const {report, isStopped} = await ask(serving, asked, stopsOf(request.stop), exchange.signal, {
        attended: (attended, leftOut) => chunk({role: "assistant", content: ""}, null, {kvasir: {attended, leftOut}}),
        text: (content) => chunk({content}, null),
        thought: (reasoning_content) => chunk({reasoning_content}, null),
        events,
    });
    if (report.calls !== undefined)
        chunk({tool_calls: callsOf(report.calls).map((call, index) => ({index, ...call}))}, null);
    chunk({}, finishReason(report, isStopped), {kvasir: kvasirOf(report, ignored)});
    if (request.stream_options?.include_usage)
        events.send({...head, object: "chat.completion.chunk", choices: [], usage: usageOf(report)});
    events.end();
}

function callsOf(calls: readonly ToolCall[]) {
    return calls.map(({id, name, arguments: given}) => ({
        id,
        type: "function" as const,
        function: {name, arguments: given},
    }));
}

interface AnswerParts {
    attended?: (attended: AttendedFile[], leftOut: LeftOutFile[]) => void;
    text?: (piece: string) => void;
    thought?: (piece: string) => void;
    events?: EventStream;
}

/** Asks in the conversation that knows most of the turns, and ends at the client's own stop texts. */
async function ask(
    {engine, conversations}: Serving,
    asked: Omit<AskRequest, "conversation">,
    stops: string[],
    signal: AbortSignal,
    on: AnswerParts,
): Promise<{report: AnswerReport; text: string; isStopped: boolean}> {
    const conversation = conversations.take(asked.turns);
    let answered: string | undefined;
    const stopped = new AbortController();
    const shown = new StopTexts(stops, (piece) => on.text?.(piece));
    let attended: {files: AttendedFile[]; leftOut: LeftOutFile[]} | undefined;
    try {
        const report = await engine.ask(
            {...asked, conversation: conversation.id},
            {
                text: (piece) => {
                    shown.push(piece);
                    if (shown.isStopped) stopped.abort();
                },
                ...(on.thought === undefined ? {} : {thought: on.thought}),
                attended: (files, leftOut) => {
                    attended = {files, leftOut};
                    on.attended?.(files, leftOut);
                },
                progress: ({filesDone, filesTotal}) =>
                    on.events?.comment(`reading files: ${filesDone} of ${filesTotal}`),
            },
            AbortSignal.any([signal, stopped.signal]),
        );
        shown.end();
        answered = report.text;
        return {report, text: shown.text, isStopped: shown.isStopped};
    } catch (error) {
        // Ended by us at a stop text, before the engine came to an end of its own: the rest of the report is not known.
        if (!shown.isStopped || !isKvasirError(error, "cancelled") || signal.aborted) throw error;
        const report = stoppedReport(shown.text, attended?.files ?? [], attended?.leftOut ?? []);
        return {report, text: shown.text, isStopped: true};
    } finally {
        conversation.release(answered);
    }
}

function stoppedReport(text: string, attended: AttendedFile[], leftOut: LeftOutFile[]): AnswerReport {
    return {
        text,
        tokens: 0,
        ttftMs: 0,
        tokensPerSecond: 0,
        attended,
        leftOut,
        reusedTokens: 0,
        readTokens: 0,
        stop: "stopped",
        notes: ["The answer was ended at a stop text: its figures are not known."],
        reusedTurnTokens: 0,
        decodedTurnTokens: 0,
        conversationTokens: 0,
        conversationKeptRows: 0,
    };
}

/** Tokens in OpenAI's words: what was attended without being computed is `cached`. */
function usageOf({attended, conversationTokens, tokens, reusedTokens}: AnswerReport): object {
    const prompt_tokens =
        attended.reduce((sum, file) => sum + file.tokens, 0) + Math.max(0, conversationTokens - tokens);
    return {
        prompt_tokens,
        completion_tokens: tokens,
        total_tokens: prompt_tokens + tokens,
        prompt_tokens_details: {cached_tokens: reusedTokens},
    };
}

/** What only Kvasir has to tell. */
function kvasirOf(report: AnswerReport, ignored: readonly string[]): object {
    const {attended, leftOut, reusedTokens, readTokens, ttftMs, tokensPerSecond, notes} = report;
    return {attended, leftOut, reusedTokens, readTokens, ttftMs, tokensPerSecond, notes, ignored};
}
