/** Finds the repository's instruction files and reads them: those of each folder of the workspace, and those nearest to what is asked about. */
import * as vscode from "vscode";
import {
    composeInstructions,
    instructionPaths,
    rootInstructionNames,
    type Instructions,
} from "../../core/chat/instructions.js";
import type {Settings} from "../settings.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {safeUri} from "./workspace-text.js";

/** Nobody writes instructions as long as this; a link to something else may be. */
const maxBytes = 1024 * 1024;

/** @param about the files that a question names or has open */
export async function readInstructions(
    settings: Settings,
    workspace: WorkspaceFiles,
    about: readonly string[],
): Promise<Instructions> {
    const own = settings.get("context.instructions");
    if (!settings.get("context.instructionFiles")) return composeInstructions(own, []);
    // Looked for on the disk: ignore rules that keep them from being read as code do not keep them from being followed.
    const roots = (vscode.workspace.workspaceFolders ?? []).flatMap(({uri}) =>
        rootInstructionNames.map((name) => vscode.Uri.joinPath(uri, ...name.split("/"))),
    );
    const nearer = instructionPaths(new Set(workspace.paths()), about)
        .map((path) => safeUri(workspace, path))
        .filter((uri): uri is vscode.Uri => uri !== undefined);
    const uris = new Map([...roots, ...nearer].map((uri) => [uri.toString(), uri]));
    const files = await Promise.all(
        [...uris.values()].map(async (uri) => {
            const text = await readText(uri);
            return text === undefined ? [] : [{path: workspace.pathOf(uri) ?? uri.path, text}];
        }),
    );
    return composeInstructions(own, files.flat());
}

async function readText(uri: vscode.Uri): Promise<string | undefined> {
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    if (open !== undefined) return open.getText();
    try {
        const {size, type} = await vscode.workspace.fs.stat(uri);
        if ((type & vscode.FileType.File) === 0 || size > maxBytes) return undefined;
        return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    } catch {
        return undefined;
    }
}
