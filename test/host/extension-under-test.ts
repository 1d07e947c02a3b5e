/** What the tests inside VS Code share: the activated extension, and waiting for what must come. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import type {TestApi} from "../../extension/host/extension.js";

export async function activated(): Promise<TestApi> {
    const extension = vscode.extensions.getExtension<TestApi>("kvasir.kvasir");
    assert.ok(extension, "the extension is installed");
    return extension.activate();
}

/** Ends when `holds` does, looked at with every event and now and then; the test's own time limit is the limit. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = Date.now() + 60_000;
    while (!(await holds())) {
        if (Date.now() > deadlineMs) assert.fail(`this did not come: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** The folder that the tests may change. */
export function workspaceUri(...parts: string[]): vscode.Uri {
    const folder = vscode.workspace.workspaceFolders?.[0];
    assert.ok(folder, "a folder is open");
    return vscode.Uri.joinPath(folder.uri, ...parts);
}

export function question(workspace: string, text: string, maxTokens = 16) {
    return {
        workspace,
        conversation: `test ${Math.random()}`,
        turns: [{role: "user" as const, text}],
        maxTokens,
        temperature: 0,
    };
}
