/** Owns the commands of inline completions: on and off, per language, snooze, and the menu of the status item. */
import * as vscode from "vscode";
import {isOnFor} from "../../core/completion/eligibility.js";
import {isSnoozed, snoozeMinutes, untilRestart} from "../../core/completion/snooze.js";
import type {CommandTable} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import type {CompletionState} from "./completion-state.js";

type MenuItem = vscode.QuickPickItem & {run(): unknown};

export function completionCommands(ctx: Ctx, state: CompletionState): CommandTable {
    const {settings} = ctx;

    const toggle = () => settings.set("completion.enabled", !settings.get("completion.enabled"));

    const toggleLanguage = async () => {
        const languageId = vscode.window.activeTextEditor?.document.languageId;
        if (languageId === undefined) {
            void vscode.window.showInformationMessage(
                vscode.l10n.t("Open a file first: completions are turned off for its language."),
            );
            return;
        }
        const languages = settings.get("completion.languages");
        await settings.set("completion.languages", {...languages, [languageId]: !isOnFor(languageId, languages)});
    };

    /** @param minutes from a key binding or link; asks when there is none */
    const snooze = async (minutes: unknown) => {
        if (typeof minutes === "number" && minutes > 0) {
            state.snooze(Date.now() + minutes * 60_000);
            return;
        }
        if (isSnoozed(state.status.snoozedUntilMs, Date.now())) {
            state.snooze(undefined);
            return;
        }
        await chooseAndRun(snoozeItems(state), vscode.l10n.t("Snooze completions for how long?"));
    };

    const menu = () => {
        const languageId = vscode.window.activeTextEditor?.document.languageId;
        const items: MenuItem[] = [];
        const isOn = settings.get("completion.enabled");
        if (state.status.error !== undefined) {
            items.push(
                commandItem("$(output)", vscode.l10n.t("Show Log"), "kvasir.showLog"),
                commandItem("$(pulse)", vscode.l10n.t("Run Doctor"), "kvasir.doctor"),
            );
        }
        if (state.isSnoozed) {
            items.push({label: `$(bell) ${vscode.l10n.t("End the Snooze")}`, run: () => state.snooze(undefined)});
        } else if (isOn)
            items.push({label: `$(bell-slash) ${vscode.l10n.t("Snooze...")}`, run: () => snooze(undefined)});
        if (isOn && languageId !== undefined) {
            const label = isOnFor(languageId, settings.get("completion.languages"))
                ? vscode.l10n.t("Turn Off for {0}", languageId)
                : vscode.l10n.t("Turn On for {0}", languageId);
            items.push({label: `$(code) ${label}`, run: toggleLanguage});
        }
        items.push({
            label: isOn ? `$(circle-slash) ${vscode.l10n.t("Turn Off")}` : `$(sparkle) ${vscode.l10n.t("Turn On")}`,
            run: toggle,
        });
        items.push(commandItem("$(play)", vscode.l10n.t("Complete Here"), "kvasir.completion.trigger"));
        items.push({label: `$(trash) ${vscode.l10n.t("Start Counting Anew")}`, run: () => state.resetCounts()});
        items.push({
            label: `$(gear) ${vscode.l10n.t("Settings of Completions")}`,
            run: () => vscode.commands.executeCommand("workbench.action.openSettings", "@ext:kvasir.kvasir completion"),
        });
        return chooseAndRun(items, vscode.l10n.t("Kvasir completions"));
    };

    return {
        "kvasir.completion.toggle": toggle,
        "kvasir.completion.toggleLanguage": toggleLanguage,
        "kvasir.completion.snooze": snooze,
        "kvasir.completion.trigger": () => vscode.commands.executeCommand("editor.action.inlineSuggest.trigger"),
        "kvasir.completion.accepted": (id, length) => {
            if (typeof id !== "string") return;
            state.count({kind: "accepted", id, ...(typeof length === "number" ? {length} : {})});
        },
        "kvasir.completion.menu": menu,
    };
}

function snoozeItems(state: CompletionState): MenuItem[] {
    return [
        ...snoozeMinutes.map((minutes) => ({
            label: minutes < 60 ? vscode.l10n.t("{0} Minutes", minutes) : vscode.l10n.t("{0} Hours", minutes / 60),
            run: () => state.snooze(Date.now() + minutes * 60_000),
        })),
        {label: vscode.l10n.t("Until This Window Is Opened Anew"), run: () => state.snooze(untilRestart)},
    ];
}

function commandItem(icon: string, label: string, command: string): MenuItem {
    return {label: `${icon} ${label}`, run: () => vscode.commands.executeCommand(command)};
}

async function chooseAndRun(items: readonly MenuItem[], title: string): Promise<void> {
    const chosen = await vscode.window.showQuickPick(items, {title});
    await chosen?.run();
}
