/** Owns one page of the cache view, in the side bar or in an editor: its messages, from connecting to closing. */
import * as vscode from "vscode";
import {cacheViewProtocol} from "../../protocol/webview/cache-view.js";
import type {Ctx} from "../ctx.js";
import {connectWebview} from "../webview-host.js";
import type {CacheModel} from "./cache-model.js";
import {runEngineAction} from "./engine-actions.js";
import type {FileActions} from "./file-actions.js";

export interface CachePage extends vscode.Disposable {
    reveal(path: string): void;
}

/** A webview in the side bar or an editor. */
export interface PageHost {
    webview: vscode.Webview;
    readonly visible: boolean;
}

export function openCachePage(ctx: Ctx, host: PageHost, model: CacheModel, actions: FileActions): CachePage {
    const {engine, workspace} = ctx;
    let connection: vscode.Disposable | undefined;
    const link = connectWebview(
        host.webview,
        {bundle: "cache-view", title: "Kvasir: Cache"},
        cacheViewProtocol,
        {
            ready() {
                link.post("texts", translations());
                connection?.dispose();
                connection = model.connect({
                    isVisible: () => host.visible,
                    onState: (state) => link.post("state", state),
                    onFiles: (files) => link.post("files", files),
                    onEditCost: (cost) => link.post("editCost", cost),
                });
            },
            actOnFiles: async ({action, paths}) => ({isDone: await actions.run(action, paths)}),
            async setBudget({path, share}) {
                await actions.setBudget(path, share ?? undefined);
                return {isDone: true};
            },
            async actOnEngine({action}) {
                await runEngineAction(ctx, action);
                return {isDone: true};
            },
            headProfile: async () => ({profile: (await engine.headProfile()) ?? null}),
            calibrate: async () => ({
                profile: await engine.calibrate({workspace: workspace.id}, (share) =>
                    link.post("calibrating", {share}),
                ),
            }),
        },
        ctx,
    );
    return {
        reveal: (path) => link.post("reveal", {path}),
        dispose() {
            connection?.dispose();
            link.dispose();
        },
    };
}

/** The editor's own texts for the page, which cannot ask for them itself. */
function translations(): Record<string, string> {
    const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === "string";
    return Object.fromEntries(Object.entries(vscode.l10n.bundle ?? {}).filter(isText));
}
