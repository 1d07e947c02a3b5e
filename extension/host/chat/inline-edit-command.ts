/** Edits a selection by words: asks what to do, has the model write it, and shows the change before anything is written. */
import {randomUUID} from "node:crypto";
import * as vscode from "vscode";
import {inlineEditQuestion, inlineEditText, type InlineEditSubject} from "../../core/chat/inline-edit.js";
import {usage} from "../../protocol/errors.js";
import type {Ctx} from "../ctx.js";
import {readInstructions} from "./instruction-files.js";
import type {Reviews} from "./reviews.js";

/** So that new code fits to what stands around it. */
const aroundLines = 12;

export interface InlineEditParts {
    ctx: Ctx;
    reviews: Reviews;
}

/** The wish of the last time, offered again. */
let lastWish = "";

/** @throws KvasirError with the way out; nothing is written then */
export async function inlineEdit({ctx, reviews}: InlineEditParts, given?: string): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined) throw usage("no file is open.", "Open a file and select what shall be changed.");
    const {document} = editor;
    const path = ctx.workspace.pathOf(document.uri);
    if (path === undefined) throw usage("this file is not in the workspace.", "Open the folder that it belongs to.");
    const {range, subject} = subjectOf(editor, path);
    const wish =
        given ??
        (await vscode.window.showInputBox({
            title:
                subject.text.trim() === ""
                    ? vscode.l10n.t("What shall be written here?")
                    : vscode.l10n.t("What shall be changed in lines {0} to {1}?", subject.startLine, subject.endLine),
            placeHolder: vscode.l10n.t("for example: handle the empty list"),
            value: lastWish,
        }));
    if (wish === undefined || wish.trim() === "") return;
    lastWish = wish;
    const before = document.getText();
    const answer = await ask(ctx, path, inlineEditQuestion(subject, wish));
    if (answer === undefined) return;
    const text = inlineEditText(answer, subject);
    if (text === undefined)
        throw usage("the answer holds no code.", "Say more exactly what shall be changed, or ask in the chat.");
    // Where it belongs is known only in the text that was asked about.
    const start = document.offsetAt(range.start);
    const proposed = before.slice(0, start) + text + before.slice(document.offsetAt(range.end));
    if (document.getText() !== before)
        throw usage("the file was changed meanwhile.", "Select the lines again and ask once more.");
    await reviews.propose(vscode.l10n.t("Edit of {0}", path), undefined, [{path, proposed, nMissing: 0}]);
}

/** Whole lines: the selection's, or none before an empty line where something new is wanted. */
function subjectOf(editor: vscode.TextEditor, path: string): {range: vscode.Range; subject: InlineEditSubject} {
    const {document, selection} = editor;
    const isBlank = selection.isEmpty && document.lineAt(selection.active.line).isEmptyOrWhitespace;
    const first = selection.start.line;
    const last =
        selection.end.character === 0 && selection.end.line > first ? selection.end.line - 1 : selection.end.line;
    const end = document.lineAt(last).rangeIncludingLineBreak.end;
    const range = new vscode.Range(new vscode.Position(first, 0), end);
    const lines = (from: number, to: number) =>
        document.getText(document.validateRange(new vscode.Range(Math.max(0, from), 0, Math.max(0, to), 0)));
    return {
        range,
        subject: {
            path,
            language: document.languageId,
            startLine: first + 1,
            endLine: last + 1,
            text: isBlank ? "" : document.getText(range),
            before: lines(first - aroundLines, first),
            after: lines(last + 1, last + 1 + aroundLines),
        },
    };
}

/** @returns undefined when it was cancelled */
async function ask(ctx: Ctx, path: string, question: string): Promise<string | undefined> {
    const conversation = `inline-${randomUUID()}`;
    return vscode.window.withProgress(
        {
            location: vscode.ProgressLocation.Notification,
            title: vscode.l10n.t("Kvasir writes the change"),
            cancellable: true,
        },
        async (progress, token) => {
            const controller = new AbortController();
            token.onCancellationRequested(() => controller.abort());
            let nChars = 0;
            try {
                await ctx.workspace.flush();
                const {text: instructions} = await readInstructions(ctx.settings, ctx.workspace, [path]);
                const choice = ctx.workspace.choice();
                const report = await ctx.engine.ask(
                    {
                        workspace: ctx.workspace.id,
                        conversation,
                        turns: [{role: "user", text: question}],
                        choice: {...choice, context: [...new Set([...(choice.context ?? []), path])]},
                        ...(instructions === undefined ? {} : {instructions}),
                        maxTokens: ctx.settings.get("chat.maxTokens"),
                        temperature: ctx.settings.get("chat.temperature"),
                    },
                    {
                        text: (piece) => {
                            nChars += piece.length;
                            progress.report({message: vscode.l10n.t("{0} characters", nChars)});
                        },
                    },
                    controller.signal,
                );
                return report.text;
            } catch (error) {
                if (controller.signal.aborted) return undefined;
                throw error;
            } finally {
                ctx.engine
                    .forget(conversation)
                    .catch((error: unknown) => ctx.log.warn("Rows were not forgotten.", error));
            }
        },
    );
}
