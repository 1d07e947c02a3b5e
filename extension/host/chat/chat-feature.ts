/** The chat panel and what its commands do: reviews, inline edits, commit messages. Loaded at the first use of any of it. */
import {createHash, randomUUID} from "node:crypto";
import path from "node:path";
import * as vscode from "vscode";
import * as z from "zod";
import {exportMarkdown} from "../../core/chat/export-markdown.js";
import {mentionText} from "../../core/chat/mention.js";
import {rangeLabel} from "../../core/chat/attachment.js";
import type {SlashName} from "../../core/chat/slash-command.js";
import {usage} from "../../protocol/errors.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import type {ChatCommands} from "./chat-commands.js";
import {ChatPanel} from "./chat-panel.js";
import {ChatSession, type AskSettings, type ChatListener} from "./chat-session.js";
import {writeCommitMessage} from "./commit-message-command.js";
import {ConversationFiles} from "./conversation-files.js";
import {mentionOf} from "./drop-mentions.js";
import {inlineEdit} from "./inline-edit-command.js";
import {readInstructions} from "./instruction-files.js";
import {prepareQuestion, selectionOf} from "./question-sources.js";
import {renameWithSuggestions} from "./rename-command.js";
import {goToNextChange, watchReviewCursor} from "./review-cursor.js";
import {registerReviewLenses} from "./review-lenses.js";
import {Reviews} from "./reviews.js";
import type {TerminalOutput} from "./terminal-output.js";
import {callTool, chooseTools, chosenTools} from "./tools.js";

export interface Chat extends vscode.Disposable {
    panel: ChatPanel;
    commands: ChatCommands;
}

export function startChat(ctx: Ctx, terminals: TerminalOutput): Chat {
    const reviews = new Reviews(ctx.workspace);
    const files = new ConversationFiles(conversationFolder(ctx), (message, error) => ctx.log.warn(message, error));
    const session = (listener: ChatListener) =>
        new ChatSession(
            {
                engine: ctx.engine,
                files,
                known: ctx.workspace,
                prepare: (text) => prepareQuestion(text, {workspace: ctx.workspace, terminals}),
                settings: (about) => askSettings(ctx, about),
                callTool,
                warn: (message, error) => ctx.log.warn(message, error),
                nowMs: () => Date.now(),
                newId: () => randomUUID(),
                later(ms, run) {
                    const timer = setTimeout(run, ms);
                    return () => clearTimeout(timer);
                },
            },
            listener,
        );
    const panel = new ChatPanel({ctx, session, reviews});
    const parts = disposeAll(reviews, panel, registerReviewLenses(reviews), watchReviewCursor(reviews));
    return {
        panel,
        commands: {...chatCommands(ctx, panel), ...codeCommands(ctx, panel), ...reviewCommands(ctx, reviews)},
        dispose: () => void parts.dispose(),
    };
}

/** One folder for each workspace, in the storage of the extension: it stays when the workspace's own storage is cleared. */
function conversationFolder(ctx: Ctx): string {
    const name = createHash("sha256").update(ctx.workspace.id).digest("hex").slice(0, 24);
    return path.join(ctx.globalStorageUri.fsPath, "conversations", name);
}

async function askSettings(ctx: Ctx, about: readonly string[]): Promise<AskSettings> {
    // The engine answers from the texts as they are now, unsaved ones too.
    await ctx.workspace.flush();
    const choice = ctx.workspace.choice();
    const {text, used, cut} = await readInstructions(ctx.settings, ctx.workspace, [
        ...about,
        ...(choice.open ?? []).slice(0, 1),
    ]);
    return {
        workspace: ctx.workspace.id,
        choice,
        maxTokens: ctx.settings.get("chat.maxTokens"),
        temperature: ctx.settings.get("chat.temperature"),
        instructions: text,
        instructionFiles: used,
        tools: chosenTools(ctx.workspaceState),
        notes: cut.map((file) => vscode.l10n.t("The instructions in {0} are too long and were cut.", file)),
    };
}

