/** Kvasir's model among VS Code's language models, for its chat's picker and for other extensions. Loaded at first use. */
import * as vscode from "vscode";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {lazily} from "../lazily.js";

export const vendor = "kvasir";

export function register(ctx: Ctx): vscode.Disposable {
    const changed = new vscode.EventEmitter<void>();
    const provider = lazily(async () => (await import("./chat-provider.js")).createChatProvider(ctx));
    let model = ctx.engine.status().model?.path;
    return disposeAll(
        changed,
        provider,
        {
            dispose: ctx.engine.onDidChangeStatus((status) => {
                const path = status.model?.path;
                if (path === undefined || path === model) return;
                model = path;
                changed.fire();
            }),
        },
        vscode.lm.registerLanguageModelChatProvider(vendor, {
            onDidChangeLanguageModelChatInformation: changed.event,
            provideLanguageModelChatInformation: async (...asked) =>
                (await provider()).provideLanguageModelChatInformation(...asked),
            provideLanguageModelChatResponse: async (...asked) =>
                (await provider()).provideLanguageModelChatResponse(...asked),
            provideTokenCount: async (...asked) => (await provider()).provideTokenCount(...asked),
        }),
    );
}
