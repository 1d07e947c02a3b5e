/**
 * The model's chat template, rendered so that everything before the files is one fixed prefix and everything that
 * varies comes behind them. Templates, special tokens and stop triggers are node-llama-cpp's.
 */
import type * as library from "node-llama-cpp";
import type {
    ChatHistoryItem,
    ChatModelFunctions,
    ChatModelResponse,
    ChatWrapper,
    LlamaModel,
    LlamaText,
    Token,
} from "node-llama-cpp";
import {
    basePrefix,
    baseModelConversation,
    baseModelStops,
    cutAtFiles,
    systemMessage,
    type SystemParts,
} from "../../core/layout/chat-layout.js";
import {callOpen, withoutCalls} from "../../core/chat/tool-calls.js";
import type {ChatTurn, ToolDescription} from "../../protocol/engine.js";
import {openThought} from "./thought-splitter.js";

export interface RenderedChat {
    /** Tokens behind the files: rest of the system turn, the conversation, the opening of the answer. */
    tail: Uint32Array;
    /** Texts at which an answer ends, besides the model's own end tokens. */
    stops: readonly string[];
    /** The mark that the template has put before the answer when it begins with reasoning: `<think>`. */
    thought?: string | undefined;
}

type Library = typeof library;
type Piece = LlamaText["values"][number];

export class ChatFormat {
    /** Tokens before the files, the same for every question and every file. */
    readonly prefix: Uint32Array;
    readonly #library: Library;
    readonly #model: LlamaModel;
    readonly #wrapper: ChatWrapper | undefined;
    /** Whether its template describes tools, behind the files, and calls have the form that is read here. */
    readonly callsTools: boolean;

    static async of(model: LlamaModel): Promise<ChatFormat> {
        return new ChatFormat(await import("node-llama-cpp"), model);
    }

    private constructor(library: Library, model: LlamaModel) {
        this.#library = library;
        this.#model = model;
        const hasTemplate = model.fileInfo.metadata.tokenizer.chat_template !== undefined;
        const wrapper = hasTemplate ? (library.resolveChatWrapper(model) ?? undefined) : undefined;
        const rendered = wrapper && render(wrapper, [{role: "user", text: "?"}], {});
        // A template that drops or repeats its system message has no place for files: the plain layout serves it.
        this.#wrapper = rendered?.cut === undefined ? undefined : wrapper;
        this.prefix = Uint32Array.from(
            rendered?.cut ? this.#tokens(rendered.cut.prefix) : [...bosOf(model), ...model.tokenize(basePrefix)],
        );
        this.callsTools = this.#wrapper !== undefined && this.#canCallTools(this.#wrapper);
    }

    get hasTemplate(): boolean {
        return this.#wrapper !== undefined;
    }

    /**
     * @param turns the whole conversation; the last one is the question, or has the results of tools
     * @param tools none where `callsTools` is false: earlier calls and their results are then told as text
     */
    render(turns: readonly ChatTurn[], parts: SystemParts, tools: readonly ToolDescription[] = []): RenderedChat {
        const told = this.callsTools ? turns : withoutCalls(turns);
        const rendered = this.#wrapper && render(this.#wrapper, told, parts, this.callsTools ? tools : []);
        if (rendered?.cut === undefined)
            return {
                tail: Uint32Array.from(this.#model.tokenize(baseModelConversation(told, parts))),
                stops: baseModelStops,
            };
        const {cut, stops} = rendered;
        const opening = cut.rest.map((piece) => (typeof piece === "string" ? piece : piece.toString())).join("");
        return {tail: Uint32Array.from(this.#tokens(cut.rest)), stops, thought: openThought(opening)};
    }

    /** A template that puts tools before the system message moves the prefix, behind which every file was read. */
    #canCallTools(wrapper: ChatWrapper): boolean {
        const {prefix} = wrapper.settings.functions.call;
        if (!textOf(prefix).includes(callOpen)) return false;
        const {cut} = render(wrapper, [{role: "user", text: "?"}], {}, [{name: "one", description: "One tool."}]);
        const tokens = cut === undefined ? [] : this.#tokens(cut.prefix);
        return tokens.length === this.prefix.length && tokens.every((token, i) => token === this.prefix[i]);
    }

    #tokens(pieces: readonly Piece[]): Token[] {
        return new this.#library.LlamaText(pieces).tokenize(this.#model.tokenizer);
    }
}

function bosOf({tokens}: LlamaModel): Token[] {
    return tokens.bos !== null && tokens.shouldPrependBosToken ? [tokens.bos] : [];
}

function textOf(text: string | LlamaText): string {
    return typeof text === "string" ? text : text.values.map((piece) => piece.toString()).join("");
}

function render(
    wrapper: ChatWrapper,
    turns: readonly ChatTurn[],
    parts: SystemParts,
    tools: readonly ToolDescription[] = [],
) {
    const chatHistory: ChatHistoryItem[] = [{type: "system", text: systemMessage(parts)}, ...historyOf(turns)];
    const {contextText, stopGenerationTriggers} = wrapper.generateContextState({
        chatHistory,
        ...(tools.length === 0 ? {} : {availableFunctions: functionsOf(tools), documentFunctionParams: true}),
    });
    const stops = stopGenerationTriggers
        .map(({values}) => values)
        .filter((values): values is string[] => values.length > 0 && values.every((value) => typeof value === "string"))
        .map((values) => values.join(""));
    return {cut: cutAtFiles<Exclude<Piece, string>>(contextText.values), stops};
}

/** node-llama-cpp writes the schema of a tool's arguments as it stands; its own type is of what its grammars can do. */
function functionsOf(tools: readonly ToolDescription[]): ChatModelFunctions {
    return Object.fromEntries(
        tools.map(({name, description, parameters}) => [name, {description, params: parameters}]),
    ) as ChatModelFunctions;
}

/** Calls and their results are parts of one answer there, which ends where the model goes on. */
function historyOf(turns: readonly ChatTurn[]): ChatHistoryItem[] {
    const items: ChatHistoryItem[] = [];
    const answer = (): ChatModelResponse => {
        const last = items.at(-1);
        if (last?.type === "model") return last;
        const begun: ChatModelResponse = {type: "model", response: []};
        items.push(begun);
        return begun;
    };
    for (const [i, {role, text, calls = [], results}] of turns.entries()) {
        if (role === "user") {
            if (results === undefined || text !== "") items.push({type: "user", text});
            continue;
        }
        const came = new Map(turns[i + 1]?.results?.map((result) => [result.id, result.text]));
        answer().response.push(
            ...(text === "" ? [] : [text]),
            ...calls.map((call, n) => ({
                type: "functionCall" as const,
                name: call.name,
                description: undefined,
                params: JSON.parse(call.arguments) as unknown,
                result: came.get(call.id) ?? "",
                ...(n === 0 ? {startsNewChunk: true} : {}),
            })),
        );
    }
    // The opening of the answer.
    answer();
    return items;
}
