import assert from "node:assert/strict";
import * as vscode from "vscode";
import {answerMessages, type WebviewHandlers} from "../../extension/host/webview-messages.js";
import {chatProtocol, type ChatProtocol} from "../../extension/protocol/webview/chat.js";
import {eventually} from "./extension-under-test.js";

/** A page of a stranger in a real webview: it says whatever it likes, one after the other. */
function strangerPage(messages: readonly unknown[]): string {
    return `<!DOCTYPE html><html><body><script>
        const vscode = acquireVsCodeApi();
        for (const message of ${JSON.stringify(messages)}) vscode.postMessage(message);
    </script></body></html>`;
}

describe("messages from a webview", () => {
    it("that are forged reach no handler; one of the table does", async () => {
        const reached: {name: string; payload: unknown}[] = [];
        const handlers = new Proxy({} as WebviewHandlers<ChatProtocol["toHost"]>, {
            get: (_target, name) => (payload: unknown) => reached.push({name: String(name), payload}),
        });
        const warned: string[] = [];
        const panel = vscode.window.createWebviewPanel("kvasir.test", "stranger", vscode.ViewColumn.One, {
            enableScripts: true,
        });
        const link = answerMessages(
            chatProtocol,
            handlers,
            (frame) => void panel.webview.postMessage(frame),
            (listener) => panel.webview.onDidReceiveMessage(listener),
            (_message, error) => warned.push(error instanceof Error ? error.message : "no known form"),
        );
        const forged = [
            "kvasir.restartEngine",
            null,
            {command: "workbench.action.terminal.new"},
            {kind: "notice", name: "constructor", payload: {}},
            {kind: "notice", name: "__proto__", payload: {}},
            {kind: "notice", name: "runInTerminal", payload: {text: "rm -rf ."}},
            {kind: "notice", name: "openFile", payload: {path: 7}},
            {kind: "notice", name: "openFile", payload: {path: "a.ts", uri: "file:///etc/passwd"}},
            {kind: "notice", name: "openLink", payload: {url: "command:workbench.action.quit"}},
            {kind: "notice", name: "openLink", payload: {url: "file:///etc/passwd"}},
            {kind: "notice", name: "block", payload: {conversation: "c", turn: "t", index: -1, action: "run"}},
            {kind: "notice", name: "block", payload: {conversation: "c", turn: "t", index: 0, action: "eval"}},
            {kind: "notice", name: "send", payload: {conversation: "c", text: 1, excluded: []}},
            {kind: "notice", name: "history", payload: {search: ""}},
            {kind: "reply", id: 0, payload: {}},
        ];
        const genuine = {kind: "notice", name: "stop", payload: {conversation: "last"}};
        try {
            panel.webview.html = strangerPage([...forged, genuine]);
            await eventually("the genuine message", () => reached.some(({name}) => name === "stop"));
            assert.deepEqual(reached, [{name: "stop", payload: {conversation: "last"}}]);
            assert.equal(warned.length, forged.length, warned.join("\n"));
        } finally {
            link.dispose();
            panel.dispose();
        }
    });
});
