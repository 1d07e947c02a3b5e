/**
 * The model's chat template, rendered so that everything before the files is one fixed prefix and everything that
 * varies comes behind them. Templates, special tokens and stop triggers are node-llama-cpp's.
 */
import type * as library from "node-llama-cpp";
import type {ChatHistoryItem, ChatWrapper, LlamaModel, LlamaText, Token} from "node-llama-cpp";
import {
    basePrefix,
    baseModelConversation,
    baseModelStops,
    cutAtFiles,
    systemMessage,
    type SystemParts,
} from "../../core/layout/chat-layout.js";
import type {ChatTurn} from "../../protocol/engine.js";
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
    }

    get hasTemplate(): boolean {
        return this.#wrapper !== undefined;
    }

    /** @param turns the whole conversation; the last one is the question */
    render(turns: readonly ChatTurn[], parts: SystemParts): RenderedChat {
        const rendered = this.#wrapper && render(this.#wrapper, turns, parts);
        if (rendered?.cut === undefined)
            return {
                tail: Uint32Array.from(this.#model.tokenize(baseModelConversation(turns, parts))),
                stops: baseModelStops,
            };
        const {cut, stops} = rendered;
        const opening = cut.rest.map((piece) => (typeof piece === "string" ? piece : piece.toString())).join("");
        return {tail: Uint32Array.from(this.#tokens(cut.rest)), stops, thought: openThought(opening)};
    }

    #tokens(pieces: readonly Piece[]): Token[] {
        return new this.#library.LlamaText(pieces).tokenize(this.#model.tokenizer);
    }
}

function bosOf({tokens}: LlamaModel): Token[] {
    return tokens.bos !== null && tokens.shouldPrependBosToken ? [tokens.bos] : [];
}

function render(wrapper: ChatWrapper, turns: readonly ChatTurn[], parts: SystemParts) {
    const chatHistory: ChatHistoryItem[] = [
        {type: "system", text: systemMessage(parts)},
        ...turns.map(({role, text}): ChatHistoryItem =>
            role === "user" ? {type: "user", text} : {type: "model", response: [text]},
        ),
        // The opening of the answer.
        {type: "model", response: []},
    ];
    const {contextText, stopGenerationTriggers} = wrapper.generateContextState({chatHistory});
    const stops = stopGenerationTriggers
        .map(({values}) => values)
        .filter((values): values is string[] => values.length > 0 && values.every((value) => typeof value === "string"))
        .map((values) => values.join(""));
    return {cut: cutAtFiles<Exclude<Piece, string>>(contextText.values), stops};
}
