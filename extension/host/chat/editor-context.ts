/** What a question would bring along now: the active file, its selection, the pins; told when it changes, not with every key. */
import * as vscode from "vscode";
import {sampleQuestions} from "../../core/chat/sample-question.js";
import type {ContextView} from "../../protocol/webview/chat.js";
import {disposeAll} from "../feature.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {selectionOf} from "./question-sources.js";
import {lastEditor} from "./workspace-text.js";

/** A selection that is still being drawn is none yet. */
const pauseMs = 120;

export interface EditorContext extends vscode.Disposable {
    view(): ContextView;
}

export function watchEditors(workspace: WorkspaceFiles, onChange: (context: ContextView) => void): EditorContext {
    let timer: NodeJS.Timeout | undefined;
    let shown = "";
    let samples: {key: string; questions: string[]} | undefined;

    const view = (): ContextView => {
        const editor = lastEditor();
        const path = editor === undefined ? undefined : workspace.pathOf(editor.document.uri);
        const selection = path === undefined ? undefined : selectionOf(workspace);
        const active = path === undefined || !workspace.has(path) ? undefined : path;
        const paths = workspace.paths();
        const key = `${paths.length} ${active}`;
        if (samples?.key !== key) {
            samples = {key, questions: sampleQuestions(paths, active).map(({text}) => text)};
        }
        return {
            ...(path === undefined
                ? {}
                : {
                      active: {
                          path,
                          ...(selection === undefined
                              ? {}
                              : {selection: {startLine: selection.startLine, endLine: selection.endLine}}),
                      },
                  }),
            pinned: [...workspace.pinned()],
            open: (workspace.choice().open ?? []).length,
            samples: samples.questions,
        };
    };
    const look = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
            const now = view();
            const text = JSON.stringify(now);
            if (text === shown) return;
            shown = text;
            onChange(now);
        }, pauseMs);
    };
    const listening = disposeAll(
        vscode.window.onDidChangeActiveTextEditor(look),
        vscode.window.onDidChangeTextEditorSelection(look),
        vscode.window.tabGroups.onDidChangeTabs(look),
        workspace.onDidChange(look),
    );
    return {
        view,
        dispose() {
            clearTimeout(timer);
            listening.dispose();
        },
    };
}
