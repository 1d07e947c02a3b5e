/** What the chat adds to VS Code: its view, its commands and the lightbulb. What they do is loaded at their first use. */
import * as vscode from "vscode";
import {lazyCommands, registerCommands} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {lazily} from "../lazily.js";
import {chatCommandIds} from "./chat-commands.js";
import {registerCodeActions} from "./code-actions.js";
import {watchTerminals} from "./terminal-output.js";

export const chatViewId = "kvasir.chat";

export function register(ctx: Ctx): vscode.Disposable {
    // Listens from the start: what was printed before the chat was opened may be asked about.
    const terminals = watchTerminals();
    const chat = lazily(async () => (await import("./chat-feature.js")).startChat(ctx, terminals));
    const provider: vscode.WebviewViewProvider = {
        resolveWebviewView: async (view) => (await chat()).panel.resolveWebviewView(view),
    };
    return disposeAll(
        terminals,
        chat,
        vscode.window.registerWebviewViewProvider(chatViewId, provider, {
            webviewOptions: {retainContextWhenHidden: true},
        }),
        registerCodeActions(ctx),
        registerCommands(
            lazyCommands(chatCommandIds, async () => (await chat()).commands),
            ctx.log,
        ),
    );
}
