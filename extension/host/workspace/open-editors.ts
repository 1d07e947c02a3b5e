/** Owns what "open" means: the active editor, then the visible ones, then the other tabs. */
import * as vscode from "vscode";

/** Beyond these a tab is a bookmark, not what somebody works on. */
const maxOpen = 24;

export function openUris(): vscode.Uri[] {
    const uris: vscode.Uri[] = [];
    const add = (uri: vscode.Uri | undefined) => {
        if (uri !== undefined) uris.push(uri);
    };
    add(vscode.window.activeTextEditor?.document.uri);
    add(vscode.window.activeNotebookEditor?.notebook.uri);
    for (const editor of vscode.window.visibleTextEditors) add(editor.document.uri);
    for (const group of vscode.window.tabGroups.all) {
        for (const {input} of group.tabs) {
            if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputNotebook) add(input.uri);
            else if (input instanceof vscode.TabInputTextDiff) add(input.modified);
        }
    }
    const seen = new Set<string>();
    return uris
        .filter((uri) => {
            const key = uri.toString();
            return !seen.has(key) && seen.add(key);
        })
        .slice(0, maxOpen);
}
