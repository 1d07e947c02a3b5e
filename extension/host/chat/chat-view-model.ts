/**
 * What the panel shows of a conversation: places of mentions, what can be done with each code block, the running answer.
 * Pure: knows neither editor nor disk.
 */
import {inlineCodes, parseCodeBlocks, type CodeBlock} from "../../core/chat/code-block.js";
import {
    branchPlaces,
    type AnswerTurn,
    type Conversation,
    type ToolUse,
    type UserTurn,
} from "../../core/chat/conversation.js";
import {errorView} from "../../core/chat/error-help.js";
import {parseMentions} from "../../core/chat/mention.js";
import {splitRange} from "../../core/chat/path-range.js";
import {resolvePath} from "../../core/chat/target-file.js";
import type {ReadProgress} from "../../protocol/engine.js";
import type {
    AnswerView,
    BlockAction,
    BlockView,
    ConversationView,
    QuestionView,
    ToolUseView,
} from "../../protocol/webview/chat.js";

/** What is known of the repository: enough to tell a path from a word. */
export interface KnownFiles {
    has(path: string): boolean;
    paths(): readonly string[];
}

/** An answer that is being written. */
export interface RunningView {
    turn: string;
    progress?: ReadProgress | undefined;
}

export function conversationView(
    conversation: Conversation,
    running: RunningView | undefined,
    known: KnownFiles,
): ConversationView {
    const places = branchPlaces(conversation);
    const turns = conversation.turns.map((turn) => {
        const view = turn.role === "user" ? questionView(turn, known) : answerView(turn, running, known);
        const branch = places.get(turn.id);
        return branch === undefined ? view : {...view, branch};
    });
    return {id: conversation.id, name: conversation.name, turns, draft: conversation.draft};
}

export function questionView({id, text, attached, excluded}: UserTurn, known: KnownFiles): QuestionView {
    const mentions = parseMentions(text).flatMap(({kind, value, start, end}) => {
        if (kind !== "path") return [{start, end}];
        const path = resolveMention(value, known) ?? resolveMention(splitRange(value).path, known);
        if (path === undefined) return [];
        return [{start, end, ...(path.endsWith("/") ? {} : {path})}];
    });
    return {id, role: "user", text, mentions, attached, excluded};
}

export function answerView(turn: AnswerTurn, running: RunningView | undefined, known: KnownFiles): AnswerView {
    const isRunning = running?.turn === turn.id;
    return {
        id: turn.id,
        role: "assistant",
        text: turn.text,
        steps: (turn.steps ?? []).map((step) => ({...step, calls: step.calls.map(toolUseView)})),
        thought: turn.thought ?? "",
        isRunning,
        isPartial: turn.isPartial === true && !isRunning,
        blocks: isRunning ? [] : parseCodeBlocks(turn.text).map((block) => blockView(block, known)),
        files: isRunning ? {} : namedFiles(turn.text, known),
        instructions: turn.instructions ?? [],
        ...(turn.attended === undefined ? {} : {attended: turn.attended}),
        ...(turn.leftOut === undefined ? {} : {leftOut: turn.leftOut}),
        ...(turn.report === undefined ? {} : {report: turn.report}),
        ...(turn.error === undefined ? {} : {error: errorView(turn.error)}),
        ...(isRunning && running.progress !== undefined ? {progress: running.progress} : {}),
    };
}

/** A file that a tool has read is not for the panel: the model got all of it. */
const maxResultChars = 20_000;

function toolUseView({id, name, arguments: given, state, result}: ToolUse): ToolUseView {
    const shown =
        result !== undefined && result.length > maxResultChars ? `${result.slice(0, maxResultChars)}…` : result;
    return {
        id,
        name,
        arguments: JSON.stringify(JSON.parse(given), undefined, 2),
        state,
        ...(shown === undefined ? {} : {result: shown}),
    };
}

/** Names that are checked in one answer: each is compared with every known path. */
const maxNames = 60;

function namedFiles(text: string, known: KnownFiles): AnswerView["files"] {
    const files: AnswerView["files"] = {};
    const names = inlineCodes(text).filter(
        (code) => /^[^\s`]+\.[\w-]+(?::\d+(?:-\d+)?)?$/.test(code) && code.length < 300,
    );
    for (const name of names.slice(0, maxNames)) {
        const {path: written, startLine} = splitRange(name);
        const path = resolvePath(written.replace(/^\.\//, ""), known.paths());
        if (path !== undefined) files[name] = {path, ...(startLine === undefined ? {} : {line: startLine})};
    }
    return files;
}

/** The file or folder (with a slash at its end) that a mention means. */
export function resolveMention(value: string, known: KnownFiles): string | undefined {
    if (known.has(value)) return value;
    const folder = value.endsWith("/") ? value : `${value}/`;
    if (known.paths().some((path) => path.startsWith(folder))) return folder;
    return value.endsWith("/") ? undefined : resolvePath(value, known.paths());
}

function blockView(block: CodeBlock, known: KnownFiles): BlockView {
    const path = block.path === undefined ? undefined : (resolvePath(block.path, known.paths()) ?? block.path);
    const isNewFile = path !== undefined && !known.has(path);
    return {
        index: block.index,
        language: block.language,
        ...(path === undefined ? {} : {path}),
        isNewFile,
        actions: actionsOf(block, isNewFile),
    };
}

function actionsOf({kind, path}: CodeBlock, isNewFile: boolean): BlockAction[] {
    if (kind === "shell") return ["copy", "run"];
    if (kind !== "code") return ["apply", "copy"];
    if (path !== undefined && isNewFile) return ["create", "copy", "insert"];
    return path === undefined ? ["apply", "copy", "insert", "create"] : ["apply", "copy", "insert"];
}
