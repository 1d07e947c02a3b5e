/**
 * Owns the loading of parts at their first use, so that activation loads none of them. A part that could not be loaded
 * is tried again at the next use.
 */
import type * as vscode from "vscode";

export interface Lazily<T extends vscode.Disposable> extends vscode.Disposable {
    (): Promise<T>;
}

/** @param load called once, and again only after it failed; what it made ends with the disposable */
export function lazily<T extends vscode.Disposable>(load: () => Promise<T>): Lazily<T> {
    let loading: Promise<T> | undefined;
    let isDisposed = false;
    const get = () =>
        (loading ??= load().then(
            (part) => {
                // Ended while it was being loaded.
                if (isDisposed) part.dispose();
                return part;
            },
            (error: unknown) => {
                loading = undefined;
                throw error;
            },
        ));
    return Object.assign(get, {
        dispose() {
            isDisposed = true;
            loading?.then(
                (part) => void part.dispose(),
                () => undefined,
            );
        },
    });
}
