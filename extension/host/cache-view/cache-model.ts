/**
 * Owns what the pages of the cache view show: the list of files, where everything stands, and what an edit costs. It
 * looks at the engine only while a page is there, and never wakes one that was not started or was unloaded.
 */
import * as vscode from "vscode";
import type {FileStatus} from "../../protocol/engine.js";
import type {CacheState, EditCost} from "../../protocol/webview/cache-view.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {textOfNotebook} from "../workspace/document-texts.js";
import {editCostAfter, type EditCostEvent, editCostOf, noEditCost} from "./edit-cost.js";
import {type FileChanges, fileChanges} from "./file-changes.js";
import {FileFeed} from "./file-feed.js";

/** A page that wants to know. */
export interface CacheListener {
    /** False while it is hidden. */
    isVisible: () => boolean;
    onState: (state: CacheState) => void;
    onFiles: (files: FileChanges & {isWhole: boolean}) => void;
    onEditCost: (cost: EditCost | null) => void;
}

export interface CacheModel extends vscode.Disposable {
    /** Tells the page everything, and from then on what changes. */
    connect(listener: CacheListener): vscode.Disposable;
    /** A page was shown again, or something was done: look soon. */
    refresh(): void;
}

/** After a key the tokens are counted when the typing pauses. */
const countAfterMs = 400;
/** The file's status follows by itself while the engine works; this finds what no message told. */
const lookAgainMs = 3000;

export function createCacheModel({engine, workspace, settings, log}: Ctx): CacheModel {
    const listeners = new Set<CacheListener>();
    let files: ReadonlyMap<string, FileStatus> | undefined;
    let editCost = noEditCost;
    let shownCost = JSON.stringify(null);
    let countTimer: ReturnType<typeof setTimeout> | undefined;

    /** The engine can be asked without starting it or loading a model. */
    const isAwake = () =>
        engine.connection().name === "connected" && ["ready", "busy", "paused"].includes(engine.status().state);
    const isWatched = () => [...listeners].some(({isVisible}) => isVisible());

    const feed = new FileFeed({
        list: () => engine.files(workspace.id),
        isWanted: () => isWatched() && isAwake(),
        onList(list) {
            const changes = fileChanges(files ?? new Map(), list);
            const isFirst = files === undefined;
            files = new Map(list.map((file) => [file.path, file]));
            note({name: "files", files, nowMs: Date.now()});
            if (!isFirst && changes.changed.length === 0 && changes.removed.length === 0) return;
            for (const {onFiles} of listeners) onFiles({...changes, isWhole: isFirst});
        },
        onError: (error) => log.warn("The list of files could not be had.", error),
        now: () => performance.now(),
    });

    const tellState = () => {
        const state = stateOf();
        for (const {onState} of listeners) onState(state);
    };

    function stateOf(): CacheState {
        const connection = engine.connection();
        return {
            engine: engine.status(),
            connection: {
                name: connection.name,
                ...(connection.name === "waiting" ? {message: connection.reason} : {}),
                ...(connection.name === "failed" ? {message: connection.message} : {}),
                ...(connection.name === "failed" && connection.fix !== undefined ? {fix: connection.fix} : {}),
            },
            sync: workspace.state(),
            budget: settings.get("cache.budget"),
            excluded: [...workspace.excluded()],
        };
    }

    function note(event: EditCostEvent): void {
        editCost = editCostAfter(editCost, event);
        const cost = editCostOf(editCost);
        const shown = JSON.stringify(cost);
        if (shown === shownCost) return;
        shownCost = shown;
        for (const {onEditCost} of listeners) onEditCost(cost);
    }

    async function countActive(): Promise<void> {
        const active = activeText((uri) => workspace.pathOf(uri));
        if (active === undefined || !workspace.has(active.path)) {
            // A panel or the page itself has the focus: the file that was edited last stays the one that is meant.
            if (vscode.window.visibleTextEditors.length === 0) note({name: "active", path: undefined, tokens: 0});
            return;
        }
        if (!isWatched() || !isAwake()) return;
        const [tokens] = await engine.countTokens([active.text]);
        if (tokens === undefined) return;
        note({name: "active", path: active.path, tokens});
        feed.refresh();
    }

    const countSoon = (ms: number) => {
        clearTimeout(countTimer);
        countTimer = setTimeout(() => {
            countActive().catch((error: unknown) => log.debug(`Tokens were not counted: ${String(error)}`));
        }, ms);
    };

    const timer = setInterval(() => feed.refresh(), lookAgainMs);
    const listening = disposeAll(
        {dispose: () => clearInterval(timer)},
        {dispose: () => clearTimeout(countTimer)},
        {
            dispose: engine.onDidChangeStatus((status) => {
                note({name: "status", status, nowMs: Date.now()});
                tellState();
                feed.refresh();
            }),
        },
        {
            dispose: engine.onDidChangeConnection(() => {
                tellState();
                feed.refresh();
                countSoon(0);
            }),
        },
        workspace.onDidChange(() => {
            tellState();
            feed.refresh();
        }),
        settings.onDidChange(["cache.budget"], tellState),
        vscode.window.onDidChangeActiveTextEditor(() => countSoon(0)),
        vscode.workspace.onDidChangeTextDocument(({document, contentChanges}) => {
            const path = contentChanges.length === 0 ? undefined : workspace.pathOf(document.uri);
            if (path === undefined) return;
            note({name: "edited", path, nowMs: Date.now()});
            countSoon(countAfterMs);
        }),
    );

    return {
        connect(listener) {
            listeners.add(listener);
            listener.onState(stateOf());
            if (files !== undefined) {
                listener.onFiles({isWhole: true, changed: [...files.values()], removed: []});
            }
            listener.onEditCost(editCostOf(editCost));
            feed.refresh();
            countSoon(0);
            return {dispose: () => void listeners.delete(listener)};
        },
        refresh() {
            feed.refresh();
            countSoon(0);
        },
        dispose() {
            feed.dispose();
            listening.dispose();
            listeners.clear();
        },
    };
}

/** The text of the file or notebook that is being edited, when it is one of the workspace. */
function activeText(pathOf: (uri: vscode.Uri) => string | undefined): {path: string; text: string} | undefined {
    const notebook = vscode.window.activeNotebookEditor?.notebook;
    const document = vscode.window.activeTextEditor?.document;
    const uri = notebook?.uri ?? document?.uri;
    const path = uri === undefined ? undefined : pathOf(uri);
    if (path === undefined) return undefined;
    const text = notebook === undefined ? document?.getText() : textOfNotebook(notebook);
    return text === undefined ? undefined : {path, text};
}
