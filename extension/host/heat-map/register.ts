/** The heat map's command; what it does is loaded when it is first run. */
import type * as vscode from "vscode";
import {registerCommands} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {lazily} from "../lazily.js";

export function register(ctx: Ctx): vscode.Disposable {
    const heatMap = lazily(async () => (await import("./heat-map.js")).startHeatMap(ctx));
    return disposeAll(
        heatMap,
        registerCommands({"kvasir.heatMap.toggle": async (uri) => (await heatMap()).toggle(uri)}, ctx.log),
    );
}
