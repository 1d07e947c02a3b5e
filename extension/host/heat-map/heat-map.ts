/**
 * The heat map in the editor: lines shaded by how much of their rows was kept, marks in the overview ruler, a legend in
 * the status bar and the numbers in a hover.
 */
import * as vscode from "vscode";
import type {KeptLines} from "../../protocol/engine.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {createHeatDecorations} from "./heat-decorations.js";
import {type LineChange, meanShare, sharesAfter} from "./heat-steps.js";
import {createLegend} from "./legend.js";

/** Texts change with every key and rows with every read; the shading follows when both pause. */
const refreshAfterMs = 500;

export interface HeatMap extends vscode.Disposable {
    toggle(uri?: unknown): Promise<void>;
}

export function startHeatMap(ctx: Ctx): HeatMap {
    const {engine, workspace, log} = ctx;
    const decorations = createHeatDecorations();
    const legend = createLegend();
    /** What is shown, by document. */
    const shown = new Map<string, KeptLines>();
    let isOn = false;
    /** Rows that the engine keeps: when their number changes, a file was read, cut anew or dropped. */
    let nKept = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const isAwake = () =>
        engine.connection().name === "connected" && ["ready", "busy", "paused"].includes(engine.status().state);

    async function show(editor: vscode.TextEditor): Promise<void> {
        const {document} = editor;
        const path = workspace.pathOf(document.uri);
        if (path === undefined || !workspace.has(path)) {
            forget(editor);
            return;
        }
        const kept = await engine.keptLines(workspace.id, path, document.getText());
        // Switched off, or another text in the meantime: the next look is on its way.
        if (!isOn || document.isClosed) return;
        const key = document.uri.toString();
        const before = shown.get(key);
        // The shading of the text that was read moves with the edits; lines of another text would be shaded wrongly.
        if (kept.isCurrent || before === undefined) {
            if (kept.isCurrent && kept.share.length > 0) decorations.show(editor, kept.share);
            else decorations.clear(editor);
            shown.set(key, kept);
        } else shown.set(key, {...before, isCurrent: false});
    }

    function forget(editor: vscode.TextEditor): void {
        shown.delete(editor.document.uri.toString());
        decorations.clear(editor);
    }

    async function refresh(): Promise<void> {
        timer = undefined;
        if (!isOn || !isAwake()) return;
        for (const editor of vscode.window.visibleTextEditors) {
            try {
                await show(editor);
            } catch (error) {
                if (!isKvasirError(error, "cancelled"))
                    log.debug(`No heat map for ${editor.document.uri.path}: ${String(error)}`);
                forget(editor);
            }
        }
        showLegend();
    }

    function refreshSoon(ms = refreshAfterMs): void {
        if (!isOn) return;
        if (ms === 0) clearTimeout(timer);
        // Not put off by further events: they may come all the time while the engine works.
        else if (timer !== undefined) return;
        timer = setTimeout(() => void refresh(), ms);
    }

    function showLegend(): void {
        const editor = vscode.window.activeTextEditor;
        const kept = editor === undefined ? undefined : shown.get(editor.document.uri.toString());
        if (!isOn) legend.hide();
        else if (editor === undefined) legend.show({name: "none"});
        else if (kept === undefined || kept.share.every((share) => share === 0)) {
            legend.show({name: isOfWorkspace(editor) ? "unread" : "none"});
        } else legend.show({name: kept.isCurrent ? "current" : "older", mean: meanShare(kept.share)});
    }

    const isOfWorkspace = ({document}: vscode.TextEditor) => workspace.pathOf(document.uri) !== undefined;

    async function toggle(uri: unknown): Promise<void> {
        if (uri instanceof vscode.Uri) {
            await vscode.window.showTextDocument(uri);
            isOn = true;
        } else isOn = !isOn;
        if (isOn) {
            // Asked for: this may start the engine.
            await engine.connect();
            await workspace.flush("open");
            await refresh();
        } else {
            clearTimeout(timer);
            for (const editor of vscode.window.visibleTextEditors) forget(editor);
            shown.clear();
            showLegend();
        }
    }

    const parts = disposeAll(
        decorations,
        legend,
        {dispose: () => clearTimeout(timer)},
        vscode.languages.registerHoverProvider(
            {pattern: "**"},
            {
                provideHover(document, {line}) {
                    const share = isOn ? shown.get(document.uri.toString())?.share[line] : undefined;
                    return share === undefined ? undefined : hoverOf(share, document.lineAt(line).range);
                },
            },
        ),
        vscode.window.onDidChangeActiveTextEditor(() => refreshSoon(0)),
        vscode.window.onDidChangeVisibleTextEditors(() => refreshSoon(0)),
        vscode.workspace.onDidChangeTextDocument(({document, contentChanges}) => {
            const key = document.uri.toString();
            const kept = shown.get(key);
            if (contentChanges.length === 0 || kept === undefined) return;
            // Numbers of lines that have moved would be wrong.
            shown.set(key, {
                ...kept,
                share: sharesAfter(kept.share, contentChanges.map(lineChangeOf)),
                isCurrent: false,
            });
            showLegend();
            refreshSoon();
        }),
        {
            dispose: engine.onDidChangeStatus(({tokens}) => {
                if (tokens.kept === nKept) return;
                nKept = tokens.kept;
                refreshSoon();
            }),
        },
    );
    return {toggle, dispose: () => void parts.dispose()};
}

function lineChangeOf({range, text}: vscode.TextDocumentContentChangeEvent): LineChange {
    const nRemoved = range.end.line - range.start.line;
    return {line: range.start.line, nRemoved, nInserted: text.split("\n").length - 1};
}

function hoverOf(share: number, range: vscode.Range): vscode.Hover {
    const percent = `${Math.round(share * 100)} %`;
    const text = new vscode.MarkdownString();
    text.appendMarkdown(
        vscode.l10n.t("**Kvasir**: {0} of this line's rows were kept, on average over all heads.", percent),
    );
    return new vscode.Hover(text, range);
}
