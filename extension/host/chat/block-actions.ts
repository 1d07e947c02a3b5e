/**
 * What can be done with a code block of an answer: copy, insert, apply, make a file, run. The code is taken from the
 * extension's own copy of the answer, never from the page.
 */
import * as vscode from "vscode";
import {parseCodeBlocks, type CodeBlock} from "../../core/chat/code-block.js";
import {pathsOf, propose} from "../../core/chat/edit/propose.js";
import {reindent, indentOf} from "../../core/chat/edit/line-text.js";
import {commandLines} from "../../core/chat/shell-command.js";
import {likelyTargets, resolvePath} from "../../core/chat/target-file.js";
import type {AnswerTurn} from "../../core/chat/conversation.js";
import {normaliseRelative} from "../../core/files/paths.js";
import {usage} from "../../protocol/errors.js";
import type {BlockAction} from "../../protocol/webview/chat.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import type {ProposedFile, Reviews} from "./reviews.js";
import {documentOf, exists, lastEditor, safeUri, textToChange} from "./workspace-text.js";

export interface BlockParts {
    workspace: WorkspaceFiles;
    reviews: Reviews;
    /** Says that something small was done. */
    tell: (text: string) => void;
}

/** @throws KvasirError `usage` when it cannot be done, with what to do instead */
export async function runBlockAction(
    action: BlockAction,
    answer: AnswerTurn,
    index: number,
    parts: BlockParts,
): Promise<void> {
    const block = parseCodeBlocks(answer.text)[index];
    if (block === undefined) return;
    switch (action) {
        case "copy":
            await vscode.env.clipboard.writeText(block.code);
            parts.tell(vscode.l10n.t("Copied"));
            return;
        case "insert":
            return insertAtCursor(block, parts);
        case "create":
            return createFile(block, answer, parts);
        case "run":
            return runInTerminal(block);
        case "apply":
            return applyBlocks([block], answer, parts);
    }
}

/** All edits of an answer in one review. */
export async function applyAllBlocks(answer: AnswerTurn, parts: BlockParts): Promise<void> {
    await applyBlocks(
        parseCodeBlocks(answer.text).filter(({kind}) => kind !== "shell"),
        answer,
        parts,
    );
}

/** Several blocks for one file are applied one after another. */
async function applyBlocks(blocks: readonly CodeBlock[], answer: AnswerTurn, parts: BlockParts): Promise<void> {
    const {workspace, reviews} = parts;
    const proposed = new Map<string, ProposedFile>();
    const unplaced: CodeBlock[] = [];
    for (const block of blocks) {
        for (const written of pathsOf(block)) {
            const path = await targetOf(block, written, answer, workspace, blocks.length === 1);
            if (path === undefined) {
                if (blocks.length === 1) return;
                unplaced.push(block);
                continue;
            }
            const uri = safeUri(workspace, path);
            if (uri === undefined)
                throw usage(`${path} is not inside the workspace.`, "Only files of the workspace are changed.");
            const before = proposed.get(path);
            const current = before === undefined ? await textToChange(uri) : before.proposed;
            const proposal = propose(block, written, current);
            if (proposal === undefined) {
                unplaced.push(block);
                continue;
            }
            proposed.set(path, {
                path,
                proposed: proposal.text,
                nMissing: (before?.nMissing ?? 0) + proposal.nMissing,
            });
        }
    }
    if (proposed.size === 0) {
        throw usage(
            "nothing says where this code belongs in the file.",
            "Put the cursor where it shall go and use Insert at the cursor.",
        );
    }
    const names = [...proposed.keys()];
    const title = names.length === 1 ? (names[0] as string) : vscode.l10n.t("{0} files", names.length);
    await reviews.propose(title, answer.id, [...proposed.values()]);
    if (unplaced.length > 0) {
        parts.tell(vscode.l10n.t("{0} code blocks name no file, or found no place in theirs.", unplaced.length));
    }
}

