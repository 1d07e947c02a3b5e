/**
 * Owns the extension's side of a webview: its HTML under a strict content security policy, and typed messages that are
 * checked when they arrive, because a page is not to be trusted. Must not know what any message means.
 */
import {randomBytes} from "node:crypto";
import * as vscode from "vscode";
import {z} from "zod";
import {toKvasirError} from "../protocol/errors.js";
import type {
    MessageTable,
    NoticeName,
    PayloadOf,
    QuestionName,
    ReplyOf,
    WebviewFrame,
    WebviewProtocol,
} from "../protocol/webview/messages.js";
import type {Log} from "./log.js";

/** One handler for each message of the table: a message without a handler does not compile. */
export type WebviewHandlers<T extends MessageTable> = {
    [N in QuestionName<T>]: (payload: PayloadOf<T, N>) => Promise<ReplyOf<T, N>> | ReplyOf<T, N>;
} & {
    [N in NoticeName<T>]: (payload: PayloadOf<T, N>) => unknown;
};

export interface WebviewLink<P extends WebviewProtocol> extends vscode.Disposable {
    /** Says something to the page. Lost when the page is not there: a page asks for its state when it loads. */
    post<N extends keyof P["toWebview"] & string>(name: N, payload: PayloadOf<P["toWebview"], N>): void;
}

/** What a page may be: the name of its bundle in dist/webview and its title for screen readers. */
export interface WebviewPage {
    bundle: "chat" | "cache-view";
    title: string;
}

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

const frameSchema = z.discriminatedUnion("kind", [
    z.strictObject({kind: z.literal("notice"), name: z.string().max(100), payload: z.unknown()}),
    z.strictObject({
        kind: z.literal("question"),
        id: z.int().nonnegative(),
        name: z.string().max(100),
        payload: z.unknown(),
    }),
]);

/** The messages alone, without an editor: whatever posts and listens will do. */
export function answerMessages<P extends WebviewProtocol>(
    protocol: P,
    handlers: WebviewHandlers<P["toHost"]>,
    post: (frame: WebviewFrame) => void,
    listen: (listener: (message: unknown) => void) => {dispose(): unknown},
    warn: (message: string, error?: unknown) => void,
): WebviewLink<P> {
    const handlerOf = (name: string) => (handlers as Record<string, ((payload: unknown) => unknown) | undefined>)[name];
    const listening = listen((message) => {
        const frame = frameSchema.safeParse(message);
        if (!frame.success) {
            warn("a message of no known form was ignored.");
            return;
        }
        void answer(frame.data);
    });
    return {
        post: (name, payload) => post({kind: "notice", name, payload}),
        dispose: () => void listening.dispose(),
    };

    async function answer(frame: z.infer<typeof frameSchema>): Promise<void> {
        const spec = Object.hasOwn(protocol.toHost, frame.name) ? protocol.toHost[frame.name] : undefined;
        try {
            // A name and a form that the table does not have come from no page of ours.
            if (spec === undefined || (spec.reply !== undefined) !== (frame.kind === "question")) {
                throw new Error("there is no such message.");
            }
            const payload = spec.payload.safeParse(frame.payload);
            if (!payload.success) throw new Error(`its content is wrong: ${z.prettifyError(payload.error)}`);
            const reply = await handlerOf(frame.name)?.(payload.data);
            if (frame.kind === "question") post({kind: "reply", id: frame.id, payload: reply});
        } catch (error) {
            warn(`the message "${frame.name}" failed.`, error);
            if (frame.kind === "question") {
                post({kind: "failure", id: frame.id, error: toKvasirError(error).toJSON()});
            }
        }
    }
}

/**
 * The page: one script by nonce, one style sheet, and nothing from anywhere else. Styles set by script go through the
 * CSSOM (`element.style.setProperty`), which the policy does not forbid.
 */
export function pageHtml(
    {bundle, title}: WebviewPage,
    {script, style, cspSource, language}: {script: string; style: string; cspSource: string; language: string},
): string {
    const nonce = randomBytes(18).toString("base64");
    const policy = [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src ${cspSource}`,
        `font-src ${cspSource}`,
        `img-src ${cspSource}`,
        "base-uri 'none'",
        "form-action 'none'",
    ].join("; ");
    return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${escapeHtml(style)}">
</head>
<body class="${bundle}">
<div id="root"></div>
<script nonce="${nonce}" src="${escapeHtml(script)}" type="module"></script>
</body>
</html>`;
}

function escapeHtml(text: string): string {
    return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
