import {describe, expect, it, vi} from "vitest";
import type * as vscode from "vscode";
import {createChatProvider} from "../../../extension/host/language-model/chat-provider.js";
import {limitsOf} from "../../../extension/host/language-model/model-limits.js";
import type {Ctx} from "../../../extension/host/ctx.js";
import type {AskRequest, EngineStatus, ModelInfo, ToolCall} from "../../../extension/protocol/engine.js";
import {cancelled, modelMissing} from "../../../extension/protocol/errors.js";
import {answer} from "../cli/recording-engine.js";

// The few classes of VS Code that a provider makes or recognises.
vi.mock("vscode", () => {
    class LanguageModelTextPart {
        constructor(readonly value: string) {}
    }
    class LanguageModelToolResultPart {
        constructor(
            readonly callId: string,
            readonly content: unknown[],
        ) {}
    }
    class LanguageModelToolCallPart {
        constructor(
            readonly callId: string,
            readonly name: string,
            readonly input: object,
        ) {}
    }
    return {
        LanguageModelTextPart,
        LanguageModelToolCallPart,
        LanguageModelToolResultPart,
        CancellationError: class CancellationError extends Error {},
        LanguageModelChatMessageRole: {User: 1, Assistant: 2},
        LanguageModelChatToolMode: {Auto: 1, Required: 2},
        l10n: {t: (text: string) => text},
    };
});
const {LanguageModelTextPart, LanguageModelToolCallPart, LanguageModelToolResultPart, CancellationError} =
    await import("vscode");

const small = {name: "small", architecture: "llama", window: 8192, path: "/m.gguf"} as ModelInfo;
const token = {
    isCancellationRequested: false,
    onCancellationRequested: () => ({dispose: () => {}}),
} as vscode.CancellationToken;
const message = (role: number, ...content: unknown[]) =>
    ({role, content, name: undefined}) as vscode.LanguageModelChatRequestMessage;
const said = (role: number, text: string) => message(role, new LanguageModelTextPart(text));

function providerOn({
    isLoaded = true,
    onAsk,
    callsTools = false,
    calls,
}: {
    isLoaded?: boolean;
    onAsk?: (signal?: AbortSignal) => Promise<void>;
    callsTools?: boolean;
    calls?: ToolCall[];
} = {}) {
    const info = {...small, callsTools};
    const asked: AskRequest[] = [];
    const remembered = new Map<string, unknown>();
    let nLoads = 0;
    const ctx = {
        engine: {
            status: () => (isLoaded ? {model: info} : {}) as EngineStatus,
            load: async () => {
                nLoads++;
                isLoaded = true;
                return info;
            },
            countTokens: async (texts: string[]) => texts.map((text) => text.length),
            forget: async () => {},
            ask: async (request: AskRequest, on: {text?: (piece: string) => void}, signal?: AbortSignal) => {
                asked.push(request);
                await onAsk?.(signal);
                for (const piece of ["Forty-", "two."]) on.text?.(piece);
                return {...answer, ...(calls === undefined ? {} : {calls})};
            },
        },
        workspace: {id: "w", flush: async () => {}, pinned: () => ["pinned.ts"], excluded: () => ["never.ts"]},
        settings: {get: () => 0.2},
        globalState: {
            get: (name: string) => remembered.get(name),
            update: async (name: string, value: unknown) => void remembered.set(name, value),
        },
        log: {warn: () => {}},
    } as unknown as Ctx;
    const provider = createChatProvider(ctx);
    const information = async (silent: boolean) =>
        (await provider.provideLanguageModelChatInformation({silent}, token)) ?? [];
    const ask = async (
        messages: vscode.LanguageModelChatRequestMessage[],
        options: Partial<vscode.ProvideLanguageModelChatResponseOptions> = {},
        cancel = token,
    ) => {
        const pieces: unknown[] = [];
        const [model] = await information(false);
        await provider.provideLanguageModelChatResponse(
            model!,
            messages,
            {toolMode: 1, ...options},
            {report: (part) => pieces.push(part instanceof LanguageModelTextPart ? part.value : part)},
            cancel,
        );
        return pieces;
    };
    return {provider, information, ask, asked, nLoads: () => nLoads, unload: () => (isLoaded = false)};
}

