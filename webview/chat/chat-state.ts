/** The state of the chat page and how it changes: a pure reducer over what the extension says and what a person does. */
import type {
    AnswerView,
    ContextView,
    ConversationEntry,
    ConversationView,
    EngineView,
    ErrorView,
    MentionItem,
    ReviewView,
    SlashView,
    TurnView,
} from "../../extension/protocol/webview/chat.js";
import {insertAt, replaceWord, wordAt, type Word} from "./composer-text.js";
import {type CompletionItem, type MentionQuestion, itemsAfter, selectedAfter} from "./mention-list.js";

export interface Completion {
    word: Word;
    items: CompletionItem[];
    selected: number;
    /** Undefined for commands, which the page knows. */
    asked: MentionQuestion | undefined;
}

export interface ChatState {
    conversation: ConversationView | undefined;
    engine: EngineView | undefined;
    context: ContextView;
    commands: SlashView[];
    reviews: ReviewView[];
    unsaved: ErrorView | undefined;
    deleted: {conversation: string; name: string} | undefined;
    news: string | undefined;
    /** The question that is being written. */
    text: string;
    cursor: number;
    completion: Completion | undefined;
    /** Questions for mentions so far. */
    nAsked: number;
    /** Files left out of the next question. */
    excluded: readonly string[];
    /** A question that is being written anew. */
    editing: {turn: string; text: string} | undefined;
    isRenaming: boolean;
    history: {search: string; entries: ConversationEntry[] | undefined} | undefined;
}

export type ChatAction =
    | {type: "conversation"; conversation: ConversationView}
    | {type: "piece"; conversation: string; turn: string; text: string; thought: string}
    | {type: "turn"; conversation: string; turn: TurnView}
    | {type: "engine"; engine: EngineView}
    | {type: "context"; context: ContextView}
    | {type: "commands"; commands: SlashView[]}
    | {type: "reviews"; reviews: ReviewView[]}
    | {type: "unsaved"; error: ErrorView | undefined}
    | {type: "deleted"; deleted: {conversation: string; name: string} | undefined}
    | {type: "news"; text: string | undefined}
    | {type: "write"; text: string; cursor: number}
    | {type: "insert"; text: string}
    | {type: "sent"}
    | {type: "mentions"; number: number; of: "places" | "symbols"; items: MentionItem[]}
    | {type: "select"; by: number}
    | {type: "take"; item?: CompletionItem}
    | {type: "closeCompletion"}
    | {type: "exclude"; path: string; isExcluded: boolean}
    | {type: "edit"; turn: string | undefined; text?: string}
    | {type: "rename"; isRenaming: boolean}
    | {type: "history"; isOpen: boolean}
    | {type: "search"; search: string}
    | {type: "entries"; search: string; entries: ConversationEntry[]};

export const initialState: ChatState = {
    conversation: undefined,
    engine: undefined,
    context: {pinned: [], open: 0, samples: []},
    commands: [],
    reviews: [],
    unsaved: undefined,
    deleted: undefined,
    news: undefined,
    text: "",
    cursor: 0,
    completion: undefined,
    nAsked: 0,
    excluded: [],
    editing: undefined,
    isRenaming: false,
    history: undefined,
};

export function reduce(state: ChatState, action: ChatAction): ChatState {
    switch (action.type) {
        case "conversation":
            return withConversation(state, action.conversation);
        case "piece":
            return changeAnswer(state, action.conversation, action.turn, (answer) => {
                const {progress: _progress, ...rest} = answer;
                return {...rest, text: answer.text + action.text, thought: answer.thought + action.thought};
            });
        case "turn": {
            const {turn} = action;
            if (turn.role === "user") return state;
            // Pieces may have come meanwhile: the longer text is the newer one.
            return changeAnswer(state, action.conversation, turn.id, (answer) => ({
                ...turn,
                text:
                    turn.text.length >= answer.text.length || turn.steps.length > answer.steps.length
                        ? turn.text
                        : answer.text,
                ...(answer.branch === undefined ? {} : {branch: answer.branch}),
            }));
        }
        case "engine":
            return withEngine(state, action.engine);
        case "context": {
            const {context} = action;
            const excluded = state.excluded.filter((path) => path === context.active?.path);
            const isSame = context.pinned.join("\n") === state.context.pinned.join("\n");
            const pinned = isSame ? state.context.pinned : context.pinned;
            return {...state, context: {...context, pinned}, excluded};
        }
        case "commands":
            return {...state, commands: action.commands};
        case "reviews":
            return {...state, reviews: keepSame(state.reviews, action.reviews)};
        case "unsaved":
            return {...state, unsaved: action.error};
        case "deleted":
            return {...state, deleted: action.deleted};
        case "news":
            return {...state, news: action.text};
        case "write":
            return withWord({...state, text: action.text, cursor: action.cursor});
        case "insert": {
            const {text, cursor} = insertAt(state.text, state.cursor, action.text);
            return {...state, text, cursor, completion: undefined};
        }
        case "sent":
            return {...state, text: "", cursor: 0, completion: undefined, excluded: [], deleted: undefined};
        case "mentions":
            return withMentions(state, action);
        case "select": {
            const {completion} = state;
            if (completion === undefined || completion.items.length === 0) return state;
            const {length} = completion.items;
            const selected = (completion.selected + action.by + length) % length;
            return {...state, completion: {...completion, selected}};
        }
        case "take": {
            const {completion} = state;
            const item = action.item ?? completion?.items[completion.selected];
            if (completion === undefined || item === undefined) return state;
            const {text, cursor} = replaceWord(state.text, completion.word, item.insert);
            const next = {...state, text, cursor, completion: undefined};
            return item.kind === "folder" ? withWord(next) : next;
        }
        case "closeCompletion":
            return state.completion === undefined ? state : {...state, completion: undefined};
        case "exclude": {
            const others = state.excluded.filter((path) => path !== action.path);
            return {...state, excluded: action.isExcluded ? [...others, action.path] : others};
        }
        case "edit": {
            if (action.turn === undefined) return {...state, editing: undefined};
            const turn = state.conversation?.turns.find(({id}) => id === action.turn);
            if (turn?.role !== "user") return state;
            return {...state, editing: {turn: turn.id, text: action.text ?? turn.text}};
        }
        case "rename":
            return {...state, isRenaming: action.isRenaming};
        case "history":
            return {...state, history: action.isOpen ? {search: "", entries: undefined} : undefined};
        case "search":
            return state.history === undefined ? state : {...state, history: {...state.history, search: action.search}};
        case "entries":
            // An answer to an earlier search comes too late.
            return state.history?.search === action.search
                ? {...state, history: {...state.history, entries: action.entries}}
                : state;
    }
}

