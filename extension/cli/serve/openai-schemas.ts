/**
 * Owns what a request of the OpenAI API may say and what of it counts here. What a client asks for and does not get is
 * either refused (it would change the form of the answer) or named in the answer's `kvasir.ignored`.
 */
import * as z from "zod";
import {isJsonObject} from "../../core/chat/call-forms.js";
import type {ChatTurn, ToolCall, ToolDescription} from "../../protocol/engine.js";
import {InvalidField} from "./openai-errors.js";

const textPart = z.object({type: z.literal("text"), text: z.string()});
const content = z.union([z.string(), z.array(textPart).min(1)]);
const call = z.object({
    id: z.string().min(1).max(200),
    type: z.literal("function"),
    function: z.object({name: z.string().min(1).max(200), arguments: z.string()}),
});
const message = z.union([
    z.object({role: z.enum(["system", "developer", "user"]), content: content.nullish()}),
    z.object({role: z.literal("assistant"), content: content.nullish(), tool_calls: z.array(call).max(100).nullish()}),
    z.object({role: z.literal("tool"), tool_call_id: z.string().min(1).max(200), content}),
]);
const tool = z.object({
    type: z.literal("function"),
    function: z.object({
        name: z.string().regex(/^[\w.-]{1,200}$/),
        description: z.string().nullish(),
        parameters: z.record(z.string(), z.unknown()).nullish(),
    }),
});
const toolChoice = z.union([
    z.enum(["auto", "none", "required"]),
    z.object({type: z.literal("function"), function: z.object({name: z.string()})}),
]);

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
    tools: z.array(tool).max(128).nullish(),
    tool_choice: toolChoice.nullish(),
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

/** @throws InvalidField when the last message is neither the user's nor a tool's, or a tool answers what was not asked */
export function conversationOf(messages: ChatRequest["messages"]): Conversation {
    const instructions: string[] = [];
    const turns: ChatTurn[] = [];
    for (const [i, said] of messages.entries()) {
        const {role} = said;
        const text = textOf(said.content);
        if (role === "tool") {
            const answered = turns.at(-1)?.role === "user" ? turns.at(-2) : turns.at(-1);
            if (answered?.calls?.some(({id}) => id === said.tool_call_id) !== true)
                throw new InvalidField(`messages.${i}`, "no call of the message before has this tool_call_id.");
            if (turns.at(-1) === answered) turns.push({role: "user", text: "", results: []});
            turns.at(-1)!.results!.push({id: said.tool_call_id, text});
            continue;
        }
        if (role === "system" || role === "developer") {
            instructions.push(text);
            continue;
        }
        const last = turns.at(-1);
        const calls = role === "assistant" ? callsOf(said.tool_calls ?? [], i) : [];
        // Templates want turns that take turns.
        if (last?.role === role && last.calls === undefined && calls.length === 0)
            last.text = last.text === "" ? text : `${last.text}\n\n${text}`;
        else if (last?.role === role)
            throw new InvalidField(`messages.${i}`, "calls of tools want their results next.");
        else turns.push({role, text, ...(calls.length === 0 ? {} : {calls})});
    }
    if (turns.at(-1)?.role !== "user")
        throw new InvalidField(
            "messages",
            "the last message must be the user's or a tool's.",
            "Put the question last.",
        );
    if (turns[0]?.role !== "user") turns.unshift({role: "user", text: ""});
    return {instructions: instructions.length === 0 ? undefined : instructions.join("\n\n"), turns};
}

function callsOf(calls: readonly z.infer<typeof call>[], at: number): ToolCall[] {
    return calls.map(({id, function: {name, arguments: given}}) => {
        if (!isJsonObject(given))
            throw new InvalidField(`messages.${at}.tool_calls`, "the arguments of a call must be JSON of an object.");
        return {id, name, arguments: given};
    });
}

/**
 * The tools that the model may call, and whether it must.
 * @throws InvalidField when a tool is wanted that is not among them
 */
export function toolsOf({tools, tool_choice: choice}: ChatRequest): {
    tools: ToolDescription[];
    toolChoice: "auto" | "required";
} {
    const all = (tools ?? []).map(({function: {name, description, parameters}}) => ({
        name,
        description: description ?? "",
        ...(parameters === null || parameters === undefined ? {} : {parameters}),
    }));
    if (choice === "none") return {tools: [], toolChoice: "auto"};
    const wanted = typeof choice === "object" && choice !== null ? choice.function.name : undefined;
    const named = wanted === undefined ? all : all.filter(({name}) => name === wanted);
    const isRequired = wanted !== undefined || choice === "required";
    if (isRequired && named.length === 0)
        throw new InvalidField("tool_choice", "it asks for a tool that is not among `tools`.");
    return {tools: named, toolChoice: isRequired ? "required" : "auto"};
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
    return ignored;
}
