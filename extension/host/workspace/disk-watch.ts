/** Owns the changes on disk below the folders of the workspace, gathered until they pause. */
import * as vscode from "vscode";
import {disposeAll} from "../feature.js";
import {type Root, pathInRoots} from "./folder-paths.js";

export interface DiskWatch extends vscode.Disposable {
    /** From now on these folders, and no others. */
    watch(roots: readonly Root[]): void;
}

const pauseMs = 250;

export function createDiskWatch(onChanges: (paths: readonly string[]) => void): DiskWatch {
    const changed = new Set<string>();
    let watchers: vscode.Disposable = disposeAll();
    let timer: NodeJS.Timeout | undefined;
    const tell = () => {
        const paths = [...changed];
        changed.clear();
        onChanges(paths);
    };
    return {
        watch(roots) {
            const note = (uri: vscode.Uri) => {
                const path = pathInRoots(roots, uri);
                if (path === undefined || path.startsWith(".git/") || path.includes("/.git/")) return;
                changed.add(path);
                clearTimeout(timer);
                timer = setTimeout(tell, pauseMs);
            };
            watchers.dispose();
            watchers = disposeAll(
                ...roots.flatMap(({uri}) => {
                    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(uri, "**/*"));
                    return [watcher, watcher.onDidCreate(note), watcher.onDidChange(note), watcher.onDidDelete(note)];
                }),
            );
        },
        dispose() {
            clearTimeout(timer);
            watchers.dispose();
        },
    };
}
