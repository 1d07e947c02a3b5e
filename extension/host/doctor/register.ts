/** The Doctor: a read-only document with what was found and links to what can be done about it. */
import * as vscode from "vscode";
import {toKvasirError} from "../../protocol/errors.js";
import {registerCommands} from "../commands/register-commands.js";
import type {ConnectionState, EngineClient} from "../../client/engine-client.js";
import {disposeAll} from "../feature.js";
import type {Log} from "../log.js";
import type {EngineSettings} from "../../protocol/engine.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {doctorText} from "./report.js";

const scheme = "kvasir-doctor";
const uri = vscode.Uri.from({scheme, path: "/Kvasir Doctor.md"});

export interface DoctorParts {
    engine: EngineClient;
    workspace: WorkspaceFiles;
    engineSettings: () => EngineSettings;
    differing: () => readonly string[];
    quarantined: () => readonly string[];
    lastCrash: () => string | undefined;
    extensionVersion: string;
    log: Log;
}

export function registerDoctor(parts: DoctorParts): vscode.Disposable {
    const changed = new vscode.EventEmitter<vscode.Uri>();
    let text = "";
    const run = async () => {
        await vscode.window.withProgress(
            {location: vscode.ProgressLocation.Window, title: vscode.l10n.t("Kvasir: looking at this machine")},
            async () => (text = await examine(parts)),
        );
        changed.fire(uri);
        const document = await vscode.workspace.openTextDocument(uri);
        await vscode.languages.setTextDocumentLanguage(document, "markdown");
        await vscode.window.showTextDocument(document, {preview: false});
    };
    return disposeAll(
        changed,
        vscode.workspace.registerTextDocumentContentProvider(scheme, {
            onDidChange: changed.event,
            provideTextDocumentContent: () => text,
        }),
        vscode.languages.registerDocumentLinkProvider({scheme}, {provideDocumentLinks: commandLinks}),
        registerCommands({"kvasir.doctor": run}, parts.log),
    );
}

async function examine({
    engine,
    workspace,
    engineSettings,
    differing,
    quarantined,
    lastCrash,
    extensionVersion,
}: DoctorParts): Promise<string> {
    const report = await engine.doctor().catch((error: unknown) => {
        const {message, fix} = toKvasirError(error);
        return {error: {message, fix}};
    });
    const settings = engineSettings();
    const skipped = workspace.skipped();
    return doctorText({
        extensionVersion,
        editorVersion: vscode.version,
        platform: `${process.platform} ${process.arch}`,
        isTrusted: vscode.workspace.isTrusted,
        isRemote: vscode.env.remoteName,
        connection: connectionText(engine.connection()),
        differing: differing(),
        quarantined: quarantined(),
        lastCrash: lastCrash(),
        files: {
            known: workspace.state().known,
            skipped: workspace.state().skipped,
            secrets: skipped.filter(({reason}) => reason.includes("secret")).map(({path}) => path),
        },
        model: settings.modelPath,
        cacheFolder: settings.cacheDir,
        report,
    });
}

function connectionText(state: ConnectionState): string {
    switch (state.name) {
        case "connected":
            return `running (process ${state.pid}), ${state.isFirst ? "started by" : "joined by"} this window`;
        case "failed":
            return `not running: ${state.message}`;
        case "waiting":
            return `ended (${state.reason}), is started again`;
        case "connecting":
            return "starting";
        case "idle":
            return "not started yet";
    }
}

/** The report is ours alone, so its links are live; nothing in it comes from a model or a file but names. */
function commandLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    return [...document.getText().matchAll(/\[([^\]\n]+)\]\((command:(?:kvasir\.|workbench\.)[^)\s]+)\)/g)].map(
        (match) => {
            const start = document.positionAt(match.index + 1);
            const link = new vscode.DocumentLink(
                new vscode.Range(start, document.positionAt(match.index + 1 + (match[1] ?? "").length)),
                vscode.Uri.parse(match[2] ?? ""),
            );
            link.tooltip = match[1];
            return link;
        },
    );
}
