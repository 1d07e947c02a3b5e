/**
 * Finds what a question names: its command, its mentions, the code that it is about. What is found is written into the turn
 * as it is now, so that the conversation stays the same when the files change. @see core/chat/attachment.ts for the form.
 */
import * as vscode from "vscode";
import {attachmentLabel, composeTurn, type Attachment, type Excerpt, type Problem} from "../../core/chat/attachment.js";
import {parseMentions, withoutMarks, type Mention} from "../../core/chat/mention.js";
import {splitRange} from "../../core/chat/path-range.js";
import {parseSlash, slashCommands, slashQuestion, type SlashCommand} from "../../core/chat/slash-command.js";
import {usage} from "../../protocol/errors.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import type {PreparedQuestion} from "./chat-session.js";
import {resolveMention} from "./chat-view-model.js";
import {changesOf, repositoryOf} from "./git.js";
import {symbolNamed} from "./symbols.js";
import type {TerminalOutput} from "./terminal-output.js";
import {documentOf, lastEditor, safeUri} from "./workspace-text.js";

/** Files of a mentioned folder; the engine takes as many as it may attend to. */
const maxFolderFiles = 400;

export interface QuestionSources {
    workspace: WorkspaceFiles;
    terminals: TerminalOutput;
}

/** @throws KvasirError `usage` for a command that does not exist, or one that has nothing to work on */
export async function prepareQuestion(
    text: string,
    {workspace, terminals}: QuestionSources,
): Promise<PreparedQuestion> {
    const {command, rest, unknown} = parseSlash(text);
    if (unknown !== undefined) {
        throw usage(`there is no command /${unknown}.`, `Try ${slashCommands.map(({name}) => `/${name}`).join(" ")}.`);
    }
    const mentions = parseMentions(rest);
    const found: {attachments: Attachment[]; named: string[]} = {attachments: [], named: []};
    const understood: Mention[] = [];
    for (const mention of mentions) {
        const isFound = await addMention(mention, found, workspace, terminals);
        if (isFound) understood.push(mention);
    }
    const plain = withoutMarks(rest, understood);
    if (command !== undefined) await addSubject(command, found, workspace, understood.length > 0);
    const question = command === undefined ? plain : slashQuestion(command, plain);
    return {
        prompt: composeTurn(question, found.attachments),
        attached: found.attachments.map((attachment) => ({
            label: attachmentLabel(attachment),
            ...("path" in attachment ? {path: attachment.path, line: attachment.startLine} : {}),
        })),
        named: [...new Set(found.named)],
    };
}

type Found = {attachments: Attachment[]; named: string[]};

/** @returns false for a mention that nothing answers to: it is text */
async function addMention(
    {kind, value}: Mention,
    found: Found,
    workspace: WorkspaceFiles,
    terminals: TerminalOutput,
): Promise<boolean> {
    switch (kind) {
        case "path":
            return addPath(value, found, workspace);
        case "symbol": {
            const symbol = await symbolNamed(value, lastEditor()?.document);
            const path = symbol === undefined ? undefined : workspace.pathOf(symbol.uri);
            if (symbol === undefined || path === undefined) return false;
            const document = await documentOf(symbol.uri);
            if (document === undefined) return false;
            found.attachments.push({kind: "symbol", name: value, ...excerptOf(document, path, symbol.range)});
            found.named.push(path);
            return true;
        }
        case "selection": {
            const selection = selectionOf(workspace);
            if (selection === undefined) throw usage("nothing is selected.", "Select some code in the editor first.");
            addExcerpt(selection, found, workspace);
            return true;
        }
        case "problems":
            found.attachments.push({kind: "problems", problems: problemsIn(workspace, undefined)});
            return true;
        case "terminal": {
            const output = terminals.last();
            if (output === undefined) {
                throw usage(
                    "no terminal has printed anything that Kvasir could see.",
                    "Run a command in a terminal with shell integration, then ask again.",
                );
            }
            found.attachments.push({kind: "terminal", ...output});
            return true;
        }
        case "diff":
            found.attachments.push({kind: "diff", text: await changes()});
            return true;
    }
}

async function addPath(value: string, found: Found, workspace: WorkspaceFiles): Promise<boolean> {
    const {path: written, startLine, endLine} = splitRange(value);
    const path = resolveMention(value, workspace) ?? resolveMention(written, workspace);
    if (path === undefined) return false;
    if (path.endsWith("/")) {
        found.named.push(
            ...workspace
                .paths()
                .filter((known) => known.startsWith(path))
                .slice(0, maxFolderFiles),
        );
        return true;
    }
    found.named.push(path);
    if (startLine === undefined || path === value) return true;
    const uri = safeUri(workspace, path);
    const document = uri === undefined ? undefined : await documentOf(uri);
    if (document === undefined) return true;
    const last = Math.max(startLine, endLine ?? startLine);
    const range = document.validateRange(new vscode.Range(startLine - 1, 0, last - 1, Number.MAX_SAFE_INTEGER));
    found.attachments.push({kind: "selection", ...excerptOf(document, path, range)});
    return true;
}

