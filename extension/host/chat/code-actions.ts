/** The lightbulb: what can be asked about a problem, a selection or a name, where the editor offers its own actions. */
import * as vscode from "vscode";
import {mayRename} from "../../core/chat/rename-names.js";
import type {CommandId} from "../commands/command-ids.js";
import type {Ctx} from "../ctx.js";

export const askKind = vscode.CodeActionKind.Empty.append("kvasir");

export function registerCodeActions(ctx: Ctx): vscode.Disposable {
    const selector = [{scheme: "file"}, {scheme: "vscode-remote"}, {scheme: "untitled"}];
    return vscode.languages.registerCodeActionsProvider(selector, provider(ctx), {
        providedCodeActionKinds: [vscode.CodeActionKind.QuickFix, vscode.CodeActionKind.RefactorRewrite, askKind],
    });
}

function provider(ctx: Ctx): vscode.CodeActionProvider {
    return {
        provideCodeActions(document, range, {diagnostics, only}) {
            if (ctx.workspace.pathOf(document.uri) === undefined) return [];
            const wants = (kind: vscode.CodeActionKind) => only === undefined || only.contains(kind);
            const actions: vscode.CodeAction[] = [];
            const {QuickFix, RefactorRewrite} = vscode.CodeActionKind;
            if (wants(QuickFix)) {
                for (const diagnostic of diagnostics.slice(0, 3)) {
                    const {message, range: place} = diagnostic;
                    const args = {
                        uri: document.uri.toString(),
                        startLine: place.start.line,
                        endLine: place.end.line,
                        message,
                    };
                    const fix = action(
                        vscode.l10n.t("Fix with Kvasir: {0}", shortened(message)),
                        QuickFix,
                        "kvasir.fix",
                        args,
                    );
                    const explain = action(
                        vscode.l10n.t("Explain with Kvasir: {0}", shortened(message)),
                        QuickFix,
                        "kvasir.explain",
                        args,
                    );
                    fix.diagnostics = [diagnostic];
                    explain.diagnostics = [diagnostic];
                    actions.push(fix, explain);
                }
            }
            if (wants(RefactorRewrite) && !range.isEmpty) {
                actions.push(
                    action(vscode.l10n.t("Edit with Kvasir…"), RefactorRewrite, "kvasir.inlineEdit"),
                    action(vscode.l10n.t("Document with Kvasir"), RefactorRewrite, "kvasir.doc"),
                    action(vscode.l10n.t("Write tests with Kvasir"), RefactorRewrite, "kvasir.tests"),
                );
            }
            if (wants(askKind) && !range.isEmpty) {
                actions.push(
                    action(vscode.l10n.t("Explain with Kvasir"), askKind, "kvasir.explain"),
                    action(vscode.l10n.t("Review with Kvasir"), askKind, "kvasir.review"),
                );
            }
            const isName = document.getWordRangeAtPosition(range.start) !== undefined;
            if (
                wants(RefactorRewrite) &&
                range.isEmpty &&
                isName &&
                mayRename(ctx.settings.get("chat.renameSuggestions"), ctx.engine.status().model)
            ) {
                actions.push(
                    action(vscode.l10n.t("Rename with suggestions of Kvasir…"), RefactorRewrite, "kvasir.rename"),
                );
            }
            return actions;
        },
    };
}

function action(title: string, kind: vscode.CodeActionKind, command: CommandId, ...args: unknown[]): vscode.CodeAction {
    const made = new vscode.CodeAction(title, kind);
    made.command = {title, command, arguments: args};
    return made;
}

function shortened(message: string): string {
    const line = message.split("\n", 1)[0] ?? "";
    return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
