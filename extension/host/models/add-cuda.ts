/** `Kvasir: Add CUDA Support`: says what it would take and which checksums count, and fetches it when that is confirmed. */
import * as vscode from "vscode";
import type {EngineClient} from "../../client/engine-client.js";
import {type Translate, mib} from "../status/meter.js";
import type {ModelTool} from "./model-tool.js";

const t: Translate = (message, ...args) => vscode.l10n.t(message, ...args);

export async function addCuda({tool, engine}: {tool: ModelTool; engine: EngineClient}): Promise<void> {
    const offer = await tool.cuda(false, new AbortController().signal);
    if (offer.isThere) {
        void vscode.window.showInformationMessage(t("Kvasir: llama.cpp for CUDA is here already."));
        return;
    }
    const size = mib(offer.bytes);
    const checksums = offer.packages.map(({name, version, integrity}) => `${name} ${version}\n${integrity}`);
    const confirm = t("Fetch");
    const answer = await vscode.window.showInformationMessage(
        t("Fetch llama.cpp for CUDA, {0} on disk?", size),
        {
            modal: true,
            detail: [
                t(
                    "npm fetches it from its registry; it is kept only when its checksums are these. It needs an NVIDIA driver; Vulkan runs on the same cards without it.",
                ),
                ...checksums,
            ].join("\n\n"),
        },
        confirm,
    );
    if (answer !== confirm) return;
    await withProgress(t("Kvasir: fetching llama.cpp for CUDA ({0})", size), (signal) => tool.cuda(true, signal));
    await engine.restart();
    void vscode.window.showInformationMessage(t("Kvasir: llama.cpp for CUDA was added. The Doctor says what is used."));
}

function withProgress<T>(title: string, work: (signal: AbortSignal) => Promise<T>): Thenable<T> {
    const options = {location: vscode.ProgressLocation.Notification, title, cancellable: true};
    return vscode.window.withProgress(options, (_, token) => {
        const controller = new AbortController();
        token.onCancellationRequested(() => controller.abort());
        return work(controller.signal);
    });
}
