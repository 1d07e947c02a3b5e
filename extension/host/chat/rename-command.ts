/** Suggests names for the symbol at the cursor, lets the person choose or write one, and renames by the language's own support. */
import {randomUUID} from "node:crypto";
import * as vscode from "vscode";
import {parseNames, renameQuestion} from "../../core/chat/rename-names.js";
import {usage} from "../../protocol/errors.js";
import type {Ctx} from "../ctx.js";

const aroundLines = 40;
const maxTokens = 60;

export async function renameWithSuggestions(ctx: Ctx): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const range = editor?.document.getWordRangeAtPosition(editor.selection.active);
    const path = editor === undefined ? undefined : ctx.workspace.pathOf(editor.document.uri);
    if (editor === undefined || range === undefined || path === undefined) {
        throw usage("there is no name at the cursor.", "Put the cursor on the name of a variable, function or class.");
    }
    const {document} = editor;
    const name = document.getText(range);
    const chosen = await choose(name, (signal) => suggest(ctx, document, range, path, name, signal));
    if (chosen === undefined || chosen === name) return;
    const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit | undefined>(
        "vscode.executeDocumentRenameProvider",
        document.uri,
        range.start,
        chosen,
    );
    if (edit === undefined || edit.size === 0)
        throw usage(`${name} cannot be renamed here.`, "The language support of this file does not offer it.");
    await vscode.workspace.applyEdit(edit);
}

async function suggest(
    ctx: Ctx,
    document: vscode.TextDocument,
    range: vscode.Range,
    path: string,
    name: string,
    signal: AbortSignal,
): Promise<string[]> {
    const conversation = `rename-${randomUUID()}`;
    const around = document.validateRange(
        new vscode.Range(Math.max(0, range.start.line - aroundLines), 0, range.end.line + aroundLines, 0),
    );
    try {
        const report = await ctx.engine.ask(
            {
                workspace: ctx.workspace.id,
                conversation,
                turns: [
                    {
                        role: "user",
                        text: renameQuestion(name, {
                            path,
                            language: document.languageId,
                            text: document.getText(around),
                        }),
                    },
                ],
                choice: {onlyNamed: true, context: [path]},
                maxTokens,
                temperature: 0,
            },
            {},
            signal,
        );
        return parseNames(report.text, name);
    } finally {
        ctx.engine.forget(conversation).catch((error: unknown) => ctx.log.warn("Rows were not forgotten.", error));
    }
}

/** A list that is there at once, fills when the model has answered, and takes any other name too. */
function choose(name: string, load: (signal: AbortSignal) => Promise<string[]>): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
        const controller = new AbortController();
        const pick = vscode.window.createQuickPick();
        let suggested: string[] = [];
        const show = () => {
            const own = pick.value.trim();
            const names = own === "" || suggested.includes(own) ? suggested : [own, ...suggested];
            pick.items = names.map((label) => ({label, alwaysShow: true}));
        };
        pick.title = vscode.l10n.t("New name for {0}", name);
        pick.placeholder = vscode.l10n.t("Choose a name, or write one");
        pick.busy = true;
        pick.onDidChangeValue(show);
        pick.onDidAccept(() => {
            const taken = pick.selectedItems[0]?.label ?? pick.value.trim();
            // Before there are names, Enter takes none away from who waits for them.
            if (taken === "") return;
            resolve(taken);
            pick.hide();
        });
        pick.onDidHide(() => {
            controller.abort();
            resolve(undefined);
            pick.dispose();
        });
        pick.show();
        load(controller.signal).then(
            (names) => {
                suggested = names;
                pick.busy = false;
                show();
            },
            (error: unknown) => {
                if (controller.signal.aborted) return;
                pick.hide();
                reject(error);
            },
        );
    });
}
