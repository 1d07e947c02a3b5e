/** Inline completions: what it adds to VS Code. */
import type * as vscode from "vscode";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";

export function register(_ctx: Ctx): vscode.Disposable {
    return disposeAll();
}
