/** Owns the completions' item in the status bar: whether they are on here, and the counts in its tooltip. */
import * as vscode from "vscode";
import type {WhyNot} from "../../core/completion/eligibility.js";
import {minutesLeft} from "../../core/completion/snooze.js";
import {type Counts, type Tally, totalOf} from "../../core/completion/tally.js";
import type {CommandId} from "../commands/command-ids.js";
import {disposeAll} from "../feature.js";
import type {CompletionState, CompletionStatus} from "./completion-state.js";

interface Shown {
    text: string;
    /** One sentence, for the tooltip and for screen readers. */
    sentence: string;
    isWarning: boolean;
}

export function createCompletionStatusItem(state: CompletionState): vscode.Disposable {
    const item = vscode.window.createStatusBarItem("completion", vscode.StatusBarAlignment.Right, 99);
    item.name = vscode.l10n.t("Kvasir Completions");
    item.command = "kvasir.completion.menu" satisfies CommandId;
    const show = () => {
        const {text, sentence, isWarning} = shownFor(state.status, Date.now());
        item.text = text;
        item.tooltip = tooltipOf(sentence, state.tally);
        item.accessibilityInformation = {label: vscode.l10n.t("Kvasir completions: {0}", sentence), role: "button"};
        item.backgroundColor = isWarning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
        item.show();
    };
    show();
    return disposeAll(item, state.onDidChange(show));
}

function shownFor({isBusy, snoozedUntilMs, error, whyNot}: CompletionStatus, nowMs: number): Shown {
    if (error !== undefined) {
        const sentence = [error.message, error.fix].filter((part) => part !== undefined).join(" ");
        return {text: "$(sparkle)$(warning)", sentence, isWarning: true};
    }
    if (snoozedUntilMs !== undefined && nowMs < snoozedUntilMs) {
        const sentence = Number.isFinite(snoozedUntilMs)
            ? vscode.l10n.t("Snoozed for {0} more minutes.", minutesLeft(snoozedUntilMs, nowMs))
            : vscode.l10n.t("Snoozed until this window is opened anew.");
        return {text: "$(bell-slash)", sentence, isWarning: false};
    }
    if (whyNot !== undefined) {
        return {text: "$(circle-slash)", sentence: sentenceOf(whyNot), isWarning: false};
    }
    if (isBusy) return {text: "$(loading~spin)", sentence: vscode.l10n.t("Working."), isWarning: false};
    return {text: "$(sparkle)", sentence: vscode.l10n.t("Ready."), isWarning: false};
}

function sentenceOf(reason: WhyNot): string {
    switch (reason) {
        case "untrusted":
            return vscode.l10n.t("Waiting until this workspace is trusted.");
        case "read-only":
            return vscode.l10n.t("Nothing is written in this kind of document.");
        case "too-large":
            return vscode.l10n.t("This document is too large for completions.");
        case "secret":
            return vscode.l10n.t("This file may hold secrets, so it is never read.");
        case "off":
            return vscode.l10n.t("Off.");
        case "snoozed":
            return vscode.l10n.t("Snoozed.");
        case "language":
            return vscode.l10n.t("Off for this language.");
        case "copilot":
            return vscode.l10n.t("GitHub Copilot completes here.");
        case "mid-word":
            return vscode.l10n.t("Ready.");
    }
}

function tooltipOf(sentence: string, tally: Tally): vscode.MarkdownString {
    const text = new vscode.MarkdownString("", true);
    text.isTrusted = {enabledCommands: ["kvasir.completion.menu" satisfies CommandId]};
    text.appendMarkdown(`**${vscode.l10n.t("Kvasir completions")}**: `);
    text.appendText(sentence);
    const total = totalOf(tally);
    if (total.shown === 0) return text;
    const languages = Object.entries(tally.byLanguage).sort(([, a], [, b]) => b.shown - a.shown);
    const head = [
        vscode.l10n.t("language"),
        vscode.l10n.t("shown"),
        vscode.l10n.t("accepted"),
        vscode.l10n.t("in part"),
        vscode.l10n.t("typed"),
        vscode.l10n.t("rejected"),
    ];
    const rows = [...languages.slice(0, 6), ...(languages.length > 1 ? [[vscode.l10n.t("all"), total] as const] : [])];
    text.appendMarkdown(`\n\n|${head.join("|")}|\n|:--|--:|--:|--:|--:|--:|\n`);
    for (const [name, counts] of rows) text.appendMarkdown(`|${escaped(name)}|${cellsOf(counts).join("|")}|\n`);
    const since = new Date(tally.since).toLocaleDateString(vscode.env.language);
    text.appendMarkdown("\n\n");
    text.appendText(
        vscode.l10n.t("{0} characters spared since {1}. Counted on this machine only.", total.charsTaken, since),
    );
    return text;
}

function cellsOf({shown, accepted, partly, typed, rejected}: Counts): number[] {
    return [shown, accepted, partly, typed, rejected];
}

/** Language ids come from other extensions. */
function escaped(text: string): string {
    return text.replace(/[\\`*_{}[\]()#+\-.!|<>$]/g, "\\$&");
}
