/** Owns what a person can do with files of the cache, from the page, the menus and the palette alike. */
import * as vscode from "vscode";
import type {FileAction} from "../../protocol/webview/cache-view.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {CommandId} from "../commands/command-ids.js";
import type {Ctx} from "../ctx.js";
import {addRule, ignoreRuleFor, removeRule} from "./ignore-file.js";

export interface FileActions {
    /** False when the person said no on the way. */
    run(action: FileAction, paths: readonly string[]): Promise<boolean>;
    /** Its own share of rows in (0, 1]; undefined takes it back. */
    setBudget(path: string, share: number | undefined): Promise<void>;
}

/** @param onDidAct called when the list of files may have changed */
export function createFileActions(ctx: Ctx, onDidAct: () => void): FileActions {
    const {engine, workspace, settings} = ctx;

    const each = async (paths: readonly string[], act: (path: string) => Promise<unknown>) => {
        for (const path of paths) await act(path);
        return true;
    };

    const actions: Record<FileAction, (paths: readonly string[]) => Promise<boolean>> = {
        open: (paths) => each(paths.slice(0, 1), open),
        pin: (paths) => each(paths, (path) => workspace.setPinned(path, true)),
        unpin: (paths) => each(paths, (path) => workspace.setPinned(path, false)),
        chooseBudget,
        readAgain,
        drop: (paths) => each(paths, (path) => engine.cacheDrop(path)),
        exclude,
        include,
        heatMap: async (paths) => {
            const uri = uriOf(paths[0]);
            if (uri === undefined) return false;
            await vscode.commands.executeCommand("kvasir.heatMap.toggle" satisfies CommandId, uri);
            return true;
        },
    };

    return {
        async run(action, paths) {
            try {
                return await actions[action](paths);
            } finally {
                onDidAct();
            }
        },
        async setBudget(path, share) {
            await workspace.setBudget(path, share);
            onDidAct();
        },
    };

    function uriOf(path: string | undefined): vscode.Uri | undefined {
        return path === undefined ? undefined : workspace.uriOf(path);
    }

    async function open(path: string): Promise<void> {
        const uri = uriOf(path);
        if (uri !== undefined) await vscode.commands.executeCommand("vscode.open", uri);
    }

    async function readAgain(paths: readonly string[]): Promise<boolean> {
        const title = paths.length === 1 ? (paths[0] ?? "") : vscode.l10n.t("{0} files", paths.length);
        return vscode.window.withProgress(
            {location: vscode.ProgressLocation.Window, title: vscode.l10n.t("Kvasir reads {0} again", title)},
            async () => {
                try {
                    await workspace.flush("open");
                    await engine.read({workspace: workspace.id, paths: [...paths], again: true});
                    return true;
                } catch (error) {
                    if (isKvasirError(error, "cancelled")) return false;
                    throw error;
                }
            },
        );
    }

    async function chooseBudget(paths: readonly string[]): Promise<boolean> {
        const [path] = paths;
        if (path === undefined) return false;
        const now = workspace.budgets()[path];
        const everywhere = percent(settings.get("cache.budget"));
        const shares = [0.0625, 0.125, 0.25, 0.5, 1];
        const own = vscode.l10n.t("Another Share...");
        const items = [
            {label: vscode.l10n.t("As Everywhere ({0})", everywhere), share: undefined},
            ...shares.map((share) => ({
                label: percent(share),
                share,
                description: share === 1 ? vscode.l10n.t("everything is kept") : "",
            })),
            {label: own, share: undefined},
        ];
        const chosen = await vscode.window.showQuickPick(
            items.map((item) => ({...item, picked: item.share === now})),
            {title: vscode.l10n.t("How much of {0} is kept?", path)},
        );
        if (chosen === undefined) return false;
        const share = chosen.label === own ? await askShare(now) : chosen.share;
        if (share === undefined && chosen.label === own) return false;
        for (const each of paths) await workspace.setBudget(each, share);
        return true;
    }

    async function exclude(paths: readonly string[]): Promise<boolean> {
        const [path] = paths;
        const uri = uriOf(path);
        if (path === undefined || uri === undefined) return false;
        const rules = await Promise.all(paths.map(ruleOf));
        const isWritable = rules.every((rule) => rule !== undefined);
        const forAll = vscode.l10n.t("Add to .kvasirignore");
        const forMe = vscode.l10n.t("Only Leave Out of My Answers");
        const what = paths.length === 1 ? path : vscode.l10n.t("{0} files", paths.length);
        const chosen = await vscode.window.showWarningMessage(
            vscode.l10n.t("Shall Kvasir no longer read {0}?", what),
            {
                modal: true,
                detail: vscode.l10n.t(
                    ".kvasirignore is part of the workspace: whoever uses it does not read the file either. You can undo this.",
                ),
            },
            ...(isWritable ? [forAll, forMe] : [forMe]),
        );
        if (chosen === forMe) {
            await each(paths, (one) => workspace.setExcluded(one, true));
            offerUndo(vscode.l10n.t("{0} is left out of your answers.", what), () =>
                each(paths, (one) => workspace.setExcluded(one, false)),
            );
            return true;
        }
        if (chosen !== forAll) return false;
        for (const rule of rules) if (rule !== undefined) await addRule(rule);
        await workspace.rescan();
        offerUndo(
            vscode.l10n.t("{0} is no longer read.", what),
            async () => {
                for (const rule of rules) if (rule !== undefined) await removeRule(rule);
                await workspace.rescan();
            },
            rules[0]?.uri,
        );
        return true;
    }

    async function include(paths: readonly string[]): Promise<boolean> {
        const rules = await Promise.all(paths.map(ruleOf));
        for (const rule of rules) if (rule !== undefined) await removeRule(rule);
        await each(paths, (path) => workspace.setExcluded(path, false));
        await workspace.rescan();
        return true;
    }

    async function ruleOf(path: string) {
        const uri = uriOf(path);
        return uri === undefined ? undefined : ignoreRuleFor(uri, await isFolder(uri));
    }

    function offerUndo(message: string, undo: () => Promise<unknown>, ignoreFile?: vscode.Uri): void {
        const undoIt = vscode.l10n.t("Undo");
        const openIt = vscode.l10n.t("Open .kvasirignore");
        const run = async () => {
            const items = ignoreFile === undefined ? [undoIt] : [undoIt, openIt];
            const chosen = await vscode.window.showInformationMessage(message, ...items);
            if (chosen === undoIt) await undo();
            else if (chosen === openIt) await vscode.commands.executeCommand("vscode.open", ignoreFile);
            onDidAct();
        };
        run().catch((error: unknown) => ctx.log.error("Leaving a file out could not be undone.", error));
    }
}

async function isFolder(uri: vscode.Uri): Promise<boolean> {
    try {
        return ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.Directory) !== 0;
    } catch {
        return false;
    }
}

async function askShare(now: number | undefined): Promise<number | undefined> {
    const written = await vscode.window.showInputBox({
        title: vscode.l10n.t("Share of rows to keep, in percent"),
        value: now === undefined ? "25" : String(now * 100),
        validateInput: (value) =>
            shareFrom(value) === undefined ? vscode.l10n.t("A number above 0 and up to 100.") : undefined,
    });
    return written === undefined ? undefined : shareFrom(written);
}

function shareFrom(written: string): number | undefined {
    const value = Number(written.replace("%", "").replace(",", ".").trim());
    return value > 0 && value <= 100 ? value / 100 : undefined;
}

function percent(share: number): string {
    return `${Number((share * 100).toFixed(2))} %`;
}
