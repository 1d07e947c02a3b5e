/** Owns the waiting until a person has stopped typing in a document. */
import type * as vscode from "vscode";

export interface EditPauses extends vscode.Disposable {
    edited(uri: vscode.Uri): void;
    /** All pauses end now. */
    settle(): void;
}

/** Typing is over when nothing was typed for so long. */
const pauseMs = 400;

export function createEditPauses(onPause: (uri: vscode.Uri) => void): EditPauses {
    const waiting = new Map<string, {uri: vscode.Uri; timer: NodeJS.Timeout}>();
    return {
        edited(uri) {
            const key = uri.toString();
            clearTimeout(waiting.get(key)?.timer);
            const timer = setTimeout(() => {
                waiting.delete(key);
                onPause(uri);
            }, pauseMs);
            waiting.set(key, {uri, timer});
        },
        settle() {
            const all = [...waiting.values()];
            waiting.clear();
            for (const {uri, timer} of all) {
                clearTimeout(timer);
                onPause(uri);
            }
        },
        dispose() {
            for (const {timer} of waiting.values()) clearTimeout(timer);
        },
    };
}