/** Whether this conversation is being answered. */
export function isRunning({conversation}: ChatState): boolean {
    return conversation?.turns.some((turn) => turn.role === "assistant" && turn.isRunning) ?? false;
}

function withConversation(state: ChatState, conversation: ConversationView): ChatState {
    const isOther = state.conversation?.id !== conversation.id;
    const editing = conversation.turns.some(({id}) => id === state.editing?.turn) ? state.editing : undefined;
    const next = {...state, conversation: keepTurns(state.conversation, conversation), editing};
    if (!isOther) return next;
    // What was written before there was a conversation to write it in goes on.
    const early = state.conversation === undefined ? state.text : "";
    const text = [conversation.draft, early].filter((part) => part !== "").join(" ");
    if (early !== "" && text === early) return next;
    return {
        ...next,
        text,
        cursor: text.length,
        completion: undefined,
        excluded: [],
        editing: undefined,
        isRenaming: false,
        history: undefined,
    };
}

/** Turns that have not changed stay the same objects, so that their views stay too. */
function keepTurns(before: ConversationView | undefined, now: ConversationView): ConversationView {
    if (before?.id !== now.id) return now;
    return {...now, turns: keepSame(before.turns, now.turns)};
}

function keepSame<T extends {id: string}>(before: readonly T[], now: readonly T[]): T[] {
    const known = new Map(before.map((item) => [item.id, item]));
    return now.map((item) => {
        const old = known.get(item.id);
        return old !== undefined && JSON.stringify(old) === JSON.stringify(item) ? old : item;
    });
}

function changeAnswer(
    state: ChatState,
    conversationId: string,
    turnId: string,
    change: (answer: AnswerView) => AnswerView,
): ChatState {
    const {conversation} = state;
    if (conversation?.id !== conversationId) return state;
    const at = conversation.turns.findIndex(({id}) => id === turnId);
    const turn = conversation.turns[at];
    if (turn?.role !== "assistant") return state;
    const turns = conversation.turns.map((other, index) => (index === at ? change(turn) : other));
    return {...state, conversation: {...conversation, turns}};
}

/** Opens, filters or closes the list at the cursor. */
function withWord(state: ChatState): ChatState {
    const word = wordAt(state.text, state.cursor);
    if (word === undefined) return {...state, completion: undefined};
    if (word.kind === "slash") {
        const items = state.commands
            .filter(({name}) => name.startsWith(word.letters.toLowerCase()))
            .map(({name, summary}) => ({
                label: `/${name}`,
                detail: summary,
                insert: `/${name}`,
                kind: "slash" as const,
            }));
        return {...state, completion: items.length === 0 ? undefined : {word, items, selected: 0, asked: undefined}};
    }
    const before = state.completion?.asked === undefined ? undefined : state.completion;
    if (before?.word.letters === word.letters) return {...state, completion: {...before, word}};
    // The items of the last letters stay until the extension answers.
    const asked = {number: state.nAsked + 1, hasPlaces: false, hasSymbols: false};
    return {...state, nAsked: asked.number, completion: {word, items: before?.items ?? [], selected: 0, asked}};
}

/** Answers to earlier questions come too late. */
function withMentions(state: ChatState, answer: ChatAction & {type: "mentions"}): ChatState {
    const {completion} = state;
    if (completion?.asked === undefined || completion.asked.number !== answer.number) return state;
    const items = itemsAfter(completion.items, completion.word.letters, answer);
    const selected = selectedAfter(completion, items);
    const asked = {...completion.asked, [answer.of === "places" ? "hasPlaces" : "hasSymbols"]: true};
    return {...state, completion: {...completion, items, selected, asked}};
}

/** Files that are found while a mention is written belong into its list. */
function withEngine(state: ChatState, engine: EngineView): ChatState {
    const next = {...state, engine};
    const {completion} = state;
    if (completion?.asked === undefined || engine.files.known === state.engine?.files.known) return next;
    // What is shown can be taken meanwhile.
    const asked = {...completion.asked, number: state.nAsked + 1};
    return {...next, nAsked: asked.number, completion: {...completion, asked}};
}
