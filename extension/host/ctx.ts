/** Owns the few things that every feature is given. It is built once, in extension.ts, and holds no logic. */
import type * as vscode from "vscode";
import type {EngineClient} from "../client/engine-client.js";
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
