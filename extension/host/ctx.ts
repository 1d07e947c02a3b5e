/** Owns the few things that every feature is given. It is built once, in extension.ts, and holds no logic. */
import type * as vscode from "vscode";
import type {EngineApi} from "../protocol/engine.js";
import type {Log} from "./log.js";
import type {Settings} from "./settings.js";
import type {WorkspaceFiles} from "./workspace/workspace-files.js";

export interface Ctx {
    engine: EngineClient;
    settings: Settings;
    log: Log;
    /** Which files are known and what a question sees by default. */
    workspace: WorkspaceFiles;
    extensionUri: vscode.Uri;
    /** Where the extension may keep files of this workspace; undefined without a workspace. */
    storageUri: vscode.Uri | undefined;
    globalStorageUri: vscode.Uri;
    workspaceState: vscode.Memento;
    globalState: vscode.Memento;
    secrets: vscode.SecretStorage;
}

/**
 * `idle`: not started yet (the first use starts it); `connecting`: starting or joining; `waiting`: it died and is
 * started again after a pause; `failed`: given up until someone asks again.
 */
export type ConnectionState =
    | {name: "idle"}
    | {name: "connecting"}
    | {name: "connected"; pid: number; isFirst: boolean}
    | {name: "waiting"; retryAtMs: number; reason: string}
    | {name: "failed"; code: string; message: string; fix?: string | undefined};

/**
 * The engine as the extension sees it. Calls connect by themselves; a call that was running when the engine died
 * fails with a coded error, and whoever made it may call again: files and pins are sent anew by then.
 */
export interface EngineClient extends EngineApi {
    connection(): ConnectionState;
    onDidChangeConnection(listener: (state: ConnectionState) => void): () => void;
    /** Starts or joins the engine now. */
    connect(): Promise<void>;
    /** Ends the engine process (for every window) and starts a new one. */
    restart(): Promise<void>;
}
