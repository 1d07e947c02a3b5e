/**
 * Owns the spelling of a file's path inside Kvasir and the way back to its URI: relative to its folder, behind the
 * folder's name when the workspace has several.
 */
import * as vscode from "vscode";

export interface Root {
    uri: vscode.Uri;
    /** Before every path of this folder: "" or the folder's name and "/". */
    prefix: string;
}

/** The folders of the workspace; two of one name are told apart by a number. */
export function rootsOf(folders: readonly {uri: vscode.Uri; name: string}[]): Root[] {
    if (folders.length === 1) return folders.map(({uri}) => ({uri, prefix: ""}));
    const seen = new Map<string, number>();
    return folders.map(({uri, name}) => {
        const clean = name.replaceAll("/", "_");
        const nSeen = seen.get(clean) ?? 0;
        seen.set(clean, nSeen + 1);
        return {uri, prefix: `${nSeen === 0 ? clean : `${clean}-${nSeen + 1}`}/`};
    });
}

/** Undefined for what lies in none of the folders. The innermost folder counts. */
export function pathInRoots(roots: readonly Root[], uri: vscode.Uri): string | undefined {
    let best: {length: number; path: string} | undefined;
    for (const root of roots) {
        if (uri.scheme !== root.uri.scheme || uri.authority !== root.uri.authority) continue;
        const base = root.uri.path.endsWith("/") ? root.uri.path : `${root.uri.path}/`;
        if (!uri.path.startsWith(base) || uri.path.length === base.length) continue;
        if (best === undefined || base.length > best.length) {
            best = {length: base.length, path: root.prefix + uri.path.slice(base.length)};
        }
    }
    return best?.path;
}

export function uriInRoots(roots: readonly Root[], path: string): vscode.Uri | undefined {
    const root = roots.find(({prefix}) => path.startsWith(prefix));
    return root && vscode.Uri.joinPath(root.uri, ...path.slice(root.prefix.length).split("/"));
}
