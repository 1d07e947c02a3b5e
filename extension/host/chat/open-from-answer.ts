/** Opens what an answer points at: a file of the workspace at once, the web only when the person says so. */
import * as vscode from "vscode";
import {webAddress} from "../../core/chat/web-address.js";
import {usage} from "../../protocol/errors.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {exists, safeUri} from "./workspace-text.js";

/** @throws KvasirError `usage` for a path that is not a file of the workspace */
export async function openPath(workspace: WorkspaceFiles, path: string, line?: number): Promise<void> {
    const uri = safeUri(workspace, path);
    if (uri === undefined || !(await exists(uri))) {
        throw usage(`there is no file ${path} in the workspace.`, "The model may have made up its name.");
    }
    const {type} = await vscode.workspace.fs.stat(uri);
    if ((type & vscode.FileType.Directory) !== 0) {
        await vscode.commands.executeCommand("revealInExplorer", uri);
        return;
    }
    const at = new vscode.Position(Math.max(0, (line ?? 1) - 1), 0);
    await vscode.window.showTextDocument(uri, {
        preview: true,
        ...(line === undefined ? {} : {selection: new vscode.Range(at, at)}),
    });
}

/** Only http and https, and only after the whole address was shown. */
export async function openLink(address: string): Promise<void> {
    const url = webAddress(address);
    if (url === undefined) return;
    const open = vscode.l10n.t("Open");
    const copy = vscode.l10n.t("Copy");
    const answer = await vscode.window.showWarningMessage(
        vscode.l10n.t("Open this address in the browser?"),
        {
            modal: true,
            detail: vscode.l10n.t(
                "{0}\n\nIt stands in an answer of the model, which may be wrong or misled.",
                url.href,
            ),
        },
        open,
        copy,
    );
    if (answer === open) await vscode.env.openExternal(vscode.Uri.parse(url.href, true));
    else if (answer === copy) await vscode.env.clipboard.writeText(url.href);
}
