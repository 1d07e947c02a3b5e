/** Owns what a server tells of itself: its models, the window, its tokenizer. Each kind tells it in another place. */
import * as z from "zod";
import {estimatedTokens} from "../../core/layout/remote-prompt.js";
import type {RemoteServer, ServerKind} from "../../protocol/engine.js";
import {isKvasirError, serverModel} from "../../protocol/errors.js";
import type {ServerHttp} from "./server-http.js";

export interface ServerFacts {
    /** As it was named, or as the server itself says. */
    kind: ServerKind;
    model: string;
    /** Tokens of prompt and answer. */
    window: number;
    /** Whether the server said so; else it is a careful guess. */
    isWindowKnown: boolean;
    /** False when it says that its model's template has no tools: it would leave them out without a word. */
    callsTools: boolean;
}

const window = z.number().int().positive().max(1e8).optional().catch(undefined);
const modelList = z.object({
    data: z
        .array(
            z.object({
                id: z.string(),
                owned_by: z.string().nullish().catch(undefined),
                // vLLM and SGLang.
                max_model_len: window,
                // OpenRouter and others.
                context_length: window,
                // llama-server.
                meta: z.object({n_ctx_train: window}).nullish().catch(undefined),
            }),
        )
        .max(10_000),
});
const props = z.object({
    n_ctx: window,
    default_generation_settings: z.object({n_ctx: window}).optional().catch(undefined),
    chat_template_caps: z.object({supports_tools: z.boolean().optional()}).optional().catch(undefined),
});

/** What servers call themselves in their lists of models. */
const owners: Partial<Record<string, ServerKind>> = {vllm: "vllm", sglang: "sglang", llamacpp: "llama-server"};

/** No server of today has less; more is not promised by anybody. */
const guessedWindow = 8192;

/**
 * Asks the server.
 * @throws KvasirError `server-model` when it does not have the model; whatever kept it from answering
 */
export async function factsOf(
    http: ServerHttp,
    {model: wanted, kind: named}: RemoteServer,
    signal?: AbortSignal,
): Promise<ServerFacts> {
    const {data} = await http.json("/models", modelList, {signal});
    const found = wanted === "" ? data[0] : data.find(({id}) => id === wanted);
    const told = owners[found?.owned_by ?? ""];
    const kind = named === "generic" ? (told ?? named) : named;
    // A llama-server has one model and answers to any name; its list may show a path.
    if (found === undefined && !(kind === "llama-server" && data.length > 0))
        throw serverModel(
            http.host,
            wanted,
            data.map(({id}) => id),
        );
    const model = wanted === "" ? (found?.id ?? "") : wanted;
    const inList = found?.max_model_len ?? found?.context_length;
    if (kind !== "llama-server") return factsWith(kind, model, inList);
    try {
        const {n_ctx, default_generation_settings, chat_template_caps} = await http.json("//props", props, {signal});
        // A slot may have less than the model was trained on.
        const facts = factsWith(kind, model, default_generation_settings?.n_ctx ?? n_ctx);
        return {...facts, callsTools: chat_template_caps?.supports_tools !== false};
    } catch (error) {
        // Nobody has said that its own routes can be reached: a proxy may hide them.
        if (named === kind || !isRouteMissing(error)) throw error;
        return factsWith(named, model, inList);
    }
}

function factsWith(kind: ServerKind, model: string, told: number | undefined): ServerFacts {
    return {kind, model, window: told ?? guessedWindow, isWindowKnown: told !== undefined, callsTools: true};
}

/** What a server without a route says, or a proxy before it that does not let it through. */
export function isRouteMissing(error: unknown): boolean {
    return isKvasirError(error, "server-failed") || isKvasirError(error, "server-garbled");
}

const tokenised = z.union([
    z.object({count: z.number().int().nonnegative()}),
    z.object({tokens: z.array(z.unknown()).transform((tokens) => tokens.length)}),
]);

/** Tokens of texts by the server's tokenizer, where it has one for us; an estimate on the high side elsewhere. */
export async function countTokens(
    http: ServerHttp,
    {kind, model}: Pick<ServerFacts, "kind" | "model">,
    texts: readonly string[],
): Promise<number[]> {
    if (kind === "generic") return texts.map(estimatedTokens);
    const counts: number[] = [];
    for (const text of texts) {
        try {
            const body = kind === "llama-server" ? {content: text} : {model, prompt: text, add_special_tokens: false};
            const counted = await http.json("//tokenize", tokenised, {body});
            counts.push("count" in counted ? counted.count : counted.tokens);
        } catch (error) {
            // An older server without the route.
            if (!isRouteMissing(error)) throw error;
            counts.push(estimatedTokens(text));
        }
    }
    return counts;
}
