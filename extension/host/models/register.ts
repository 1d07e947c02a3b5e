/** `Kvasir: Choose Model` and `Kvasir: Add CUDA Support`: registered at activation, loaded when they are run. */
import path from "node:path";
import type * as vscode from "vscode";
import {registerCommands} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import {proxyVariables} from "../proxy.js";

/** @param current the file that is used now */
export function registerModels(ctx: Ctx, current: () => string): vscode.Disposable {
    const tool = async () => {
        const {settings, extensionUri} = ctx;
        const {createModelTool} = await import("./model-tool.js");
        return createModelTool({
            executable: process.execPath,
            script: path.join(extensionUri.fsPath, "dist", "cli.mjs"),
            folders: () => settings.get("model.folders"),
            gpu: () => settings.get("engine.gpu"),
            env: {...process.env, ...proxyVariables()},
        });
    };
    return registerCommands(
        {
            "kvasir.addCuda": async () => {
                const {addCuda} = await import("./add-cuda.js");
                await addCuda({tool: await tool(), engine: ctx.engine});
            },
            "kvasir.chooseModel": async () => {
                const {chooseModel} = await import("./choose-model.js");
                const {engine, settings, log} = ctx;
                await chooseModel({tool: await tool(), engine, settings, current, log});
            },
        },
        ctx.log,
    );
}