/** By its name; else the file that declares what it declares; else whoever asked says it. */
async function targetOf(
    block: CodeBlock,
    written: string | undefined,
    answer: AnswerTurn,
    workspace: WorkspaceFiles,
    mayAsk: boolean,
): Promise<string | undefined> {
    const known = workspace.paths();
    if (written !== undefined) {
        const path = resolvePath(written, known);
        if (path !== undefined) return path;
        const clean = normaliseRelative(written);
        const uri = clean === undefined ? undefined : safeUri(workspace, clean);
        const isAmbiguous = known.some((other) => other.endsWith(`/${written}`));
        if (clean !== undefined && uri !== undefined && (!isAmbiguous || (await exists(uri)))) return clean;
    }
    const attended = (answer.report?.attended ?? answer.attended ?? []).map(({path}) => path);
    const near = [...new Set([...(workspace.choice().open ?? []), ...attended])].filter((path) => workspace.has(path));
    const files = await Promise.all(
        near.map(async (path) => {
            const uri = safeUri(workspace, path);
            const document = uri === undefined ? undefined : await documentOf(uri);
            return document === undefined ? [] : [{path, text: document.getText()}];
        }),
    );
    const {paths, isClear} = likelyTargets(block, files.flat());
    if (isClear) return paths[0];
    if (!mayAsk) return undefined;
    const first = [...new Set([...paths, ...near])];
    const rest = known.filter((path) => !first.includes(path));
    const items: vscode.QuickPickItem[] = [
        ...first.map((label) => ({label})),
        ...(rest.length > 0 && first.length > 0 ? [{label: "", kind: vscode.QuickPickItemKind.Separator}] : []),
        ...rest.map((label) => ({label})),
    ];
    const chosen = await vscode.window.showQuickPick(items, {
        title: vscode.l10n.t("Which file is this code for?"),
        placeHolder: vscode.l10n.t("The changes are shown before anything is written"),
    });
    return chosen?.label;
}

async function insertAtCursor({code}: CodeBlock, {tell}: BlockParts): Promise<void> {
    const editor = lastEditor();
    if (editor === undefined)
        throw usage("no file is open.", "Open a file and put the cursor where the code shall go.");
    const {document, selections} = editor;
    const edit = new vscode.WorkspaceEdit();
    for (const selection of selections) {
        const before = document.lineAt(selection.start.line).text.slice(0, selection.start.character);
        // At the depth of the line it goes to, when nothing but white space stands before it.
        const lines = code.split(/\r?\n/);
        const isFitted = before.trim() === "";
        const fitted = isFitted ? reindent(lines, indentOf(lines[0] ?? ""), indentOf(before)) : lines;
        edit.replace(
            document.uri,
            selection,
            (isFitted ? (fitted[0] ?? "").slice(indentOf(before).length) : (fitted[0] ?? "")) +
                fitted
                    .slice(1)
                    .map((line) => `\n${line}`)
                    .join(""),
        );
    }
    if (!(await vscode.workspace.applyEdit(edit))) throw usage("this file cannot be changed.", "It may be read-only.");
    await vscode.window.showTextDocument(document, {viewColumn: editor.viewColumn ?? vscode.ViewColumn.Active});
    tell(vscode.l10n.t("Inserted"));
}

async function createFile(block: CodeBlock, answer: AnswerTurn, {workspace, reviews, tell}: BlockParts): Promise<void> {
    const code = propose({kind: block.kind, code: block.code}, block.path, undefined)?.text ?? `${block.code}\n`;
    const clean = block.path === undefined ? undefined : normaliseRelative(block.path);
    let uri = clean === undefined ? undefined : safeUri(workspace, clean);
    if (uri !== undefined && clean !== undefined && (await exists(uri))) {
        // It is there by now: a change, then, and a change is reviewed.
        await reviews.propose(clean, answer.id, [{path: clean, proposed: code, nMissing: 0}]);
        return;
    }
    uri ??= await vscode.window.showSaveDialog({title: vscode.l10n.t("Where the new file goes"), ...defaultFolder()});
    if (uri === undefined) return;
    const edit = new vscode.WorkspaceEdit();
    edit.createFile(uri, {overwrite: false, ignoreIfExists: false, contents: new TextEncoder().encode(code)});
    if (!(await vscode.workspace.applyEdit(edit))) {
        throw usage(
            `${uri.path} could not be made.`,
            "Is there a file of this name already, or is the folder read-only?",
        );
    }
    await vscode.window.showTextDocument(uri);
    tell(vscode.l10n.t("Made {0}", workspace.pathOf(uri) ?? uri.path));
}

function defaultFolder(): {defaultUri?: vscode.Uri} {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    return folder === undefined ? {} : {defaultUri: folder};
}

/** Nothing that a model wrote runs before a person has seen it and said so. */
async function runInTerminal({code}: CodeBlock): Promise<void> {
    const command = commandLines(code);
    if (command === "") return;
    const run = vscode.l10n.t("Run");
    const write = vscode.l10n.t("Write without running");
    const isOneLine = !command.includes("\n");
    const answer = await vscode.window.showWarningMessage(
        vscode.l10n.t("Run this in the terminal?"),
        {modal: true, detail: command},
        run,
        // Every line break of several lines would run the line before it.
        ...(isOneLine ? [write] : []),
    );
    if (answer === undefined) return;
    const terminal = vscode.window.activeTerminal ?? vscode.window.createTerminal("Kvasir");
    terminal.show(true);
    terminal.sendText(command, answer === run);
}
