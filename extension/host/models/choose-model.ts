/**
 * The picker: models that are here, models to download with what fits, an address, a folder, a file. It says what a
 * download costs before it begins, shows how far it is, and loads what was chosen. Conversations stay: they are text.
 */
import * as vscode from "vscode";
import type {DownloadProgress, ModelChoice, ModelsReport} from "../../protocol/models.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {EngineClient} from "../../client/engine-client.js";
import type {Log} from "../log.js";
import type {Settings} from "../settings.js";
import {type Translate, mib} from "../status/meter.js";
import {type ModelItem, costText, modelItems} from "./model-items.js";
import type {ModelTool} from "./model-tool.js";

export interface ChooserParts {
    tool: ModelTool;
    engine: EngineClient;
    settings: Settings;
    /** The file that is used now. */
    current: () => string;
    log: Log;
}

const t: Translate = (message, ...args) => vscode.l10n.t(message, ...args);

type Action = "address" | "folder" | "file";
type Picked = (vscode.QuickPickItem & {item?: ModelItem; action?: Action}) | undefined;

/** @returns once a model is chosen and loaded, or nothing is */
export async function chooseModel(parts: ChooserParts): Promise<void> {
    const report = await vscode.window.withProgress(
        {
            location: vscode.ProgressLocation.Notification,
            title: t("Kvasir: looking at this machine and its models"),
            cancellable: true,
        },
        (_, token) => parts.tool.advise(signalOf(token)),
    );
    const picked = await pick(report, parts.current());
    switch (picked?.action) {
        case "address":
            return askForAddress(parts, report);
        case "folder":
            return addFolder(parts);
        case "file":
            return chooseFile(parts);
        case undefined:
            break;
    }
    const choice = picked?.item?.choice;
    if (choice === undefined) return;
    if (choice.reason !== undefined) {
        await vscode.window.showWarningMessage(t("Kvasir: this model cannot be used: {0}", choice.reason));
    } else if (choice.path !== undefined) await use(parts, choice.path);
    else if (choice.id !== undefined) await download(parts, choice.id, choice, report);
}

async function pick({models, machine}: ModelsReport, current: string): Promise<Picked> {
    const {here, fitting, tooLarge} = modelItems(models, current, t);
    const separator = (label: string) => ({label, kind: vscode.QuickPickItemKind.Separator});
    const group = (label: string, items: readonly ModelItem[]): Picked[] =>
        items.length === 0
            ? []
            : [
                  separator(label),
                  ...items.map((item) => ({
                      label: item.label,
                      description: item.description,
                      detail: item.detail,
                      item,
                  })),
              ];
    const items = [
        ...group(t("on this machine"), here),
        ...group(t("to download"), fitting),
        separator(t("others")),
        {label: `$(cloud-download) ${t("From Hugging Face or a web address...")}`, action: "address" as const},
        {label: `$(folder) ${t("Look in a folder...")}`, action: "folder" as const},
        {label: `$(file) ${t("A GGUF file...")}`, action: "file" as const},
        ...group(t("too large for this machine"), tooLarge),
    ].filter((each) => each !== undefined);
    return vscode.window.showQuickPick(items, {
        title: machineTitle(machine),
        placeHolder: t("Choose a model. Nothing is downloaded before you confirm it."),
        matchOnDescription: true,
        matchOnDetail: true,
    });
}

function machineTitle(machine: ModelsReport["machine"]): string {
    if (machine === undefined) return t("Models");
    const {backend, ram, vram} = machine;
    return vram === undefined
        ? t("Models for this machine: {0}, {1} of memory free", backend, mib(ram.free))
        : t(
              "Models for this machine: {0}, {1} of GPU memory and {2} of memory free",
              backend,
              mib(vram.free),
              mib(ram.free),
          );
}

async function askForAddress(parts: ChooserParts, report: ModelsReport): Promise<void> {
    const address = await vscode.window.showInputBox({
        title: t("Where is the model?"),
        placeHolder: "hf:USER/REPOSITORY:Q4_K_M",
        prompt: t("hf:USER/REPOSITORY/FILE.gguf, hf:USER/REPOSITORY:QUANT, or the address of a GGUF file"),
        ignoreFocusOut: true,
    });
    if (address !== undefined && address.trim() !== "") await download(parts, address.trim(), undefined, report);
}

