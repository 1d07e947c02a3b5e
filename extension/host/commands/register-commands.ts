/** Owns how commands are registered, as tables, and how a command that fails says so: the error and its way out. */
import * as vscode from "vscode";
import {isKvasirError} from "../../protocol/errors.js";
import {disposeAll} from "../feature.js";
import type {Log} from "../log.js";
import type {CommandId} from "./command-ids.js";

/** Arguments come from menus and links, so a handler checks what it is given. */
export type CommandTable = Partial<Record<CommandId, (...args: unknown[]) => unknown>>;

export function registerCommands(table: CommandTable, log: Log): vscode.Disposable {
    return disposeAll(
        ...Object.entries(table).map(([id, run]) =>
            vscode.commands.registerCommand(id, async (...args: unknown[]) => {
                try {
                    return await run(...args);
                } catch (error) {
                    // Not waited for: whoever called goes on while the message stands there.
                    void showError(error, log);
                    return undefined;
                }
            }),
        ),
    );
}

/** The same commands, whose work is loaded when the first of them is run. */
export function lazyCommands<Id extends CommandId>(
    ids: readonly Id[],
    load: () => Promise<Readonly<Record<Id, (...args: unknown[]) => unknown>>>,
): CommandTable {
    const run =
        (id: Id) =>
        async (...args: unknown[]) =>
            (await load())[id](...args);
    return Object.fromEntries(ids.map((id) => [id, run(id)]));
}

/** Shows a failure with its next step. What was cancelled was cancelled by the person: nothing to tell. */
export async function showError(error: unknown, log: Log): Promise<void> {
    if (isKvasirError(error, "cancelled")) return;
    log.error("A command failed.", error);
    const showLog = vscode.l10n.t("Show Log");
    const doctor = vscode.l10n.t("Run Doctor");
    const text = isKvasirError(error)
        ? [capitalised(error.message), error.fix].filter((part) => part !== undefined).join(" ")
        : vscode.l10n.t("Something went wrong in Kvasir. The log has the details.");
    const chosen = await vscode.window.showErrorMessage(`Kvasir: ${text}`, showLog, doctor);
    if (chosen === showLog) log.show();
    else if (chosen === doctor) await vscode.commands.executeCommand("kvasir.doctor" satisfies CommandId);
}

function capitalised(text: string): string {
    return text.charAt(0).toUpperCase() + text.slice(1);
}
