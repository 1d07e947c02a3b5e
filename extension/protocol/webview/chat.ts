/**
 * What the chat panel and the extension say to each other. What the page says is checked when it arrives; what the
 * extension says is the page's whole truth, so a page that loads late or again needs only `ready`.
 */
import * as z from "zod";
import type {AnswerReport, AttendedFile, LeftOutFile, ReadProgress} from "../engine.js";
import type {KvasirErrorData} from "../errors.js";
import {notice, question, type WebviewProtocol} from "./messages.js";

/** A place in a question's text that names something; offsets are UTF-16. */
export interface MentionView {
    start: number;
    end: number;
    /** What opens on a click, when it is a file. */
    path?: string;
}

export interface QuestionView {
    id: string;
    role: "user";
    text: string;
    mentions: MentionView[];
    attached: {label: string; path?: string | undefined; line?: number | undefined}[];
    excluded: string[];
    branch?: BranchView;
}

export interface BranchView {
    /** From 0. */
    current: number;
    count: number;
}

export type BlockAction = "copy" | "insert" | "apply" | "create" | "run";

/** A fenced block of an answer: what it is and what can be done with it. */
export interface BlockView {
    index: number;
    language: string;
    /** The file that it means; it may be new. */
    path?: string;
    isNewFile: boolean;
    actions: BlockAction[];
}

/** A tool that an answer wants, or wanted. */
export interface ToolUseView {
    id: string;
    name: string;
    /** JSON of an object, indented. */
    arguments: string;
    /** `asked`: it waits for the person. */
    state: "asked" | "running" | "done" | "failed" | "refused";
    result?: string | undefined;
}

export interface AnswerView {
    id: string;
    role: "assistant";
    /** Behind the last step. */
    text: string;
    steps: {text: string; calls: ToolUseView[]}[];
    thought: string;
    isRunning: boolean;
    /** Files, before the report is there. */
    attended?: AttendedFile[];
    leftOut?: LeftOutFile[];
    /** Files that are read for this answer right now. */
    progress?: ReadProgress;
    report?: Omit<AnswerReport, "text" | "thought" | "calls" | "reusedTurnTokens" | "decodedTurnTokens">;
    error?: ErrorView;
    isPartial: boolean;
    /** Of what is finished: none while it is running. */
    blocks: BlockView[];
    /** Inline code that is the name of a file, and the file. */
    files: Record<string, {path: string; line?: number}>;
    /** Repository instruction files that were sent along. */
    instructions: string[];
    branch?: BranchView;
}

export type TurnView = QuestionView | AnswerView;

export interface ConversationView {
    id: string;
    name: string;
    turns: TurnView[];
    draft: string;
}

/** Steps out of a failure that a button takes. */
export const remedies = [
    "retry",
    "chooseModel",
    "restartEngine",
    "doctor",
    "showLog",
    "settings",
    "newConversation",
    "trust",
    "openFolder",
    "resume",
] as const;
export type Remedy = (typeof remedies)[number];

export interface ErrorView extends Pick<KvasirErrorData, "message" | "fix"> {
    code: string;
    remedies: Remedy[];
}

/** The engine and the repository as the panel shows them. */
export interface EngineView {
    state:
        "idle" | "starting" | "loading" | "ready" | "busy" | "paused" | "waiting" | "failed" | "untrusted" | "noFolder";
    model?: string;
    /** The host of the server that computes; without it the model runs on this machine. */
    server?: string;
    error?: ErrorView;
    files: {known: number; read: number};
    /** Of the background reading. */
    progress?: ReadProgress;
}

/** What a question would bring along now. */
export interface ContextView {
    active?: {path: string; selection?: {startLine: number; endLine: number}};
    pinned: string[];
    open: number;
    samples: string[];
}

export interface SlashView {
    name: string;
    summary: string;
}

export interface ConversationEntry {
    id: string;
    name: string;
    updatedAtMs: number;
    nTurns: number;
    isRunning: boolean;
}

export interface DiffLine {
    kind: "same" | "added" | "removed";
    text: string;
}

export interface HunkView {
    id: string;
    /** From 1, in the file as it is. */
    line: number;
    lines: DiffLine[];
}

export interface ReviewFileView {
    path: string;
    change: "edit" | "create" | "delete";
    isOpen: boolean;
    hunks: HunkView[];
    nAccepted: number;
    nRejected: number;
    /** Proposed changes that somebody's edits have overtaken. */
    nLost: number;
    /** Parts of the answer that have no place in the file. */
    nMissing: number;
}

export interface ReviewView {
    id: string;
    /** The answer that it comes from; undefined for an inline edit. */
    turn?: string;
    /** The conversation that was shown when it was proposed: the panel shows it there. */
    conversation: string;
    title: string;
    files: ReviewFileView[];
}

/** Colours of the theme's syntax highlighting, by the names of `tokenNames`. */
export const tokenNames = [
    "comment",
    "keyword",
    "string",
    "number",
    "literal",
    "function",
    "type",
    "variable",
    "property",
    "tag",
    "attribute",
    "operator",
    "punctuation",
    "regexp",
    "meta",
    "heading",
    "inserted",
    "deleted",
] as const;
export type TokenName = (typeof tokenNames)[number];
export interface TokenColour {
    /** `#rrggbb` or `#rrggbbaa`. */
    colour?: string;
    isItalic?: boolean;
    isBold?: boolean;
}