function chatCommands(ctx: Ctx, panel: ChatPanel) {
    return {
        "kvasir.chat.open": () => panel.focus(),
        "kvasir.chat.new": async () => {
            panel.session.startNew();
            await panel.focus();
        },
        "kvasir.chat.history": () => panel.focus("history"),
        "kvasir.chat.stop": () => panel.session.stop(panel.session.shown.id),
        "kvasir.chat.export": async (id: unknown) => {
            const conversation = typeof id === "string" ? await panel.session.conversation(id) : panel.session.shown;
            if (conversation === undefined || conversation.turns.length === 0) {
                throw usage("this conversation is empty.", "Ask something first.");
            }
            const content = exportMarkdown(conversation);
            await vscode.window.showTextDocument(
                await vscode.workspace.openTextDocument({language: "markdown", content}),
            );
        },
        "kvasir.chat.tools": () => chooseTools(ctx.workspaceState),
        "kvasir.chat.addSelection": async () => {
            const selection = selectionOf(ctx.workspace);
            if (selection === undefined) throw usage("nothing is selected.", "Select some code first.");
            await panel.insert(mentionText("path", rangeLabel(selection)));
        },
        "kvasir.chat.addFile": async (uri: unknown, all: unknown) => {
            const uris = (
                Array.isArray(all) && all.length > 0 ? all : [uri ?? vscode.window.activeTextEditor?.document.uri]
            ).filter((one): one is vscode.Uri => one instanceof vscode.Uri);
            const mentions = uris.map((one) => mentionOf(one, ctx.workspace)).filter((one) => one !== undefined);
            if (mentions.length === 0) {
                throw usage("Kvasir does not read this file.", "`Kvasir: Show Files That Are Not Read` says why.");
            }
            await panel.insert(mentions.join(" "));
        },
    };
}

/** Where a lightbulb was opened: lines from 0. */
const placeSchema = z.object({
    uri: z.string(),
    startLine: z.int().nonnegative(),
    endLine: z.int().nonnegative(),
    message: z.string().max(10_000),
});

function codeCommands(ctx: Ctx, panel: ChatPanel) {
    const ask = (name: SlashName) => async (given?: unknown) => {
        const place = placeSchema.safeParse(given).data;
        if (place !== undefined) await select(place);
        // A problem is named in the question: the selection alone does not say which one is meant.
        await panel.ask(place === undefined ? `/${name}` : `/${name} ${place.message.replace(/\s+/g, " ")}`);
    };
    return {
        "kvasir.explain": ask("explain"),
        "kvasir.fix": ask("fix"),
        "kvasir.tests": ask("tests"),
        "kvasir.doc": ask("doc"),
        "kvasir.review": ask("review"),
        "kvasir.commitMessage": (place: unknown) => writeCommitMessage(ctx, place),
        "kvasir.rename": () => renameWithSuggestions(ctx),
    };
}

/** A few lines around a problem: the line alone rarely says what is wrong. */
async function select({uri, startLine, endLine}: z.infer<typeof placeSchema>): Promise<void> {
    const editor = await vscode.window.showTextDocument(vscode.Uri.parse(uri, true), {preserveFocus: true});
    const around = 5;
    editor.selection = new vscode.Selection(
        Math.max(0, startLine - around),
        0,
        Math.min(editor.document.lineCount, endLine + around + 1),
        0,
    );
}

function reviewCommands(ctx: Ctx, reviews: Reviews) {
    const text = (value: unknown) => (typeof value === "string" ? value : undefined);
    const hunk = (isAccepted: boolean) => async (review: unknown, file: unknown, id: unknown) => {
        const given = text(review) !== undefined && text(file) !== undefined && text(id) !== undefined;
        if (given) return reviews.decide(String(review), isAccepted, String(file), String(id));
        // A button of an editor gives the editor's file; what is meant is the change at the cursor.
        const editor = vscode.window.activeTextEditor;
        const at = editor === undefined ? undefined : reviews.changeAt(editor);
        if (editor === undefined || at === undefined)
            throw usage("there is no proposed change at the cursor.", "Put the cursor into a change of the diff.");
        await reviews.decide(at.review, isAccepted, at.path, at.hunk.id);
        await goToNextChange(editor, reviews);
    };
    /** Those of the editor in front; with none of them, all that are open. */
    const all = (isAccepted: boolean) => async () => {
        const uri = vscode.window.activeTextEditor?.document.uri;
        const here = uri === undefined ? [] : reviews.reviewsOf(uri);
        for (const {id} of here.length > 0 ? here : reviews.all()) await reviews.decide(id, isAccepted);
    };
    return {
        "kvasir.inlineEdit": (wish: unknown) => inlineEdit({ctx, reviews}, text(wish)),
        "kvasir.diff.acceptHunk": hunk(true),
        "kvasir.diff.rejectHunk": hunk(false),
        "kvasir.diff.acceptAll": all(true),
        "kvasir.diff.rejectAll": all(false),
        "kvasir.diff.show": (review: unknown, file: unknown) => reviews.show(text(review) ?? "", text(file)),
    };
}
