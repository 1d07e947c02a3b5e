/** `Kvasir: Choose Model`: registered at activation, loaded when it is run. */
import path from "node:path";
import type * as vscode from "vscode";
import {registerCommands} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";

/** @param current the file that is used now */
export function registerModels(ctx: Ctx, current: () => string): vscode.Disposable {
    return registerCommands(
        {
            "kvasir.chooseModel": async () => {
                const [{chooseModel}, {createModelTool}] = await Promise.all([
                    import("./choose-model.js"),
                    import("./model-tool.js"),
                ]);
                const {engine, settings, log, extensionUri} = ctx;
                const tool = createModelTool({
                    executable: process.execPath,
                    script: path.join(extensionUri.fsPath, "dist", "cli.mjs"),
                    folders: () => settings.get("model.folders"),
                    gpu: () => settings.get("engine.gpu"),
                });
                await chooseModel({tool, engine, settings, current, log});
            },
        },
        ctx.log,
    );
}
