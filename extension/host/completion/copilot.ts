/** Owns whether GitHub Copilot completes in a language too, as far as another extension can tell. */
import * as vscode from "vscode";
import {isOnFor} from "../../core/completion/eligibility.js";
import type {Ctx} from "../ctx.js";

const copilotIds = ["GitHub.copilot", "GitHub.copilot-chat"];

/** Copilot is installed, has started and is enabled for the language by its own setting. */
export function isCopilotOn(languageId: string): boolean {
    const isActive = copilotIds.some((id) => vscode.extensions.getExtension(id)?.isActive === true);
    if (!isActive) return false;
    const languages = vscode.workspace.getConfiguration("github.copilot").get<unknown>("enable");
    return typeof languages !== "object" || languages === null
        ? true
        : isOnFor(languageId, languages as Record<string, boolean>);
}

/**
 * Whoever lets Kvasir complete alone is offered to turn off the other's completions in this workspace: one extension
 * cannot silence another by itself.
 */
export async function offerToSilenceCopilot({settings}: Pick<Ctx, "settings">): Promise<void> {
    if (settings.get("completion.besideCopilot") !== "kvasir" || !isCopilotOn("*")) return;
    const turnOff = vscode.l10n.t("Turn Off Copilot's Completions");
    const chosen = await vscode.window.showInformationMessage(
        vscode.l10n.t("GitHub Copilot's completions are still on in this workspace."),
        turnOff,
    );
    if (chosen !== turnOff) return;
    await vscode.workspace
        .getConfiguration("github.copilot")
        .update("enable", {"*": false}, vscode.ConfigurationTarget.Workspace);
}
