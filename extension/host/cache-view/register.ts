/** What the cache view adds to VS Code: its page in the side bar and its commands. The work is loaded at their first use. */
import * as vscode from "vscode";
import {lazyCommands, registerCommands} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {lazily} from "../lazily.js";
import {cacheCommandIds} from "./cache-commands.js";

export function register(ctx: Ctx): vscode.Disposable {
    const cacheView = lazily(async () => (await import("./cache-feature.js")).startCacheView(ctx));
    return disposeAll(
        cacheView,
        registerCommands(
            lazyCommands(cacheCommandIds, async () => (await cacheView()).commands),
            ctx.log,
        ),
        vscode.window.registerWebviewViewProvider("kvasir.cache", {
            resolveWebviewView: async (view) => (await cacheView()).resolveWebviewView(view),
        }),
    );
}
