/**
 * Owns the reading of server-sent events from a server that may lie: events that are no JSON, that never end, that are too
 * long, or whose stream is cut. The framing is eventsource-parser's.
 */
import {createParser} from "eventsource-parser";
import * as z from "zod";
import {serverFailed, serverGarbled} from "../../protocol/errors.js";

/** One event; a piece of an answer has a few hundred. */
const maxEventCharacters = 1024 * 1024;

const tokenCount = z.number().int().nonnegative().max(1e9).nullish().catch(undefined);

/** A piece of a call: its name comes first, its arguments in pieces. */
const callDelta = z.object({
    index: z.number().int().nonnegative().max(100).nullish(),
    id: z.string().nullish(),
    function: z.object({name: z.string().nullish(), arguments: z.string().nullish()}).nullish(),
});
export type CallDelta = z.infer<typeof callDelta>;

/** What counts of an event of /v1/chat/completions, /v1/completions or llama-server's /infill. */
const answerData = z.object({
    choices: z
        .array(
            z.object({
                delta: z
                    .object({
                        content: z.string().nullish(),
                        reasoning_content: z.string().nullish(),
                        reasoning: z.string().nullish(),
                        tool_calls: z.array(callDelta).max(100).nullish(),
                    })
                    .nullish(),
                text: z.string().nullish(),
                finish_reason: z.string().nullish(),
            }),
        )
        .nullish(),
    content: z.string().nullish(),
    stop: z.boolean().nullish(),
    stop_type: z.string().nullish(),
    usage: z
        .object({
            prompt_tokens: tokenCount,
            completion_tokens: tokenCount,
            prompt_tokens_details: z.object({cached_tokens: tokenCount}).nullish(),
        })
        .nullish()
        .catch(undefined),
    /** llama-server's: tokens of the prompt that its cache had, that it computed, that it generated. */
    timings: z.object({cache_n: tokenCount, prompt_n: tokenCount, predicted_n: tokenCount}).nullish().catch(undefined),
});
export type AnswerData = z.infer<typeof answerData>;

const errorEvent = z.object({
    error: z.union([z.string(), z.object({message: z.string().optional(), code: z.unknown().optional()})]),
});

/** @throws KvasirError `server-garbled` for what is no event of the API, `server-failed` for an error inside the stream */
export async function* readEvents(
    body: ReadableStream<Uint8Array>,
    host: string,
): AsyncGenerator<AnswerData, void, undefined> {
    const found: string[] = [];
    const parser = createParser({onEvent: ({data}) => found.push(data)});
    const decoder = new TextDecoder();
    let pending = 0;
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
        pending += chunk.length;
        parser.feed(decoder.decode(chunk, {stream: true}));
        if (found.length > 0) pending = 0;
        else if (pending > maxEventCharacters) throw serverGarbled(host, "an event of the stream has no end");
        for (const data of found.splice(0)) {
            if (data.trim() === "[DONE]") return;
            yield checked(data, host);
        }
    }
}

function checked(data: string, host: string): AnswerData {
    let value: unknown;
    try {
        value = JSON.parse(data);
    } catch {
        throw serverGarbled(host, "an event of the stream is not JSON");
    }
    const failure = errorEvent.safeParse(value);
    // Its sentence may repeat the prompt, so its number is enough.
    if (failure.success) {
        const {error} = failure.data;
        throw serverFailed(
            host,
            typeof error === "object" && typeof error.code === "number" ? error.code : 500,
            "in the middle of an answer",
        );
    }
    const event = answerData.safeParse(value);
    if (!event.success) throw serverGarbled(host, "an event of the stream does not have the API's form");
    return event.data;
}
