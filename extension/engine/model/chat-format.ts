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
    type CutTemplate,
    systemMessage,
    type SystemParts,
} from "../../core/layout/chat-layout.js";
import {type CallForm, callForms, listed} from "../../core/chat/call-forms.js";
import {withoutCalls} from "../../core/chat/tool-calls.js";
import type {ChatTurn, ToolDescription} from "../../protocol/engine.js";
import {graniteInstruction, graniteTokens, graniteWrapper, isGranite3} from "./granite-tools.js";
import {type Piece, markOf, withPlaced} from "./placed-pieces.js";
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
interface Rendering {
    cut: CutTemplate<Exclude<Piece, string>> | undefined;
    stops: string[];
}

export class ChatFormat {
    /** Tokens before the files, the same for every question and every file. */
    readonly prefix: Uint32Array;
    readonly #library: Library;
    readonly #model: LlamaModel;
    readonly #wrapper: ChatWrapper | undefined;
    /** Its template, if it is one of Granite 3. */
    readonly #granite: string | undefined;
    /** How the model writes calls of tools; none where its template does not describe them behind the files. */
    readonly calls: CallForm | undefined;
    /** Special tokens by which calls are known. */
    readonly callMarks: ReadonlySet<number>;

    static async of(model: LlamaModel): Promise<ChatFormat> {
        return new ChatFormat(await import("node-llama-cpp"), model);
    }

    private constructor(library: Library, model: LlamaModel) {
        this.#library = library;
        this.#model = model;
        const template = model.fileInfo.metadata.tokenizer.chat_template;
        this.#granite = template !== undefined && isGranite3(template) ? template : undefined;
        const wrapper =
            this.#granite !== undefined
                ? graniteWrapper(library, this.#granite, [])
                : template !== undefined
                  ? (library.resolveChatWrapper(model) ?? undefined)
                  : undefined;
        const rendered = wrapper && render(library, wrapper, [{role: "user", text: "?"}], {});
        // A template that drops or repeats its system message has no place for files: the plain layout serves it.
        this.#wrapper = rendered?.cut === undefined ? undefined : wrapper;
        this.prefix = Uint32Array.from(
            rendered?.cut ? this.#tokens(rendered.cut.prefix) : [...bosOf(model), ...model.tokenize(basePrefix)],
        );
        this.calls = this.#wrapper && this.#formOf(this.#wrapper);
        const {open, inner = []} = this.calls ?? {};
        const marks = open === undefined ? [] : [open, ...inner].map((mark) => model.tokenize(mark, true));
        this.callMarks = new Set(marks.flatMap((tokens) => (tokens.length === 1 ? tokens : [])));
    }

    get hasTemplate(): boolean {
        return this.#wrapper !== undefined;
    }

    /**
     * @param turns the whole conversation; the last one is the question, or has the results of tools
     * @param tools not told where `calls` is undefined: earlier calls and their results are then told as text
     */
    render(turns: readonly ChatTurn[], parts: SystemParts, tools: readonly ToolDescription[] = []): RenderedChat {
        const told = this.calls === undefined ? withoutCalls(turns) : turns;
        const rendered = this.#wrapper && this.#rendered(this.#wrapper, told, parts, this.calls ? tools : []);
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
    #formOf(wrapper: ChatWrapper): CallForm | undefined {
        const {call, parallelism} = wrapper.settings.functions;
        const opening = `${textOf(parallelism?.call.sectionPrefix ?? "")}${textOf(call.prefix)}`;
        const form = this.#granite === undefined ? callForms.find(({open}) => opening.includes(open)) : listed;
        if (form === undefined) return undefined;
        const tools = [{name: "one", description: "One tool."}];
        const {cut} = this.#rendered(wrapper, [{role: "user", text: "?"}], {}, tools);
        const tokens = cut === undefined ? [] : this.#tokens(cut.prefix);
        const isSame = tokens.length === this.prefix.length && tokens.every((token, i) => token === this.prefix[i]);
        return isSame ? form : undefined;
    }

    #rendered(
        wrapper: ChatWrapper,
        turns: readonly ChatTurn[],
        parts: SystemParts,
        tools: readonly ToolDescription[],
    ): Rendering {
        if (this.#granite === undefined) return render(this.#library, wrapper, turns, parts, tools);
        const hasTools = tools.length > 0;
        return render(
            this.#library,
            hasTools ? graniteWrapper(this.#library, this.#granite, tools) : wrapper,
            turns,
            hasTools ? {...parts, tools: graniteInstruction} : parts,
        );
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
    library: Library,
    wrapper: ChatWrapper,
    turns: readonly ChatTurn[],
    parts: SystemParts,
    tools: readonly ToolDescription[] = [],
): Rendering {
    const placed = new Map(graniteTokens(library));
    const chatHistory: ChatHistoryItem[] = [
        {type: "system", text: systemMessage(parts)},
        ...historyOf(turns, (said) => {
            const mark = markOf(`said ${placed.size}`);
            placed.set(mark, said);
            return mark;
        }),
    ];
    const {contextText, stopGenerationTriggers} = wrapper.generateContextState({
        chatHistory,
        ...(tools.length === 0 ? {} : {availableFunctions: functionsOf(tools), documentFunctionParams: true}),
    });
    const stops = stopGenerationTriggers
        .map(({values}) => values)
        .filter((values): values is string[] => values.length > 0 && values.every((value) => typeof value === "string"))
        .map((values) => values.join(""));
    return {cut: cutAtFiles<Exclude<Piece, string>>(withPlaced(library, contextText, placed).values), stops};
}

/** node-llama-cpp writes the schema of a tool's arguments as it stands; its own type is of what its grammars can do. */
function functionsOf(tools: readonly ToolDescription[]): ChatModelFunctions {
    return Object.fromEntries(
        tools.map(({name, description, parameters}) => [name, {description, params: parameters}]),
    ) as ChatModelFunctions;
}

/**
 * Calls and their results are parts of one answer there, which ends where the model goes on.
 * @param place takes what a tool said, and gives what stands for it
 */
function historyOf(turns: readonly ChatTurn[], place: (said: string) => string): ChatHistoryItem[] {
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
                result: place(came.get(call.id) ?? ""),
                ...(n === 0 ? {startsNewChunk: true} : {}),
            })),
        );
    }
    // The opening of the answer.
    answer();
    return items;
}
