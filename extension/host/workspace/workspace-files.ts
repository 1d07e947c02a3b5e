/** Owns what features may ask about the files of the workspace. The work behind it is workspace-sync.ts. */
import type * as vscode from "vscode";
import type {ContextChoice} from "../../protocol/engine.js";

export interface SkippedFile {
    path: string;
    /** One sentence for a person. */
    reason: string;
}

/** Where the first scan and the sending of texts stand. */
export interface SyncState {
    name: "none" | "scanning" | "sending" | "synced" | "untrusted";
    known: number;
    skipped: number;
}

/** Paths are those of the engine: relative, with "/", and in a multi-root workspace behind the folder's name. */
export interface WorkspaceFiles {
    /** The engine's name of this workspace. */
    readonly id: string;
    state(): SyncState;
    onDidChange: vscode.Event<SyncState>;
    /**
     * Ends when everything that is known now has been sent to the engine, unsaved buffers included; with "open" only
     * open documents and what has just been edited, which never waits for a scan.
     * @throws KvasirError whatever keeps the engine from taking it
     */
    flush(what?: "all" | "open"): Promise<void>;
    /** Undefined for what is not in the workspace. */
    pathOf(uri: vscode.Uri): string | undefined;
    uriOf(path: string): vscode.Uri | undefined;
    /** Whether the engine has been given this file. */
    has(path: string): boolean;
    /** Every known path, sorted. */
    paths(): readonly string[];
    /** Files that are not read, each with the reason; secrets among them. */
    skipped(): readonly SkippedFile[];
    /** What a question or completion sees by default: pins, open editors (the active one first), exclusions. */
    choice(): ContextChoice;
    pinned(): readonly string[];
    excluded(): readonly string[];
    budgets(): Readonly<Record<string, number>>;
    setPinned(path: string, isPinned: boolean): Promise<void>;
    /** Never seen by any question until taken back. */
    setExcluded(path: string, isExcluded: boolean): Promise<void>;
    /** Its own share of rows in (0, 1]; undefined takes it back. */
    setBudget(path: string, share: number | undefined): Promise<void>;
    /** Looks at the whole workspace again. */
    rescan(): Promise<void>;
}
