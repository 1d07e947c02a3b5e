/**
 * Owns the text of a file as the person sees it: an open document before the file on disk, a notebook as its cells. What
 * is no text to be read has its reason.
 */
import * as vscode from "vscode";
import {type Classified, type FileLimits, classifyBytes, classifyText} from "../../core/files/classify.js";
import {isNotebookPath, notebookText} from "../../core/files/notebook.js";
import {parseNotebook} from "../../core/files/parse-notebook.js";
import {sourceOf} from "./file-source.js";

/** @returns undefined when the file is gone */
export async function textOf(uri: vscode.Uri, path: string, limits: FileLimits): Promise<Classified | undefined> {
    const key = uri.toString();
    const notebook = vscode.workspace.notebookDocuments.find((open) => open.uri.toString() === key);
    if (notebook !== undefined) return checked(path, textOfNotebook(notebook), limits);
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === key);
    if (document !== undefined && !document.isClosed) return checked(path, document.getText(), limits);
    const bytes = await sourceOf(uri).read(uri);
    if (bytes === undefined) return undefined;
    const classified = classifyBytes(path, bytes, limits);
    if (classified.text === undefined || !isNotebookPath(path)) return classified;
    const parsed = parseNotebook(classified.text);
    return parsed === undefined
        ? {reason: "not-a-file"}
        : classifyText(path, notebookText(parsed.cells, parsed.language));
}

function checked(path: string, text: string, limits: FileLimits): Classified {
    // Characters are at most bytes: a buffer that is longer than the limit is longer on disk.
    return text.length > limits.maxFileBytes ? {reason: "huge"} : classifyText(path, text);
}

/** The text of an open notebook, as its file would be read after saving. */
export function textOfNotebook(notebook: vscode.NotebookDocument): string {
    const cells = notebook.getCells();
    const language = cells.find(({kind}) => kind === vscode.NotebookCellKind.Code)?.document.languageId ?? "python";
    return notebookText(
        cells.map(({kind, document}) => ({
            kind: kind === vscode.NotebookCellKind.Code ? "code" : "prose",
            text: document.getText(),
        })),
        language,
    );
}
