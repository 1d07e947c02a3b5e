/** Owns what the page's buttons about reading and the next steps after an error do. */
import * as vscode from "vscode";
import type {EngineAction} from "../../protocol/webview/cache-view.js";
import type {CommandId} from "../commands/command-ids.js";
import type {Ctx} from "../ctx.js";

export async function runEngineAction({engine, workspace}: Ctx, action: EngineAction): Promise<void> {
    switch (action) {
        case "connect":
            await engine.connect();
            await engine.load();
            return;
        case "readAll":
            await workspace.flush();
            await engine.read({workspace: workspace.id});
            return;
        case "openFolder":
            await vscode.commands.executeCommand("workbench.action.files.openFolder");
            return;
        case "manageTrust":
            await vscode.commands.executeCommand("workbench.trust.manage");
            return;
        case "openSettings":
            await vscode.commands.executeCommand("workbench.action.openSettings", "@ext:kvasir.kvasir");
            return;
        default:
            await vscode.commands.executeCommand(commandOf[action]);
    }
}

const commandOf = {
    pause: "kvasir.pause",
    resume: "kvasir.resume",
    cancelReading: "kvasir.cancelReading",
    rescan: "kvasir.rescan",
    restart: "kvasir.restartEngine",
    doctor: "kvasir.doctor",
    chooseModel: "kvasir.chooseModel",
    showLog: "kvasir.showLog",
    showSkipped: "kvasir.showSkipped",
} as const satisfies Partial<Record<EngineAction, CommandId>>;