async function addFolder(parts: ChooserParts): Promise<void> {
    const [folder] =
        (await vscode.window.showOpenDialog({
            title: t("A folder with GGUF models"),
            canSelectFolders: true,
            canSelectFiles: false,
        })) ?? [];
    if (folder === undefined) return;
    const folders = parts.settings.get("model.folders");
    if (!folders.includes(folder.fsPath)) await parts.settings.set("model.folders", [...folders, folder.fsPath]);
    await chooseModel(parts);
}

async function chooseFile(parts: ChooserParts): Promise<void> {
    const [file] =
        (await vscode.window.showOpenDialog({
            title: t("A GGUF model file"),
            filters: {GGUF: ["gguf"]},
            canSelectMany: false,
        })) ?? [];
    if (file !== undefined) await use(parts, file.fsPath);
}

async function download(
    parts: ChooserParts,
    name: string,
    choice: ModelChoice | undefined,
    {machine}: ModelsReport,
): Promise<void> {
    const source = sourceOf(name, choice);
    const detail =
        choice === undefined
            ? t("The server is asked for its size first; the disk must have room for it.")
            : costText(choice, machine, source, t);
    const confirm = t("Download");
    const answer = await vscode.window.showInformationMessage(
        t("Download {0}?", choice?.name ?? name),
        {modal: true, detail},
        confirm,
    );
    if (answer !== confirm) return;
    const retry = t("Try Again");
    for (;;) {
        try {
            const {path} = await vscode.window.withProgress(
                {
                    location: vscode.ProgressLocation.Notification,
                    title: t("Kvasir: {0}", choice?.name ?? name),
                    cancellable: true,
                },
                (progress, token) => {
                    let shown = 0;
                    return parts.tool.download(
                        name,
                        (now) => {
                            const percent = now.totalBytes > 0 ? (100 * now.bytes) / now.totalBytes : 0;
                            progress.report({message: progressText(now), increment: Math.max(0, percent - shown)});
                            shown = Math.max(shown, percent);
                        },
                        signalOf(token),
                    );
                },
            );
            return await use(parts, path);
        } catch (error) {
            if (!isKvasirError(error) || error.code === "cancelled" || !error.code.startsWith("download-")) throw error;
            parts.log.error("A model could not be downloaded.", error);
            const again = await vscode.window.showErrorMessage(`Kvasir: ${error.message} ${error.fix ?? ""}`, retry);
            if (again !== retry) return;
        }
    }
}

function sourceOf(name: string, choice: ModelChoice | undefined): string {
    if (choice !== undefined || !/^https?:/i.test(name)) return "huggingface.co";
    return URL.canParse(name) ? new URL(name).host : name;
}

function progressText({step, bytes, totalBytes, bytesPerSecond, secondsLeft}: DownloadProgress): string {
    if (step === "asking") return t("asking the server");
    if (step === "checking") return t("checking what came");
    const speed = bytesPerSecond === undefined ? "" : `, ${mib(bytesPerSecond)}/s`;
    const left = secondsLeft === undefined ? "" : `, ${t("{0} min left", Math.ceil(secondsLeft / 60))}`;
    return `${t("{0} of {1}", mib(bytes), mib(totalBytes))}${speed}${left}`;
}

/** Makes it the model of this user, and loads it now, so that what is wrong with it is said here. */
async function use({settings, engine}: ChooserParts, file: string): Promise<void> {
    // The change of the setting has the engine take it; where another window holds another model, this one's wish counts.
    await settings.set("model.path", file);
    await vscode.window.withProgress(
        {location: vscode.ProgressLocation.Notification, title: t("Kvasir: loading the model")},
        async (progress) => {
            let shown = 0;
            const load = () =>
                engine.load((share) => {
                    progress.report({increment: Math.max(0, 100 * share - shown)});
                    shown = Math.max(shown, 100 * share);
                });
            const isTaken = await load().then(
                (model) => model.path === file,
                () => false,
            );
            if (!isTaken) await engine.restart();
            const {name, headProfile} = await load();
            void vscode.window.showInformationMessage(
                headProfile === "none"
                    ? t(
                          "Kvasir uses {0} now. Its heads are measured once, with the first files that are read; conversations go on.",
                          name,
                      )
                    : t("Kvasir uses {0} now; conversations go on.", name),
            );
        },
    );
}

function signalOf(token: vscode.CancellationToken): AbortSignal {
    const controller = new AbortController();
    if (token.isCancellationRequested) controller.abort();
    token.onCancellationRequested(() => controller.abort());
    return controller.signal;
}
