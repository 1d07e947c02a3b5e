/** Inline completions: what they add to VS Code. */
import * as vscode from "vscode";
import {registerCommands} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {completionCommands} from "./completion-commands.js";
import {Completer} from "./completer.js";
import {CompletionCache} from "./completion-cache.js";
import {CompletionState} from "./completion-state.js";
import {offerToSilenceCopilot} from "./copilot.js";
import {CompletionProvider} from "./provider.js";
import {createCompletionStatusItem} from "./status-item.js";
import {waitFor} from "./wait-for.js";

export function register(ctx: Ctx): vscode.Disposable {
    const state = new CompletionState(ctx.globalState);
    const cache = new CompletionCache();
    const completer = new Completer({
        engine: ctx.engine,
        cache,
        now: () => performance.now(),
        wait: waitFor,
        shortestWaitMs: () => ctx.settings.get("completion.debounceMs"),
        isIdle: () => {
            const {state, activity} = ctx.engine.status();
            // Refining gives way to everything.
            return state === "ready" || activity === "refine";
        },
        onDidChangeBusy: (isBusy) => state.set({isBusy}),
    });
    const provider = new CompletionProvider(ctx, completer, state);
    const showSituation = () => {
        const editor = vscode.window.activeTextEditor;
        if (editor === undefined) return;
        state.set({whyNot: provider.whyNotAt(editor.document, editor.selection.active)});
    };
    showSituation();
    return disposeAll(
        state,
        {dispose: () => completer.cancel()},
        createCompletionStatusItem(state),
        registerCommands(completionCommands(ctx, state), ctx.log),
        vscode.languages.registerInlineCompletionItemProvider({pattern: "**"}, provider),
        vscode.workspace.onDidChangeTextDocument(({document, contentChanges}) => {
            if (document !== vscode.window.activeTextEditor?.document) return;
            if (contentChanges.length > 0) completer.noteKeystroke();
            for (const {rangeOffset, rangeLength, text} of contentChanges) {
                state.count({
                    kind: "changed",
                    document: document.uri.toString(),
                    offset: rangeOffset,
                    removed: rangeLength,
                    inserted: text,
                });
            }
        }),
        vscode.window.onDidChangeTextEditorSelection(({textEditor, selections}) => {
            state.count({
                kind: "moved",
                document: textEditor.document.uri.toString(),
                offset: textEditor.document.offsetAt((selections[0] ?? textEditor.selection).active),
            });
        }),
        vscode.window.onDidChangeActiveTextEditor((editor) => {
            if (editor === undefined) return;
            state.count({kind: "gone"});
            showSituation();
        }),
        ctx.settings.onDidChange(["completion.enabled", "completion.languages", "completion.besideCopilot"], () => {
            showSituation();
            void offerToSilenceCopilot(ctx);
        }),
        // Another model or budget completes otherwise.
        ctx.settings.onDidChange(["model.path", "cache.policy", "cache.budget", "completion.multiLine"], () =>
            cache.clear(),
        ),
        vscode.workspace.onDidGrantWorkspaceTrust(showSituation),
    );
}
