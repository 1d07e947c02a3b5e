/** The status bar: the meter of what is kept, and an item while the workspace is being read. */
import * as vscode from "vscode";
import type {CommandId} from "../commands/command-ids.js";
import {registerCommands} from "../commands/register-commands.js";
import type {EngineClient} from "../../client/engine-client.js";
import {disposeAll} from "../feature.js";
import type {Log} from "../log.js";
import type {BackgroundReading} from "../workspace/background-reading.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {type Meter, type Translate, meterOf, readingText} from "./meter.js";

export interface StatusParts {
    engine: EngineClient;
    workspace: WorkspaceFiles;
    reading: BackgroundReading;
    differing: () => readonly string[];
    log: Log;
}

const commands = {
    cacheView: "kvasir.cache.open",
    doctor: "kvasir.doctor",
    chooseModel: "kvasir.chooseModel",
} as const satisfies Record<Meter["next"], CommandId>;

const t: Translate = (message, ...args) => vscode.l10n.t(message, ...args);

export function registerStatus({engine, workspace, reading, differing, log}: StatusParts): vscode.Disposable {
    const meterItem = vscode.window.createStatusBarItem("meter", vscode.StatusBarAlignment.Right, 90);
    meterItem.name = t("Kvasir: memory for what is kept");
    const readingItem = vscode.window.createStatusBarItem("reading", vscode.StatusBarAlignment.Right, 89);
    readingItem.name = t("Kvasir: reading");
    readingItem.command = "kvasir.status.menu" satisfies CommandId;

    const show = () => {
        const meter = meterOf(
            {
                status: engine.status(),
                connection: engine.connection(),
                sync: workspace.state(),
                isPaused: reading.isPaused(),
                differing: differing(),
            },
            t,
        );
        meterItem.text = meter.text;
        meterItem.accessibilityInformation = {label: meter.label, role: "button"};
        meterItem.command = commands[meter.next];
        meterItem.backgroundColor =
            meter.kind === "normal"
                ? undefined
                : new vscode.ThemeColor(
                      meter.kind === "error" ? "statusBarItem.errorBackground" : "statusBarItem.warningBackground",
                  );
        meterItem.tooltip = tooltipOf(meter.headline, meter.rows);
        meterItem.show();
        const text = readingText(reading.progress(), t);
        if (text === undefined) readingItem.hide();
        else {
            readingItem.text = text.text;
            readingItem.tooltip = text.label;
            readingItem.accessibilityInformation = {label: text.label, role: "button"};
            readingItem.show();
        }
    };
    show();
    return disposeAll(
        meterItem,
        readingItem,
        {dispose: engine.onDidChangeStatus(show)},
        {dispose: engine.onDidChangeConnection(show)},
        workspace.onDidChange(show),
        reading.onDidChange(show),
        registerCommands({"kvasir.status.menu": () => chooseForReading(reading)}, log),
    );
}

async function chooseForReading(reading: BackgroundReading): Promise<void> {
    const items: (vscode.QuickPickItem & {command: CommandId})[] = [
        reading.isPaused()
            ? {label: `$(debug-start) ${t("Resume Reading")}`, command: "kvasir.resume"}
            : {label: `$(debug-pause) ${t("Pause Reading")}`, command: "kvasir.pause"},
        {label: `$(debug-stop) ${t("Cancel Reading")}`, command: "kvasir.cancelReading"},
        {label: `$(layers) ${t("Open Cache View")}`, command: "kvasir.cache.open"},
    ];
    const chosen = await vscode.window.showQuickPick(items, {placeHolder: readingText(reading.progress(), t)?.label});
    if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command);
}

function tooltipOf(headline: string, rows: readonly [string, string][]): vscode.MarkdownString {
    const tooltip = new vscode.MarkdownString();
    // Untrusted: no command links, no HTML; a model's or a folder's name is text.
    tooltip.appendMarkdown("**Kvasir**\n\n");
    tooltip.appendText(headline);
    tooltip.appendMarkdown("\n\n| | |\n|:--|--:|\n");
    for (const [name, value] of rows) tooltip.appendMarkdown(`| ${cell(name)} | ${cell(value)} |\n`);
    return tooltip;
}

function cell(text: string): string {
    return text.replace(/[\\`*_{}[\]()#+\-.!|<>~]/g, "\\$&").replace(/\s+/g, " ");
}
