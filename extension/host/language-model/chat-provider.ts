/**
 * Owns Kvasir's model as VS Code's chat and other extensions use it: their messages as a question to the engine, counted by
 * its own tokenizer, cancelled for real. The model gets pinned files and those that the caller names, since a caller brings
 * its own context. Tools go to models whose template has them.
 */
import * as vscode from "vscode";
import {ConversationPool} from "../../core/chat/conversation-pool.js";
import type {ModelInfo} from "../../protocol/engine.js";
import {KvasirError, isKvasirError, toKvasirError} from "../../protocol/errors.js";
import type {Ctx} from "../ctx.js";
import {conversationOf, textOf} from "./conversation-of.js";
import {limitsOf} from "./model-limits.js";

/** Rows of so many callers' conversations are kept. */
const maxConversations = 4;
/** What was known of the model when it was last loaded, so that the picker shows it before it is loaded again. */
const rememberedModel = "kvasir.languageModel";

type Remembered = Pick<ModelInfo, "name" | "architecture" | "window" | "path" | "callsTools">;
export type ChatProvider = vscode.LanguageModelChatProvider & vscode.Disposable;

export function createChatProvider({engine, workspace, settings, globalState, log}: Ctx): ChatProvider {
    const conversations = new ConversationPool(maxConversations, (id) => void engine.forget(id).catch(() => undefined));

    const remember = async ({name, architecture, window, path, callsTools = false}: ModelInfo): Promise<Remembered> => {
        const model = {name, architecture, window, path, callsTools};
        if (JSON.stringify(globalState.get(rememberedModel)) !== JSON.stringify(model))
            await globalState.update(rememberedModel, model);
        return model;
    };

    return {
        async provideLanguageModelChatInformation({silent}, token) {
            const loaded = engine.status().model;
            // Looking at a picker loads no model; choosing the provider does.
            const model =
                loaded !== undefined
                    ? await remember(loaded)
                    : silent
                      ? globalState.get<Remembered>(rememberedModel)
                      : await remember(await engine.load(undefined, signalOf(token).signal));
            return model === undefined ? [] : [informationOf(model, engine.status().server?.host)];
        },

        async provideLanguageModelChatResponse(model, messages, options, progress, token) {
            const {signal, dispose} = signalOf(token);
            const {turns, instructions} = conversationOf(messages);
            const conversation = conversations.take(turns);
            let answered: string | undefined;
            try {
                const tools = (options.tools ?? []).map(({name, description, inputSchema}) => ({
                    name,
                    description,
                    ...(inputSchema === undefined ? {} : {parameters: inputSchema as Record<string, unknown>}),
                }));
                const isRequired = options.toolMode === vscode.LanguageModelChatToolMode.Required;
                if (isRequired && model.capabilities.toolCalling !== true)
                    throw new KvasirError("usage", "this model calls no tools.", {
                        fix: "Choose another model for agents that need them.",
                    });
                await workspace.flush("open");
                const {maxTokens, temperature, context} = optionsOf(options.modelOptions);
                const report = await engine.ask(
                    {
                        workspace: workspace.id,
                        conversation: conversation.id,
                        turns,
                        choice: {
                            pinned: [...workspace.pinned()],
                            exclude: [...workspace.excluded()],
                            context,
                            onlyNamed: true,
                        },
                        ...(instructions === "" ? {} : {instructions}),
                        maxTokens: Math.min(model.maxOutputTokens, maxTokens ?? model.maxOutputTokens),
                        temperature: temperature ?? settings.get("chat.temperature"),
                        ...(tools.length === 0 || model.capabilities.toolCalling !== true
                            ? {}
                            : {tools, toolChoice: isRequired ? "required" : "auto"}),
                    },
                    {text: (piece) => progress.report(new vscode.LanguageModelTextPart(piece))},
                    signal,
                );
                answered = report.text;
                for (const {id, name, arguments: given} of report.calls ?? [])
                    progress.report(new vscode.LanguageModelToolCallPart(id, name, JSON.parse(given) as object));
            } catch (error) {
                if (token.isCancellationRequested || isKvasirError(error, "cancelled"))
                    throw new vscode.CancellationError();
                const {code, message, fix} = toKvasirError(error);
                if (code === "internal") log.warn("An answer for another extension failed.", error);
                throw Object.assign(new Error([message, fix].filter(Boolean).join(" ")), {code});
            } finally {
                conversation.release(answered);
                dispose();
            }
        },

        async provideTokenCount(_model, text) {
            const [count] = await engine.countTokens([typeof text === "string" ? text : textOf(text)]);
            return count ?? 0;
        },

        dispose() {},
    };
}

function informationOf({name, architecture, window, callsTools = false}: Remembered, host: string | undefined) {
    return {
        id: name,
        name,
        family: architecture,
        version: "1",
        detail: host === undefined ? vscode.l10n.t("Kvasir, on this machine") : vscode.l10n.t("Kvasir, on {0}", host),
        ...limitsOf(window),
        capabilities: {imageInput: false, toolCalling: callsTools},
    };
}

function optionsOf(given: Readonly<Record<string, unknown>> = {}) {
    const {max_tokens, maxTokens = max_tokens, temperature, context} = given;
    return {
        maxTokens: typeof maxTokens === "number" && maxTokens >= 1 ? Math.floor(maxTokens) : undefined,
        temperature: typeof temperature === "number" && temperature >= 0 ? temperature : undefined,
        context: Array.isArray(context)
            ? (context as unknown[]).filter((path): path is string => typeof path === "string")
            : [],
    };
}

function signalOf(token: vscode.CancellationToken): {signal: AbortSignal; dispose: () => void} {
    const controller = new AbortController();
    if (token.isCancellationRequested) controller.abort();
    const listening = token.onCancellationRequested(() => controller.abort());
    return {signal: controller.signal, dispose: () => void listening.dispose()};
}
