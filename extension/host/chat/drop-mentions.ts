/** What is dropped on the panel, as mentions: files and folders that Kvasir knows; the others are counted. */
import * as vscode from "vscode";
import {mentionText} from "../../core/chat/mention.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";

export function dropMentions(
    uris: readonly string[],
    workspace: WorkspaceFiles,
): {mentions: string[]; nOutside: number} {
    const mentions: string[] = [];
    for (const text of uris) {
        const mention = mentionOf(text, workspace);
        if (mention !== undefined && !mentions.includes(mention)) mentions.push(mention);
    }
    return {mentions, nOutside: uris.length - mentions.length};
}

/** @returns undefined for what is not a file or folder that Kvasir reads */
export function mentionOf(uri: string | vscode.Uri, workspace: WorkspaceFiles): string | undefined {
    let path: string | undefined;
    try {
        path = workspace.pathOf(typeof uri === "string" ? fromWindow(vscode.Uri.parse(uri, true)) : uri);
    } catch {
        return undefined;
    }
    if (path === undefined) return undefined;
    if (workspace.has(path)) return mentionText("path", path);
    const folder = `${path.replace(/\/$/, "")}/`;
    return workspace.paths().some((known) => known.startsWith(folder)) ? mentionText("path", folder) : undefined;
}

/** A window names files of another machine with that machine; an extension that runs there knows them as its own. */
function fromWindow(uri: vscode.Uri): vscode.Uri {
    const isHere = uri.scheme === "vscode-remote" && vscode.env.remoteName !== undefined;
    return isHere ? vscode.Uri.from({scheme: "file", path: uri.path}) : uri;
}
