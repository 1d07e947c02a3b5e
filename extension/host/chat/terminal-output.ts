/**
 * What terminals have printed lately, for a question that mentions one. Kept by VS Code's shell integration, in memory,
 * a little of each terminal.
 */
import * as vscode from "vscode";
import {plainTerminalText} from "../../core/chat/terminal-text.js";
import {disposeAll} from "../feature.js";

export interface TerminalOutput extends vscode.Disposable {
    /** Of the active terminal, else of the one that printed last. @returns undefined when nothing is known */
    last(): {name: string; text: string} | undefined;
}

const keptChars = 24_000;

export function watchTerminals(): TerminalOutput {
    const outputs = new Map<vscode.Terminal, string>();
    let newest: vscode.Terminal | undefined;
    const add = (terminal: vscode.Terminal, text: string) => {
        newest = terminal;
        outputs.set(terminal, ((outputs.get(terminal) ?? "") + text).slice(-keptChars));
    };
    const listening = disposeAll(
        vscode.window.onDidStartTerminalShellExecution(async ({terminal, execution}) => {
            add(terminal, `$ ${execution.commandLine.value}\n`);
            for await (const piece of execution.read()) add(terminal, piece);
            add(terminal, "\n");
        }),
        vscode.window.onDidCloseTerminal((terminal) => {
            outputs.delete(terminal);
            if (newest === terminal) newest = undefined;
        }),
    );
    return {
        last() {
            const {activeTerminal} = vscode.window;
            const terminal = activeTerminal !== undefined && outputs.has(activeTerminal) ? activeTerminal : newest;
            const text = terminal === undefined ? undefined : outputs.get(terminal);
            if (terminal === undefined || text === undefined) return undefined;
            return {name: terminal.name, text: plainTerminalText(text)};
        },
        dispose: () => {
            listening.dispose();
        },
    };
}
