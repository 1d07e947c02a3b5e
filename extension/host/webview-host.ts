/** Owns the joining of a webview with its page and its handlers. */
import * as vscode from "vscode";
import type {WebviewProtocol} from "../protocol/webview/messages.js";
import type {Log} from "./log.js";
import {type WebviewHandlers, type WebviewLink, answerMessages} from "./webview-messages.js";
import {type WebviewPage, pageHtml} from "./webview-page.js";

export type {WebviewHandlers, WebviewLink} from "./webview-messages.js";
export type {WebviewPage} from "./webview-page.js";

/** Sets the page of a webview and answers its messages until disposed. */
export function connectWebview<P extends WebviewProtocol>(
    webview: vscode.Webview,
    page: WebviewPage,
    protocol: P,
    handlers: WebviewHandlers<P["toHost"]>,
    {extensionUri, log}: {extensionUri: vscode.Uri; log: Log},
): WebviewLink<P> {
    const assets = vscode.Uri.joinPath(extensionUri, "dist", "webview");
    webview.options = {enableScripts: true, enableForms: false, localResourceRoots: [assets], enableCommandUris: false};
    const link = answerMessages(
        protocol,
        handlers,
        (frame) => void webview.postMessage(frame),
        (listener) => webview.onDidReceiveMessage(listener),
        (message, error) => log.warn(`${page.bundle}: ${message}`, error),
    );
    webview.html = pageHtml(page, {
        script: webview.asWebviewUri(vscode.Uri.joinPath(assets, `${page.bundle}.js`)).toString(),
        style: webview.asWebviewUri(vscode.Uri.joinPath(assets, `${page.bundle}.css`)).toString(),
        cspSource: webview.cspSource,
        language: vscode.env.language,
    });
    return link;
}
