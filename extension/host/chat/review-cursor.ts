/**
 * The cursor among the changes of a review: tells menus whether it stands in one, and goes on to the next one when one is
 * decided, so that a review is gone through with one key.
 */
import * as vscode from "vscode";
import {disposeAll} from "../feature.js";
import type {Reviews} from "./reviews.js";

/** A proposal's document follows its decision within a few of them; a lost one must not hold anybody up. */
const documentMs = 1_000;

/** Keeps `kvasir.isAtChange` true while the cursor stands in a change that waits for a decision. */
export function watchReviewCursor(reviews: Reviews): vscode.Disposable {
    let told: boolean | undefined;
    const tell = () => {
        const editor = vscode.window.activeTextEditor;
        const isAtChange = editor !== undefined && reviews.changeAt(editor) !== undefined;
        if (isAtChange === told) return;
        told = isAtChange;
        void vscode.commands.executeCommand("setContext", "kvasir.isAtChange", isAtChange);
    };
    tell();
    return disposeAll(
        vscode.window.onDidChangeTextEditorSelection(tell),
        vscode.window.onDidChangeActiveTextEditor(tell),
        reviews.onDidChangeReviews(tell),
    );
}

/** Puts the cursor into the next change below it, behind the last one into the first. Nothing happens when none is left. */
export async function goToNextChange(editor: vscode.TextEditor, reviews: Reviews): Promise<void> {
    const {document} = editor;
    await untilIs(document, reviews.provideTextDocumentContent(document.uri));
    const changes = reviews.changesIn(document.uri);
    const {line} = editor.selection.active;
    const next = changes.find(({start}) => start >= line) ?? changes[0];
    if (next === undefined) return;
    const at = document.validatePosition(new vscode.Position(next.start, 0));
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** The editor asks for the text of a proposal again and has it a little later. @param text undefined: another document */
async function untilIs(document: vscode.TextDocument, text: string | undefined): Promise<void> {
    if (text === undefined || document.getText() === text) return;
    await new Promise<void>((resolve) => {
        const timer = setTimeout(done, documentMs);
        const listening = vscode.workspace.onDidChangeTextDocument((event) => {
            if (event.document === document && document.getText() === text) done();
        });
        function done() {
            clearTimeout(timer);
            listening.dispose();
            resolve();
        }
    });
}
