/** Owns the writing of one rule into a folder's .kvasirignore and taking it out again, also while the file is open. */
import * as vscode from "vscode";
import {ignoreLine, withIgnoreLine, withoutIgnoreLine} from "./ignore-line.js";

export interface IgnoreRule {
    /** The ignore file. */
    uri: vscode.Uri;
    line: string;
}

/** The rule that excludes a file or folder, in the ignore file of its workspace folder; undefined outside of all. */
export function ignoreRuleFor(uri: vscode.Uri, isFolder: boolean): IgnoreRule | undefined {
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    if (folder === undefined) return undefined;
    const base = folder.uri.path.endsWith("/") ? folder.uri.path : `${folder.uri.path}/`;
    const path = uri.path.slice(base.length);
    if (path === "") return undefined;
    return {
        uri: vscode.Uri.joinPath(folder.uri, ".kvasirignore"),
        line: ignoreLine(path) + (isFolder ? "/" : ""),
    };
}

export function addRule({uri, line}: IgnoreRule): Promise<void> {
    return change(uri, (text) => withIgnoreLine(text, line));
}

/** A file that held nothing but the rule goes with it. */
export function removeRule({uri, line}: IgnoreRule): Promise<void> {
    return change(uri, (text) => withoutIgnoreLine(text, line));
}

async function change(uri: vscode.Uri, edit: (text: string) => string): Promise<void> {
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    if (open !== undefined && !open.isClosed) {
        const text = open.getText();
        const whole = new vscode.Range(open.positionAt(0), open.positionAt(text.length));
        const edits = new vscode.WorkspaceEdit();
        edits.replace(uri, whole, edit(text));
        if (!(await vscode.workspace.applyEdit(edits)) || !(await open.save())) {
            throw vscode.FileSystemError.NoPermissions(uri);
        }
        return;
    }
    const before = await read(uri);
    const after = edit(before ?? "");
    if (after === before) return;
    if (after === "") await vscode.workspace.fs.delete(uri);
    else await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(after));
}

async function read(uri: vscode.Uri): Promise<string | undefined> {
    try {
        return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    } catch (error) {
        if (error instanceof vscode.FileSystemError && error.code === "FileNotFound") return undefined;
        throw error;
    }
}
