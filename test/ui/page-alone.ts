/** A page alone in a browser, under the policy of its real HTML, with the extension's side played by the test. */
import {existsSync} from "node:fs";
import {readFile} from "node:fs/promises";
import {createServer, type Server} from "node:http";
import type {AddressInfo} from "node:net";
import path from "node:path";
import type {Browser, Page} from "playwright-core";
import type {KvasirErrorData} from "../../extension/protocol/errors.js";
import {pageHtml, type WebviewPage} from "../../extension/host/webview-page.js";
import type {PayloadOf, WebviewFrame, WebviewProtocol} from "../../extension/protocol/webview/messages.js";
import {root} from "../../scripts/setup/paths.mjs";

export interface PageAlone<P extends WebviewProtocol> {
    page: Page;
    /** Says something to the page, as the extension would. */
    say<N extends keyof P["toWebview"] & string>(name: N, payload: PayloadOf<P["toWebview"], N>): Promise<void>;
    /** What the page has said, in order, without `ready`. */
    heard(): Promise<Extract<WebviewFrame, {name: string}>[]>;
    /** Payloads of the messages of one name. */
    heardOf<N extends keyof P["toHost"]>(name: N): Promise<PayloadOf<P["toHost"], N>[]>;
    /** Answers the last question of a name. */
    reply(name: keyof P["toHost"], payload: unknown): Promise<void>;
    /** Answers it with a failure. */
    fail(name: keyof P["toHost"], error: KvasirErrorData): Promise<void>;
    /** Addresses that the page asked for beside its own three. */
    requests: string[];
    /** What the page's policy has refused, and errors. */
    complaints: string[];
    close(): Promise<void>;
}

/** What VS Code gives a page, with what was said kept for the test. */
const playVscode = `
    window.heard = [];
    window.acquireVsCodeApi = () => ({
        postMessage: (message) => window.heard.push(message),
        getState: () => undefined,
        setState: () => undefined,
    });
`;

/** The workbench's own variables that the page cannot do without. */
const theme = `:root { --vscode-font-family: sans-serif; --vscode-font-size: 13px; --vscode-foreground: #ccc;
    --vscode-editor-background: #1f1f1f; --vscode-focusBorder: #0078d4; --vscode-button-background: #0068c9;
    --vscode-button-foreground: #fff; --vscode-button-secondaryBackground: #313131; --vscode-button-secondaryForeground: #ccc;
    --vscode-input-background: #313131; --vscode-input-foreground: #ccc; --vscode-input-placeholderForeground: #a3a3a3;
    --vscode-descriptionForeground: #a3a3a3; --vscode-textLink-foreground: #4daafc; --vscode-badge-background: #616161;
    --vscode-badge-foreground: #f8f8f8; --vscode-icon-foreground: #ccc; --vscode-widget-border: #3c3c3c;
    --vscode-errorForeground: #f85149; --vscode-inputValidation-errorBackground: #5a1d1d;
    --vscode-inputValidation-errorBorder: #be1100; --vscode-editor-foreground: #ccc; }
    body { background: #181818; }`;

export async function openPageAlone<P extends WebviewProtocol>(
    browser: Browser,
    bundle: WebviewPage["bundle"],
    {width = 420, height = 800, style = theme, bodyClass = "vscode-dark"} = {},
): Promise<PageAlone<P>> {
    const assets = path.join(root, "dist/webview");
    if (!existsSync(path.join(assets, `${bundle}.js`))) throw new Error("run `npm run build` first");
    const server = await serve(assets, bundle);
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const page = await browser.newPage({viewport: {width, height}});
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
        if (!request.url().startsWith(`${origin}/`)) requests.push(request.url());
    });
    page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.addInitScript(playVscode);
    await page.goto(`${origin}/`);
    // What runs in the page is text here: these files know no DOM.
    await page.evaluate(`{
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(${JSON.stringify(style)});
        document.adoptedStyleSheets = [sheet];
        document.body.classList.add(...${JSON.stringify(bodyClass.split(" "))});
    }`);
    const everything = (): Promise<WebviewFrame[]> => page.evaluate("window.heard");
    const named = async () =>
        (await everything()).filter((frame) => frame.kind === "notice" || frame.kind === "question");
    const post = (frame: WebviewFrame) => page.evaluate(`window.postMessage(${JSON.stringify(frame)}, "*")`);
    const lastAsked = async (name: keyof P["toHost"]): Promise<number> => {
        const find = async () =>
            (await named()).filter((frame) => frame.kind === "question" && frame.name === name).at(-1);
        // A page asks a moment after the key: it waits whether another comes.
        let asked = await find();
        for (let tries = 0; asked === undefined && tries < 100; tries++) {
            await page.waitForTimeout(50);
            asked = await find();
        }
        if (asked?.kind !== "question") throw new Error(`the page has not asked for ${String(name)}`);
        return asked.id;
    };
    return {
        page,
        requests,
        complaints,
        async say(name, payload) {
            await post({kind: "notice", name, payload});
        },
        heard: async () => (await named()).filter(({name}) => name !== "ready"),
        heardOf: async (name) =>
            (await named()).filter((frame) => frame.name === name).map(({payload}) => payload as never),
        async reply(name, payload) {
            await post({kind: "reply", id: await lastAsked(name), payload});
        },
        async fail(name, error) {
            await post({kind: "failure", id: await lastAsked(name), error});
        },
        async close() {
            await page.close();
            server.close();
        },
    };
}

async function serve(assets: string, bundle: WebviewPage["bundle"]): Promise<Server> {
    const files: Readonly<Record<string, string>> = {
        [`/${bundle}.js`]: "text/javascript",
        [`/${bundle}.css`]: "text/css",
    };
    const server = createServer((request, response) => {
        const origin = `http://${request.headers.host}`;
        const type = files[request.url ?? ""];
        if (type !== undefined) {
            void readFile(path.join(assets, request.url ?? "")).then((body) => {
                response.writeHead(200, {"content-type": type}).end(body);
            });
            return;
        }
        if (request.url === "/favicon.ico") {
            response.writeHead(204).end();
            return;
        }
        if (request.url !== "/") {
            response.writeHead(404).end();
            return;
        }
        const html = pageHtml(
            {bundle, title: "Kvasir"},
            {script: `${origin}/${bundle}.js`, style: `${origin}/${bundle}.css`, cspSource: origin, language: "en"},
        );
        response.writeHead(200, {"content-type": "text/html"}).end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
}
