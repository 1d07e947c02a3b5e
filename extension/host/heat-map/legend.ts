/** Owns the heat map's legend: an item in the status bar whose tooltip explains the steps. */
import * as vscode from "vscode";
import type {CommandId} from "../commands/command-ids.js";
import {stepStarts} from "./heat-steps.js";

export type LegendState =
    /** `none`: not a file of the workspace; `unread`: no rows of it are in memory. */
    | {readonly name: "none" | "unread"}
    /** `older`: the rows are those of the text before the last edit. */
    | {readonly name: "current" | "older"; readonly mean: number};

export interface Legend extends vscode.Disposable {
    show(state: LegendState): void;
    hide(): void;
}

const blocks = ["▁", "▃", "▅", "▆", "█"];

export function createLegend(): Legend {
    const item = vscode.window.createStatusBarItem("heatMap", vscode.StatusBarAlignment.Right, 88);
    item.name = vscode.l10n.t("Kvasir: heat map");
    item.command = "kvasir.heatMap.toggle" satisfies CommandId;
    return {
        show(state) {
            const sentence = sentenceOf(state);
            item.text = `$(flame) ${textOf(state)}`;
            item.accessibilityInformation = {label: vscode.l10n.t("Kvasir heat map: {0}", sentence), role: "button"};
            item.tooltip = tooltipOf(sentence);
            item.show();
        },
        hide: () => item.hide(),
        dispose: () => item.dispose(),
    };
}

function textOf(state: LegendState): string {
    switch (state.name) {
        case "none":
            return vscode.l10n.t("not read");
        case "unread":
            return vscode.l10n.t("not in memory");
        case "older":
            return vscode.l10n.t("{0} kept, older text", percent(state.mean));
        case "current":
            return vscode.l10n.t("{0} kept", percent(state.mean));
    }
}

function sentenceOf(state: LegendState): string {
    switch (state.name) {
        case "none":
            return vscode.l10n.t("This document is none of the files that Kvasir reads.");
        case "unread":
            return vscode.l10n.t("Nothing of this file is in memory now; it is shaded when it has been read.");
        case "older":
            return vscode.l10n.t("What is kept is of the text before your last edit. It is read again in a moment.");
        case "current":
            return vscode.l10n.t("{0} of the rows of a line are kept on average.", percent(state.mean));
    }
}

function tooltipOf(sentence: string): vscode.MarkdownString {
    const text = new vscode.MarkdownString();
    text.appendText(sentence);
    const rows = stepStarts.map((start, step) => {
        const end = stepStarts[step + 1] ?? 1;
        return `|${blocks[step]}|${percent(start)} – ${percent(end)}|`;
    });
    text.appendMarkdown(`\n\n| |${vscode.l10n.t("rows kept of a line")}|\n|:-:|:--|\n${rows.join("\n")}\n\n`);
    text.appendMarkdown(
        vscode.l10n.t("The wider the edge and the stronger the colour, the more was kept. Click to switch off."),
    );
    return text;
}

function percent(share: number): string {
    return `${Math.round(share * 100)} %`;
}
