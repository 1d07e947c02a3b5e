/** Owns what menus know of the pins: the key `kvasir.pinnedFiles`, by the paths that menus compare with. */
import * as vscode from "vscode";
import type {WorkspaceFiles} from "./workspace-files.js";

export function showPinsToMenus(workspace: WorkspaceFiles): vscode.Disposable {
    const show = () => {
        const paths = workspace.pinned().flatMap((path) => workspace.uriOf(path)?.fsPath ?? []);
        void vscode.commands.executeCommand("setContext", "kvasir.pinnedFiles", paths);
    };
    show();
    return workspace.onDidChange(show);
}
