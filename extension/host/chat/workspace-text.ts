/** The text of a file of the workspace as it is in the editor, and its place. Paths are those of the engine. */
import * as vscode from "vscode";
import {normaliseRelative} from "../../core/files/paths.js";
import {usage} from "../../protocol/errors.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";

/** The URI of a path that stays inside the workspace, whether it exists or not. */
export function safeUri(workspace: WorkspaceFiles, path: string): vscode.Uri | undefined {
    if (normaliseRelative(path) !== path || path === "" || path.includes("\0")) return undefined;
    const uri = workspace.uriOf(path);
    // A path of a workspace with several folders begins with one of them; whatever else it says, it must come back.
    return uri !== undefined && workspace.pathOf(uri) === path ? uri : undefined;
}

/** An open document, unsaved changes and all, else the file. @returns undefined when there is no such text */
export async function documentOf(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    if (open !== undefined) return open;
    try {
        return await vscode.workspace.openTextDocument(uri);
    } catch {
        return undefined;
    }
}

/**
 * The text of a file that may be changed; undefined when there is no such file.
 * @throws KvasirError `usage` for one that is there but is not text, or too large: what cannot be seen is not changed
 */
export async function textToChange(uri: vscode.Uri): Promise<string | undefined> {
    const document = await documentOf(uri);
    if (document !== undefined) return document.getText();
    if (await exists(uri))
        throw usage(`${uri.path} cannot be opened as text.`, "Only text files of ordinary size are changed.");
    return undefined;
}

export async function exists(uri: vscode.Uri): Promise<boolean> {
    try {
        await vscode.workspace.fs.stat(uri);
        return true;
    } catch {
        return false;
    }
}

/** The editor that was last worked in; the chat panel having the focus does not change it. */
export function lastEditor(): vscode.TextEditor | undefined {
    const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
    return editor !== undefined && editor.document.uri.scheme !== "output" ? editor : undefined;
}
