/**
 * Owns what a request of the OpenAI API may say and what of it counts here. What a client asks for and does not get is
 * either refused (it would change the form of the answer) or named in the answer's `kvasir.ignored`.
 */
import * as z from "zod";
import type {ChatTurn} from "../../protocol/engine.js";
import {InvalidField} from "./openai-errors.js";

const textPart = z.object({type: z.literal("text"), text: z.string()});
const content = z.union([z.string(), z.array(textPart).min(1)]);
const message = z.object({
    role: z.enum(["system", "developer", "user", "assistant"]),
    content: content.nullish(),
});

/** Options of sampling that the engine does not have. */
const samplingOptions = ["top_p", "frequency_penalty", "presence_penalty", "logit_bias"] as const;
const neutral: Record<(typeof samplingOptions)[number], unknown> = {
    top_p: 1,
    frequency_penalty: 0,
    presence_penalty: 0,
    logit_bias: undefined,
};

const stop = z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]).nullish();
const maxTokens = z.int().min(1).max(32_768).nullish();
const seed = z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .nullish();
const temperature = z.number().min(0).max(2).nullish();
const context = z.array(z.string().min(1).max(8192)).max(10_000).optional();
const streamOptions = z.object({include_usage: z.boolean().optional()}).nullish();

export const chatRequest = z.looseObject({
    model: z.string().min(1),
    messages: z.array(message).min(1).max(10_000),
    stream: z.boolean().nullish(),
    stream_options: streamOptions,
    max_tokens: maxTokens,
    max_completion_tokens: maxTokens,
    temperature,
    seed,
    stop,
    n: z.literal(1).nullish(),
    response_format: z.object({type: z.literal("text")}).nullish(),
    logprobs: z.literal(false).nullish(),
    tools: z.array(z.unknown()).nullish(),
    tool_choice: z.enum(["auto", "none"]).nullish(),
    /** Ours: files or folders of the workspace that this question sees, and no others. */
    context,
});
export type ChatRequest = z.infer<typeof chatRequest>;

export const completionRequest = z.looseObject({
    model: z.string().min(1),
    prompt: z.union([
        z.string(),
        z
            .array(z.string())
            .length(1)
            .transform(([only]) => only ?? ""),
    ]),
    suffix: z.string().nullish(),
    stream: z.boolean().nullish(),
    stream_options: streamOptions,
    max_tokens: maxTokens,
    stop,
    n: z.literal(1).nullish(),
    best_of: z.literal(1).nullish(),
    echo: z.literal(false).nullish(),
    logprobs: z.null().optional(),
    context,
    /** Ours: the file that is being written; its name tells the language. */
    path: z.string().min(1).max(8192).optional(),
});
export type CompletionRequest = z.infer<typeof completionRequest>;

/**
 * Checks a body.
 * @throws InvalidField with the first field that is wrong; never with a value, which may be somebody's code
 */
export function parseRequest<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
    const checked = schema.safeParse(body);
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    const param = issue?.path.join(".") ?? "";
    throw new InvalidField(
        param,
        param === "" ? "the request is not a JSON object of this API." : `${param}: ${reasonOf(issue)}`,
        "docs/serve.md lists the fields that count.",
    );
}

function reasonOf(issue: z.core.$ZodIssue | undefined): string {
    switch (issue?.code) {
        case "invalid_type":
            return `it must be of type ${issue.expected}.`;
        case "invalid_value":
            return `only ${issue.values.map((value) => JSON.stringify(value)).join(" or ")} is supported.`;
        case "too_small":
        case "too_big":
            return "it is outside the allowed range.";
        default:
            return "it does not have a supported form.";
    }
}

export interface Conversation {
    /** System and developer messages: they stand behind the files. */
    instructions: string | undefined;
    turns: ChatTurn[];
}

/** @throws InvalidField when the last message is not the user's */
export function conversationOf(messages: ChatRequest["messages"]): Conversation {
    const instructions: string[] = [];
    const turns: ChatTurn[] = [];
    for (const {role, content: said} of messages) {
        const text = textOf(said);
        if (role === "system" || role === "developer") {
            instructions.push(text);
            continue;
        }
        const last = turns.at(-1);
        // Templates want turns that take turns.
        if (last?.role === role) last.text = `${last.text}\n\n${text}`;
        else turns.push({role, text});
    }
    if (turns.at(-1)?.role !== "user")
        throw new InvalidField("messages", "the last message must be the user's.", "Put the question last.");
    if (turns[0]?.role !== "user") turns.unshift({role: "user", text: ""});
    return {instructions: instructions.length === 0 ? undefined : instructions.join("\n\n"), turns};
}

function textOf(said: z.infer<typeof content> | null | undefined): string {
    if (said === null || said === undefined) return "";
    return typeof said === "string" ? said : said.map(({text}) => text).join("\n");
}

export function stopsOf(given: z.infer<typeof stop>): string[] {
    return given === null || given === undefined ? [] : typeof given === "string" ? [given] : given;
}

/** Names of what was asked for and does not count. */
export function ignoredOptions(request: Record<string, unknown>): string[] {
    const ignored: string[] = samplingOptions.filter(
        (name) => request[name] !== undefined && request[name] !== null && request[name] !== neutral[name],
    );
    if (Array.isArray(request["tools"]) && request["tools"].length > 0 && request["tool_choice"] !== "none")
        ignored.push("tools");
    return ignored;
}