/** What a command is about when nothing was named: the selection, else the active file; or the changes. */
async function addSubject(
    command: SlashCommand,
    found: Found,
    workspace: WorkspaceFiles,
    hasNamed: boolean,
): Promise<void> {
    if (hasNamed) return;
    if (command.subject === "changes") {
        found.attachments.push({kind: "diff", text: await changes()});
        return;
    }
    const selection = selectionOf(workspace);
    const editor = lastEditor();
    const path = editor === undefined ? undefined : workspace.pathOf(editor.document.uri);
    if (selection !== undefined) addExcerpt(selection, found, workspace);
    else if (editor !== undefined && path !== undefined && workspace.has(path)) found.named.push(path);
    else {
        throw usage(
            `/${command.name} needs code to work on.`,
            "Open a file or select some code, or name a file with @.",
        );
    }
    if (command.subject === "codeAndProblems" && editor !== undefined) {
        const problems = problemsIn(workspace, editor);
        if (problems.length > 0) found.attachments.push({kind: "problems", problems});
    }
}

function addExcerpt(selection: Excerpt, found: Found, workspace: WorkspaceFiles): void {
    found.attachments.push({kind: "selection", ...selection});
    if (workspace.has(selection.path)) found.named.push(selection.path);
}

async function changes(): Promise<string> {
    const repository = await repositoryOf(lastEditor()?.document.uri);
    if (repository === undefined) throw usage("this folder is in no git repository.", "Open a folder that git knows.");
    const text = await changesOf(repository);
    if (text.trim() === "") throw usage("there are no changes.", "Change something, or stage it, and ask again.");
    return text;
}

/** Whole lines: half a line is hard to read for anyone. */
export function selectionOf(workspace: WorkspaceFiles): Excerpt | undefined {
    const editor = lastEditor();
    if (editor === undefined || editor.selection.isEmpty) return undefined;
    const {document, selection} = editor;
    const path = workspace.pathOf(document.uri) ?? document.uri.path.replace(/^.*\//, "");
    return excerptOf(document, path, selection);
}

function excerptOf(document: vscode.TextDocument, path: string, range: vscode.Range): Excerpt {
    // A selection that ends at the beginning of a line does not hold that line.
    const endLine =
        range.end.character === 0 && range.end.line > range.start.line ? range.end.line - 1 : range.end.line;
    const whole = document.validateRange(new vscode.Range(range.start.line, 0, endLine, Number.MAX_SAFE_INTEGER));
    return {
        path,
        language: document.languageId,
        startLine: whole.start.line + 1,
        endLine: whole.end.line + 1,
        text: document.getText(whole),
    };
}

const severities: Record<vscode.DiagnosticSeverity, Problem["severity"]> = {
    [vscode.DiagnosticSeverity.Error]: "error",
    [vscode.DiagnosticSeverity.Warning]: "warning",
    [vscode.DiagnosticSeverity.Information]: "information",
    [vscode.DiagnosticSeverity.Hint]: "hint",
};

/** Errors first. @param editor only those of its file, and only in its selection when there is one */
function problemsIn(workspace: WorkspaceFiles, editor: vscode.TextEditor | undefined): Problem[] {
    const all: [vscode.Uri, readonly vscode.Diagnostic[]][] =
        editor === undefined
            ? vscode.languages.getDiagnostics()
            : [[editor.document.uri, vscode.languages.getDiagnostics(editor.document.uri)]];
    return all
        .flatMap(([uri, diagnostics]) => {
            const path = workspace.pathOf(uri);
            if (path === undefined) return [];
            return diagnostics
                .filter(
                    ({range}) =>
                        editor === undefined || editor.selection.isEmpty || editor.selection.intersection(range),
                )
                .filter(({severity}) => editor !== undefined || severity <= vscode.DiagnosticSeverity.Warning)
                .map((diagnostic) => ({
                    order: diagnostic.severity,
                    problem: {
                        path,
                        line: diagnostic.range.start.line + 1,
                        severity: severities[diagnostic.severity],
                        message: diagnostic.message,
                        ...(diagnostic.source === undefined ? {} : {source: diagnostic.source}),
                    },
                }));
        })
        .sort((a, b) => a.order - b.order)
        .map(({problem}) => problem);
}
