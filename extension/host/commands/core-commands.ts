/** Owns the commands of the engine and of reading, as one table. */
import * as vscode from "vscode";
import type {RejoiningEngineClient} from "../../client/engine-client.js";
import type {Log} from "../log.js";
import type {Settings} from "../settings.js";
import type {BackgroundReading} from "../workspace/background-reading.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {askServerKey} from "./ask-server-key.js";
import {registerCommands} from "./register-commands.js";

export interface CoreCommandParts {
    engine: RejoiningEngineClient;
    workspace: WorkspaceFiles;
    reading: BackgroundReading;
    settings: Settings;
    secrets: vscode.SecretStorage;
    log: Log;
}

export function registerCoreCommands({
    engine,
    workspace,
    reading,
    settings,
    secrets,
    log,
}: CoreCommandParts): vscode.Disposable {
    const busily = <T>(title: string, work: () => Promise<T>) =>
        vscode.window.withProgress({location: vscode.ProgressLocation.Window, title: `Kvasir: ${title}`}, work);
    return registerCommands(
        {
            "kvasir.restartEngine": () => busily(vscode.l10n.t("restarting the engine"), () => engine.restart()),
            "kvasir.showLog": () => log.show(),
            "kvasir.unload": async () => {
                reading.pause();
                await busily(vscode.l10n.t("unloading the model"), () => engine.unload());
                void vscode.window.showInformationMessage(
                    vscode.l10n.t("The model is unloaded and reading is paused. The next question loads it again."),
                );
            },
            "kvasir.pause": () => reading.pause(),
            "kvasir.resume": () => reading.resume(),
            "kvasir.cancelReading": () => reading.cancel(),
            "kvasir.saveBattery": () => {
                reading.setSavingBattery(!reading.isSavingBattery());
                void vscode.window.showInformationMessage(
                    reading.isSavingBattery()
                        ? vscode.l10n.t("Kvasir does less in the background until you switch this off.")
                        : vscode.l10n.t("Kvasir works in the background as usual."),
                );
            },
            "kvasir.rescan": () => workspace.rescan(),
            "kvasir.showSkipped": () => showSkipped(workspace),
            "kvasir.setServerKey": async () => {
                if (await askServerKey(settings.get("server.url"), secrets)) await engine.rejoin();
            },
        },
        log,
    );
}

async function showSkipped(workspace: WorkspaceFiles): Promise<void> {
    const byReason = new Map<string, string[]>();
    for (const {path, reason} of workspace.skipped()) {
        byReason.set(reason, [...(byReason.get(reason) ?? []), path]);
    }
    const items: vscode.QuickPickItem[] = [...byReason].flatMap(([reason, paths]) => [
        {label: reason, kind: vscode.QuickPickItemKind.Separator},
        ...paths.sort().map((path) => ({label: path})),
    ]);
    const chosen = await vscode.window.showQuickPick(items, {
        title: vscode.l10n.t("Files that Kvasir does not read, and why"),
        placeHolder: vscode.l10n.t(".gitignore, .kvasirignore and files.exclude decide; secrets are never read."),
    });
    const uri = chosen && !chosen.label.endsWith("/") ? workspace.uriOf(chosen.label) : undefined;
    if (uri !== undefined) await vscode.window.showTextDocument(uri);
}
