/**
 * Owns what is written for a person who looks for the cause of something: the "Kvasir" output channel, whose level
 * VS Code keeps. Never the text of files, questions or answers.
 */
import * as vscode from "vscode";

export interface Log {
    trace(message: string): void;
    debug(message: string): void;
    info(message: string): void;
    warn(message: string, error?: unknown): void;
    error(message: string, error?: unknown): void;
    /** Brings the channel to the front. */
    show(): void;
}

/** The channel is made at once: VS Code creates its file only with the first line. */
export function createLog(): Log & vscode.Disposable {
    const channel = vscode.window.createOutputChannel("Kvasir", {log: true});
    const withError = (message: string, error: unknown) =>
        error === undefined ? message : `${message} ${describeError(error)}`;
    return {
        trace: (message) => channel.trace(message),
        debug: (message) => channel.debug(message),
        info: (message) => channel.info(message),
        warn: (message, error) => channel.warn(withError(message, error)),
        error: (message, error) => channel.error(withError(message, error)),
        show: () => channel.show(),
        dispose: () => channel.dispose(),
    };
}

function describeError(error: unknown): string {
    if (!(error instanceof Error)) return String(error);
    const code = "code" in error && typeof error.code === "string" ? `[${error.code}] ` : "";
    return code + (error.stack ?? error.message);
}
