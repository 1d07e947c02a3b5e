/**
 * Owns how an editor's document and cursor become the place of a completion: line breaks of one kind, a notebook as one
 * text, and the path under which the engine knows it.
 */
import * as vscode from "vscode";
import {notebookPlace} from "../../core/completion/notebook-text.js";
import type {Place} from "../../core/completion/type-through.js";
import {baseNameOf} from "../../core/files/paths.js";

export interface DocumentPlace {
    place: Place;
    /** The workspace's path, or the bare name of what is outside of it or not saved yet. */
    path: string;
}

/** UTF-16 units, without making the text. */
export function lengthOf(document: vscode.TextDocument): number {
    const last = document.lineAt(document.lineCount - 1);
    return document.offsetAt(last.range.end);
}

/** What a person writes in: not a log, an old revision or another extension's output. */
export function isWritable({uri}: vscode.TextDocument): boolean {
    if (uri.scheme === "untitled" || uri.scheme === "vscode-notebook-cell") return true;
    return vscode.workspace.fs.isWritableFileSystem(uri.scheme) === true;
}

/**
 * @param accepted a word of the list of suggestions that counts as typed, with the range that it replaces
 */
export function placeOf(
    document: vscode.TextDocument,
    position: vscode.Position,
    pathOf: (uri: vscode.Uri) => string | undefined,
    accepted?: vscode.SelectedCompletionInfo,
): DocumentPlace {
    let {text, offset} = textAndOffset(document, position);
    if (accepted !== undefined) {
        const start = textAndOffset(document, accepted.range.start).offset;
        const end = textAndOffset(document, accepted.range.end).offset;
        const inserted = withLineFeeds(accepted.text);
        text = text.slice(0, start) + inserted + text.slice(end);
        offset = start + inserted.length;
    }
    const cell = cellOf(document);
    if (cell === undefined) {
        const path = pathOf(document.uri) ?? baseNameOf(document.uri.path);
        return {place: {document: document.uri.toString(), text, offset}, path};
    }
    const cells = cell.notebook.getCells().map((each) => ({
        kind: each.kind === vscode.NotebookCellKind.Code ? ("code" as const) : ("prose" as const),
        text: each === cell ? text : withLineFeeds(each.document.getText()),
    }));
    const joined = notebookPlace(cells, cell.index, offset, document.languageId);
    return {
        place: {document: document.uri.toString(), ...joined},
        path: pathOf(cell.notebook.uri) ?? baseNameOf(cell.notebook.uri.path),
    };
}

function cellOf(document: vscode.TextDocument): vscode.NotebookCell | undefined {
    if (document.uri.scheme !== "vscode-notebook-cell") return undefined;
    for (const notebook of vscode.workspace.notebookDocuments) {
        const cell = notebook.getCells().find((each) => each.document === document);
        if (cell !== undefined) return cell;
    }
    return undefined;
}

/** Models write line feeds, so a suggestion is compared with a text that has nothing else. */
function textAndOffset(document: vscode.TextDocument, position: vscode.Position): {text: string; offset: number} {
    const text = document.getText();
    const offset = document.offsetAt(position);
    if (document.eol === vscode.EndOfLine.LF) return {text, offset};
    return {text: withLineFeeds(text), offset: offset - position.line};
}

function withLineFeeds(text: string): string {
    return text.includes("\r") ? text.replaceAll("\r\n", "\n") : text;
}
