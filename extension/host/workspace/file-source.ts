/**
 * Owns how folders and files of the workspace are looked at: straight from the disk where there is one, through VS Code
 * where the workspace is virtual. Links are not followed. Must not know which files are wanted.
 */
import {lstat, readFile, readdir} from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";

export interface Entry {
    name: string;
    kind: "file" | "folder" | "link" | "other";
}

export interface FileSource {
    /** @returns undefined when the folder cannot be read */
    list(folder: vscode.Uri): Promise<Entry[] | undefined>;
    /** @returns undefined when there is no such file */
    stat(file: vscode.Uri): Promise<{kind: Entry["kind"]; sizeBytes: number; mtimeMs: number} | undefined>;
    /** @returns undefined when it cannot be read */
    read(file: vscode.Uri): Promise<Uint8Array | undefined>;
}

const disk: FileSource = {
    async list(folder) {
        const entries = await readdir(folder.fsPath, {withFileTypes: true}).catch(() => undefined);
        return entries?.map((entry) => ({name: entry.name, kind: kindOf(entry)}));
    },
    async stat(file) {
        const found = await lstat(file.fsPath).catch(() => undefined);
        return found && {kind: kindOf(found), sizeBytes: found.size, mtimeMs: found.mtimeMs};
    },
    async read(file) {
        return readFile(path.normalize(file.fsPath)).catch(() => undefined);
    },
};

const editor: FileSource = {
    async list(folder) {
        try {
            const entries = await vscode.workspace.fs.readDirectory(folder);
            return entries.map(([name, type]) => ({name, kind: kindOfType(type)}));
        } catch {
            return undefined;
        }
    },
    async stat(file) {
        try {
            const {type, size, mtime} = await vscode.workspace.fs.stat(file);
            return {kind: kindOfType(type), sizeBytes: size, mtimeMs: mtime};
        } catch {
            return undefined;
        }
    },
    async read(file) {
        try {
            return await vscode.workspace.fs.readFile(file);
        } catch {
            return undefined;
        }
    },
};

/** The way to the files of a folder. */
export function sourceOf(uri: vscode.Uri): FileSource {
    return uri.scheme === "file" ? disk : editor;
}

function kindOf(entry: {isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean}): Entry["kind"] {
    if (entry.isSymbolicLink()) return "link";
    if (entry.isDirectory()) return "folder";
    return entry.isFile() ? "file" : "other";
}

function kindOfType(type: vscode.FileType): Entry["kind"] {
    if ((type & vscode.FileType.SymbolicLink) !== 0) return "link";
    if (type === vscode.FileType.Directory) return "folder";
    return type === vscode.FileType.File ? "file" : "other";
}
