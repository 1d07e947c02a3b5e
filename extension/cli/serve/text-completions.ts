/** `POST /v1/completions`: text before and after a cursor becomes one completion, as the editor's ghost text has it. */
import type {Exchange} from "./http-server.js";
import type {Serving} from "./chat-completions.js";
import {completionRequest, ignoredOptions, parseRequest, stopsOf} from "./openai-schemas.js";
import {checkModel, choiceOf, finishReason, newId} from "./response-parts.js";
import {StopTexts} from "./stop-texts.js";

/** As OpenAI's. */
const defaultMaxTokens = 16;
const unnamedFile = "untitled.txt";

export async function textCompletions(serving: Serving, {body, signal, json, events}: Exchange): Promise<void> {
    const request = parseRequest(completionRequest, body);
    const model = await checkModel(serving, request.model);
    const {workspace, engine} = serving;
    await workspace.refresh(signal);
    const report = await engine.complete(
        {
            workspace: workspace.root,
            path: request.path ?? unnamedFile,
            text: request.prompt + (request.suffix ?? ""),
            offset: request.prompt.length,
            choice: choiceOf(workspace, request.context),
            maxTokens: request.max_tokens ?? defaultMaxTokens,
            multiLine: "always",
        },
        signal,
    );
    const shown = new StopTexts(stopsOf(request.stop), () => {});
    shown.push(report.text);
    shown.end();
    // The engine completes with the likeliest tokens only.
    const hasTemperature = typeof request["temperature"] === "number" && request["temperature"] > 0;
    const {attended, reusedTokens, readTokens, promptTokens, reusedPromptTokens, ttftMs, mode} = report;
    const prompt_tokens = attended.reduce((sum, file) => sum + file.tokens, promptTokens);
    const answer = {
        id: newId("cmpl"),
        object: "text_completion",
        created: Math.floor(Date.now() / 1000),
        model,
        choices: [{index: 0, text: shown.text, logprobs: null, finish_reason: finishReason(report, shown.isStopped)}],
        usage: {
            prompt_tokens,
            completion_tokens: report.tokens,
            total_tokens: prompt_tokens + report.tokens,
            prompt_tokens_details: {cached_tokens: reusedTokens + reusedPromptTokens},
        },
        kvasir: {
            attended,
            reusedTokens,
            readTokens,
            ttftMs,
            mode,
            ignored: [...ignoredOptions(request), ...(hasTemperature ? ["temperature"] : [])],
        },
    };
    if (request.stream !== true) return json(answer);
    // A completion is cut where its thought ends, so it is whole before any of it is shown.
    const {usage, ...chunk} = answer;
    const stream = events();
    stream.send(request.stream_options?.include_usage ? {...chunk, usage} : chunk);
    stream.end();
}