export type MentionItemKind = "file" | "folder" | "symbol" | "selection" | "problems" | "terminal" | "diff";
const mentionItem = z.object({
    kind: z.enum(["file", "folder", "symbol", "selection", "problems", "terminal", "diff"]),
    label: z.string(),
    detail: z.string(),
    /** What is written into the question, `@` included. */
    insert: z.string(),
});
export type MentionItem = z.infer<typeof mentionItem>;

const id = z.string().min(1).max(100);
const path = z.string().min(1).max(4096);
/** A question is decoded token by token: what is longer than this is a file. */
export const maxQuestionChars = 400_000;
const text = z.string().max(maxQuestionChars);

export const chatProtocol = {
    toHost: {
        /** The page has loaded and listens: it is told everything. */
        ready: notice(z.strictObject({})),
        send: notice(z.strictObject({conversation: id, text, excluded: z.array(path).max(1000)})),
        stop: notice(z.strictObject({conversation: id})),
        /** Writes a question anew and asks it; what followed is kept as another ending. */
        edit: notice(z.strictObject({conversation: id, turn: id, text})),
        /** Asks once more, perhaps with a file pinned or left out. */
        again: notice(z.strictObject({conversation: id, turn: id, pin: path.optional(), leaveOut: path.optional()})),
        showBranch: notice(z.strictObject({conversation: id, turn: id, place: z.int().nonnegative().max(10_000)})),
        draft: notice(z.strictObject({conversation: id, text})),
        newConversation: notice(z.strictObject({})),
        openConversation: notice(z.strictObject({conversation: id})),
        renameConversation: notice(z.strictObject({conversation: id, name: z.string().max(1000)})),
        deleteConversation: notice(z.strictObject({conversation: id})),
        restoreConversation: notice(z.strictObject({conversation: id})),
        exportConversation: notice(z.strictObject({conversation: id})),
        history: question(
            z.strictObject({search: z.string().max(1000)}),
            z.array(
                z.object({
                    id: z.string(),
                    name: z.string(),
                    updatedAtMs: z.number(),
                    nTurns: z.number(),
                    isRunning: z.boolean(),
                }),
            ),
        ),
        /** What `@` and these letters may mean: files, folders, and what is open or running. Answered at once. */
        mentions: question(z.strictObject({letters: z.string().max(300)}), z.array(mentionItem)),
        /** Symbols that they may mean. A language server may take its time. */
        symbols: question(z.strictObject({letters: z.string().max(300)}), z.array(mentionItem)),
        /** Files dropped on the panel, as URIs; answers the mentions of those that are in the workspace. */
        drop: question(
            z.strictObject({uris: z.array(z.string().max(8192)).max(200)}),
            z.object({mentions: z.array(z.string()), nOutside: z.number()}),
        ),
        /** The extension takes the code from its own copy of the answer. */
        block: notice(
            z.strictObject({
                conversation: id,
                turn: id,
                index: z.int().nonnegative().max(10_000),
                action: z.enum(["copy", "insert", "apply", "create", "run"]),
            }),
        ),
        applyAll: notice(z.strictObject({conversation: id, turn: id})),
        /** Whether a tool that an answer wants may run. */
        decideTool: notice(
            z.strictObject({conversation: id, turn: id, call: z.string().min(1).max(200), isAllowed: z.boolean()}),
        ),
        copyAnswer: notice(z.strictObject({conversation: id, turn: id})),
        decide: notice(
            z.strictObject({
                review: id,
                path: path.optional(),
                hunk: z.string().max(100).optional(),
                isAccepted: z.boolean(),
            }),
        ),
        showDiff: notice(z.strictObject({review: id, path: path.optional()})),
        closeReview: notice(z.strictObject({review: id})),
        pin: notice(z.strictObject({path, isPinned: z.boolean()})),
        openFile: notice(z.strictObject({path, line: z.int().positive().max(1e7).optional()})),
        /** Asks the person, and opens nothing but http and https. */
        openLink: notice(
            z.strictObject({
                url: z
                    .string()
                    .max(4096)
                    .regex(/^https?:/i),
            }),
        ),
        remedy: notice(z.strictObject({remedy: z.enum(remedies), conversation: id.optional()})),
    },
    toWebview: {
        conversation: notice(z.custom<ConversationView>()),
        /** More of a running answer. */
        piece: notice(z.object({conversation: z.string(), turn: z.string(), text: z.string(), thought: z.string()})),
        /** A turn has changed as a whole. */
        turn: notice(z.object({conversation: z.string(), turn: z.custom<TurnView>()})),
        engine: notice(z.custom<EngineView>()),
        context: notice(z.custom<ContextView>()),
        commands: notice(z.array(z.custom<SlashView>())),
        reviews: notice(z.array(z.custom<ReviewView>())),
        /** The editor's language: English texts and what they are called there. */
        texts: notice(z.record(z.string(), z.string())),
        colours: notice(z.custom<Partial<Record<TokenName, TokenColour>>>()),
        /** Text for the question being written, and the cursor behind it. */
        insert: notice(z.object({text: z.string()})),
        focus: notice(z.object({part: z.enum(["question", "history"])})),
        /** A conversation was deleted: it can be brought back for a while. */
        deleted: notice(z.object({conversation: z.string(), name: z.string()})),
        /** The conversation could not be saved; undefined when it could again. */
        unsaved: notice(z.object({error: z.custom<ErrorView>().optional()})),
        /** Something small has happened ("Copied"): shown for a moment and spoken. */
        news: notice(z.object({text: z.string()})),
    },
} as const satisfies WebviewProtocol;

export type ChatProtocol = typeof chatProtocol;
