/** The cache view and the commands on its files. Loaded at the first use of any of it. */
import * as vscode from "vscode";
import type {FileAction} from "../../protocol/webview/cache-view.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {createCacheModel} from "./cache-model.js";
import type {CacheCommands} from "./cache-commands.js";
import {type CachePage, openCachePage} from "./cache-page.js";
import {createFileActions} from "./file-actions.js";

const panelType = "kvasir.cacheEditor";

export interface CacheView extends vscode.Disposable {
    commands: CacheCommands;
    resolveWebviewView(view: vscode.WebviewView): void;
}

export function startCacheView(ctx: Ctx): CacheView {
    const model = createCacheModel(ctx);
    const actions = createFileActions(ctx, () => model.refresh());
    const pages = new Set<CachePage>();
    let panel: vscode.WebviewPanel | undefined;

    const attach = (view: vscode.WebviewView | vscode.WebviewPanel, onDidShow: vscode.Event<unknown>) => {
        const page = openCachePage(ctx, view, model, actions);
        pages.add(page);
        const showing = onDidShow(() => {
            if (view.visible) model.refresh();
        });
        view.onDidDispose(() => {
            showing.dispose();
            page.dispose();
            pages.delete(page);
        });
    };

    const openInEditor = () => {
        if (panel !== undefined) {
            panel.reveal();
            return;
        }
        panel = vscode.window.createWebviewPanel(panelType, vscode.l10n.t("Kvasir: Cache"), vscode.ViewColumn.Active);
        // A tab's icon is a picture: it takes no colour from the theme.
        const icon = (theme: "light" | "dark") => vscode.Uri.joinPath(ctx.extensionUri, "media", `kvasir-${theme}.svg`);
        panel.iconPath = {light: icon("light"), dark: icon("dark")};
        panel.onDidDispose(() => (panel = undefined));
        attach(panel, panel.onDidChangeViewState);
    };

    /** From a menu with the files it was opened on, or from the palette for the file in the editor. */
    const onFiles =
        (action: FileAction) =>
        async (...args: unknown[]): Promise<void> => {
            const paths = pathsOf(args, (uri) => ctx.workspace.pathOf(uri));
            if (paths.length === 0) {
                void vscode.window.showInformationMessage(
                    vscode.l10n.t("Open a file of this workspace first, or choose one in the Explorer."),
                );
                return;
            }
            await actions.run(action, paths);
        };

    const commands: CacheCommands = {
        "kvasir.cache.open": () => vscode.commands.executeCommand("kvasir.cache.focus"),
        "kvasir.cache.openInEditor": openInEditor,
        "kvasir.cache.pin": onFiles("pin"),
        "kvasir.cache.unpin": onFiles("unpin"),
        "kvasir.cache.exclude": onFiles("exclude"),
        "kvasir.cache.include": onFiles("include"),
        "kvasir.cache.setBudget": onFiles("chooseBudget"),
        "kvasir.cache.readAgain": onFiles("readAgain"),
        "kvasir.cache.drop": onFiles("drop"),
    };

    const parts = disposeAll(
        model,
        {dispose: () => void panel?.dispose()},
        {
            dispose() {
                for (const page of pages) page.dispose();
            },
        },
    );
    return {
        commands,
        resolveWebviewView: (view) => attach(view, view.onDidChangeVisibility),
        dispose: () => void parts.dispose(),
    };
}

function pathsOf(args: readonly unknown[], pathOf: (uri: vscode.Uri) => string | undefined): string[] {
    const [first, all] = args;
    const chosen = Array.isArray(all) && all.length > 0 ? all : [first];
    const uris = chosen.filter((each): each is vscode.Uri => each instanceof vscode.Uri);
    const active = vscode.window.activeNotebookEditor?.notebook.uri ?? vscode.window.activeTextEditor?.document.uri;
    if (uris.length === 0 && active !== undefined) uris.push(active);
    return uris.map(pathOf).filter((path) => path !== undefined);
}