describe("Kvasir's model among VS Code's", () => {
    it("is told with its limits and without tools; looking at the list loads nothing", async () => {
        const {information, nLoads, unload} = providerOn({isLoaded: false});
        expect(await information(true)).toEqual([]);
        expect(nLoads()).toBe(0);
        const [model] = await information(false);
        expect(nLoads()).toBe(1);
        expect(model).toMatchObject({id: "small", family: "llama", ...limitsOf(8192)});
        expect(model?.capabilities).toEqual({imageInput: false, toolCalling: false});
        // Unloaded again it stays in the list, as it was.
        unload();
        expect(await information(true)).toEqual([model]);
        expect(nLoads()).toBe(1);
    });

    it("promises no more than the window holds beside its files", () => {
        for (const window of [512, 2048, 8192, 131_072]) {
            const {maxInputTokens, maxOutputTokens} = limitsOf(window);
            expect(maxInputTokens + maxOutputTokens).toBeLessThanOrEqual(window - Math.min(8192, window / 4));
            expect(maxOutputTokens).toBeGreaterThan(0);
        }
    });

    it("gets the caller's messages as turns, pins and named files, and streams", async () => {
        const {ask, asked} = providerOn();
        const pieces = await ask(
            [said(3, "Be brief."), said(1, "One"), said(1, "two"), said(2, "Three."), said(1, "Four?")],
            {
                modelOptions: {max_tokens: 9, temperature: 0, context: ["src/a.ts", 5]},
            },
        );
        expect(pieces).toEqual(["Forty-", "two."]);
        expect(asked[0]).toMatchObject({
            turns: [
                {role: "user", text: "One\n\ntwo"},
                {role: "assistant", text: "Three."},
                {role: "user", text: "Four?"},
            ],
            instructions: "Be brief.",
            choice: {pinned: ["pinned.ts"], exclude: ["never.ts"], context: ["src/a.ts"], onlyNamed: true},
            maxTokens: 9,
            temperature: 0,
        });
    });

    it("goes on with the conversation that began the same", async () => {
        const {ask, asked} = providerOn();
        await ask([said(1, "a")]);
        await ask([said(1, "other")]);
        await ask([said(1, "a"), said(2, "Forty-two."), said(1, "and?")]);
        expect(asked[2]?.conversation).toBe(asked[0]?.conversation);
        expect(asked[1]?.conversation).not.toBe(asked[0]?.conversation);
    });

    it("passes tools on to a model that has them, and hands its calls over", async () => {
        const calls = [{id: "1", name: "get_weather", arguments: '{"city":"Oslo"}'}];
        const {ask, asked, information} = providerOn({callsTools: true, calls});
        expect((await information(true))[0]?.capabilities.toolCalling).toBe(true);
        const inputSchema = {type: "object", properties: {city: {type: "string"}}};
        const tools = [{name: "get_weather", description: "Weather of a city", inputSchema}];
        const pieces = await ask([said(1, "Weather?")], {tools, toolMode: 2});
        expect(pieces.at(-1)).toEqual(new LanguageModelToolCallPart("1", "get_weather", {city: "Oslo"}));
        expect(asked[0]).toMatchObject({
            tools: [{name: "get_weather", description: "Weather of a city", parameters: inputSchema}],
            toolChoice: "required",
        });
        await ask(
            [
                said(1, "Weather?"),
                message(2, new LanguageModelTextPart("Hm."), new LanguageModelToolCallPart("1", "get_weather", {})),
                message(1, new LanguageModelToolResultPart("1", [new LanguageModelTextPart("3 degrees")])),
                message(1, new LanguageModelToolResultPart("9", [new LanguageModelTextPart("of another")])),
            ],
            {tools},
        );
        expect(asked[1]).toMatchObject({
            turns: [
                {role: "user", text: "Weather?"},
                {role: "assistant", text: "Hm.", calls: [{id: "1", name: "get_weather", arguments: "{}"}]},
                {role: "user", text: "of another", results: [{id: "1", text: "3 degrees"}]},
            ],
            toolChoice: "auto",
        });
        const plain = providerOn();
        await plain.ask([said(1, "Weather?")], {tools});
        expect(plain.asked[0]?.tools).toBeUndefined();
    });

    it("counts by the engine's tokenizer, a message by its text", async () => {
        const {provider, information} = providerOn();
        const [model] = await information(false);
        expect(await provider.provideTokenCount(model!, "four", token)).toBe(4);
        expect(await provider.provideTokenCount(model!, said(1, "seventeen letters"), token)).toBe(17);
    });

    it("ends the engine's work when the caller cancels", async () => {
        let cancel = () => {};
        const cancelling = {
            isCancellationRequested: false,
            onCancellationRequested: (listener: () => void) => ((cancel = listener), {dispose: () => {}}),
        } as unknown as vscode.CancellationToken;
        const {ask} = providerOn({
            onAsk: (signal) =>
                new Promise((_, reject) => {
                    signal?.addEventListener("abort", () => reject(cancelled()));
                    cancel();
                }),
        });
        await expect(ask([said(1, "a")], {}, cancelling)).rejects.toBeInstanceOf(CancellationError);
    });

    it("says why it cannot: a coded error, or tools that must be called", async () => {
        const broken = providerOn({onAsk: () => Promise.reject(modelMissing("/m.gguf"))});
        await expect(broken.ask([said(1, "a")])).rejects.toMatchObject({code: "model-missing"});
        const {ask, asked} = providerOn();
        await expect(ask([said(1, "a")], {toolMode: 2})).rejects.toThrow(/calls no tools/);
        expect(asked).toEqual([]);
    });
});
