/** What `@` and some letters may mean: files and folders by their letters, symbols, and what is open or running now. */
import * as vscode from "vscode";
import {mentionText} from "../../core/chat/mention.js";
import {rankPaths} from "../../core/chat/rank-paths.js";
import {baseNameOf, folderOf} from "../../core/files/paths.js";
import type {MentionItem} from "../../protocol/webview/chat.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {findSymbols} from "./symbols.js";
import {lastEditor} from "./workspace-text.js";

const maxItems = 30;
const maxSymbols = 8;
const symbolMark = "symbol:";

/** Waits for nothing: a list that comes late is not used. */
export function searchPlaces(letters: string, workspace: WorkspaceFiles): MentionItem[] {
    if (letters.startsWith(symbolMark)) return [];
    const open = workspace.choice().open ?? [];
    const {files, folders} = rankPaths(letters, workspace.paths(), open, maxItems);
    const items: MentionItem[] = [
        ...singleItems(letters, lastEditor()),
        ...folders
            .slice(0, 5)
            .map((path) => item("folder", `${path}/`, folderOf(path), mentionText("path", `${path}/`))),
        ...files.map((path) => item("file", baseNameOf(path), folderOf(path), mentionText("path", path))),
    ];
    return items.slice(0, maxItems);
}

/** Few beside places; as many as fit when only symbols are wanted. */
export async function searchSymbols(letters: string, workspace: WorkspaceFiles): Promise<MentionItem[]> {
    const isSymbol = letters.startsWith(symbolMark);
    const wanted = isSymbol ? letters.slice(symbolMark.length) : letters;
    if (wanted === "" && !isSymbol) return [];
    const symbols = await findSymbols(wanted, lastEditor()?.document);
    return symbols
        .flatMap(({name, uri}) => {
            const path = workspace.pathOf(uri);
            return path === undefined ? [] : [item("symbol", name, path, mentionText("symbol", name))];
        })
        .slice(0, isSymbol ? maxItems : maxSymbols);
}

function singleItems(letters: string, editor: vscode.TextEditor | undefined): MentionItem[] {
    const {l10n} = vscode;
    const all: MentionItem[] = [];
    if (editor !== undefined && !editor.selection.isEmpty) {
        all.push(item("selection", "selection", l10n.t("what is selected in the editor"), mentionText("selection")));
    }
    all.push(
        item("problems", "problems", l10n.t("errors and warnings"), mentionText("problems")),
        item("diff", "diff", l10n.t("the changes that git knows of"), mentionText("diff")),
        item("terminal", "terminal", l10n.t("the last output of the terminal"), mentionText("terminal")),
    );
    return all.filter(({label}) => label.startsWith(letters.toLowerCase()));
}

function item(kind: MentionItem["kind"], label: string, detail: string, insert: string): MentionItem {
    return {kind, label, detail, insert};
}
