/**
 * Owns which of VS Code's tools the chat may offer to the model: those of extensions and of the MCP servers that are
 * configured in VS Code. None unless the person has chosen it for this workspace.
 */
import * as vscode from "vscode";
import type {ToolDescription} from "../../protocol/engine.js";
import {usage} from "../../protocol/errors.js";

const chosenKey = "kvasir.chat.tools";

type State = Pick<vscode.Memento, "get" | "update">;

/** A tool that is gone, since its server does not run, is not offered; it is again when it comes back. */
export function chosenTools(state: State): ToolDescription[] {
    const chosen = new Set(state.get<string[]>(chosenKey));
    return vscode.lm.tools
        .filter(({name}) => chosen.has(name))
        .map(({name, description, inputSchema}) => ({
            name,
            description,
            ...(inputSchema === undefined ? {} : {parameters: inputSchema as Record<string, unknown>}),
        }));
}

export async function chooseTools(state: State): Promise<void> {
    const {tools} = vscode.lm;
    if (tools.length === 0)
        throw usage(
            "VS Code knows no tools.",
            "Add an MCP server (`MCP: Add Server`), or an extension that brings tools.",
        );
    const chosen = new Set(state.get<string[]>(chosenKey));
    const itemOf = ({name, description}: vscode.LanguageModelToolInformation): vscode.QuickPickItem => ({
        label: name,
        detail: description,
        picked: chosen.has(name),
    });
    const titled = (label: string, some: readonly vscode.LanguageModelToolInformation[]) =>
        some.length === 0 ? [] : [{label, kind: vscode.QuickPickItemKind.Separator}, ...some.map(itemOf)];
    // VS Code brings dozens of its own, most of them made for its own chat.
    const isOfServer = ({tags}: vscode.LanguageModelToolInformation) => tags.includes("mcp");
    const items = [
        ...titled(vscode.l10n.t("MCP servers"), tools.filter(isOfServer)),
        ...titled(
            vscode.l10n.t("VS Code and extensions"),
            tools.filter((tool) => !isOfServer(tool)),
        ),
    ];
    const picked = await vscode.window.showQuickPick(items, {
        canPickMany: true,
        matchOnDetail: true,
        title: vscode.l10n.t("Tools That the Chat May Ask For"),
        placeHolder: vscode.l10n.t("Each is described in every question; each call is asked about"),
    });
    if (picked === undefined) return;
    // Those that are not there right now stay chosen.
    const absent = [...chosen].filter((name) => !tools.some((tool) => tool.name === name));
    await state.update(chosenKey, [...picked.map(({label}) => label), ...absent]);
}

/** Runs a tool that the person has allowed. @returns its text parts; pictures and other data are named */
export async function callTool(name: string, given: object, signal: AbortSignal): Promise<string> {
    const cancelling = new vscode.CancellationTokenSource();
    const cancel = () => cancelling.cancel();
    signal.addEventListener("abort", cancel, {once: true});
    try {
        const {content} = await vscode.lm.invokeTool(
            name,
            {input: given, toolInvocationToken: undefined},
            cancelling.token,
        );
        return ([...content] as unknown[]).map(textOf).join("\n");
    } finally {
        signal.removeEventListener("abort", cancel);
        cancelling.dispose();
    }
}

function textOf(part: unknown): string {
    if (part instanceof vscode.LanguageModelTextPart) return part.value;
    // A picture, or a part of a newer VS Code.
    const type = typeof part === "object" && part !== null && "mimeType" in part ? String(part.mimeType) : "data";
    return `(${type} that is no text)`;
}
