/** The dialog for the key of a remote engine's server; server-key.ts keeps it. */
import * as vscode from "vscode";
import {serverKeyName} from "../server-key.js";

/** Asks for the key of the server in the settings; an empty one takes it away. @returns whether it changed */
export async function askServerKey(baseUrl: string, secrets: vscode.SecretStorage): Promise<boolean> {
    const name = serverKeyName(baseUrl);
    if (name === undefined) {
        const open = vscode.l10n.t("Open Settings");
        const chosen = await vscode.window.showWarningMessage(
            vscode.l10n.t("Set kvasir.server.url first: a key belongs to one server."),
            open,
        );
        if (chosen === open) await vscode.commands.executeCommand("workbench.action.openSettings", "kvasir.server");
        return false;
    }
    const key = await vscode.window.showInputBox({
        title: vscode.l10n.t("Key for {0}", new URL(baseUrl).origin),
        prompt: vscode.l10n.t("It is kept in the system's keychain and sent to this server only. Empty takes it away."),
        password: true,
        ignoreFocusOut: true,
    });
    if (key === undefined) return false;
    if (key.trim() === "") await secrets.delete(name);
    else await secrets.store(name, key.trim());
    return true;
}
