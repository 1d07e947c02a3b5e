/** A VS Code in a browser, with Kvasir on a copy of the demo repository, for the tests of this folder. */
import {existsSync} from "node:fs";
import {cp, mkdir, mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import type {Browser, Frame, Locator, Page} from "playwright-core";
import {artefacts, root} from "../../scripts/setup/paths.mjs";
import type {WebviewPage} from "../../extension/host/webview-page.js";
import {demoRepositoryFolder} from "../../scripts/setup/steps/demo-repository.mjs";
import {modelFile} from "../../scripts/setup/steps/model.mjs";
import {launchChromium} from "../../scripts/vscode/chromium.mjs";
import {addressOf, startCodeServer} from "../../scripts/vscode/code-server.mjs";
import {endEngine} from "../../scripts/vscode/end-engine.mjs";

export interface VscodePage {
    page: Page;
    /** The folder that is open: a copy, to be changed at will. */
    folder: string;
    /** Where the engine leaves its log. */
    runtimeFolder: string;
    /** A second window on a folder, in the same VS Code. */
    openWindow(folder?: string): Promise<Page>;
    /** Keeps a picture and the logs for whoever looks at a failure. */
    keep(name: string): Promise<void>;
    close(): Promise<void>;
}

export interface VscodePageOptions {
    settings?: Record<string, unknown>;
    /** Files of the demo repository to open with; all by default. */
    only?: readonly string[];
    hasTrust?: boolean;
}

/** Long enough for two busy cores; nothing is slept for. */
export const patienceMs = 150_000;

export async function openVscode({settings = {}, only, hasTrust}: VscodePageOptions = {}): Promise<VscodePage> {
    if (!existsSync(path.join(root, "dist/extension.cjs"))) throw new Error("run `npm run build` first");
    const home = await mkdtemp(path.join(tmpdir(), "kvasir-ui-"));
    const folder = path.join(home, "demo");
    await mkdir(folder, {recursive: true});
    for (const file of only ?? ["."]) {
        await cp(path.join(demoRepositoryFolder, file), path.join(folder, file), {recursive: true});
    }
    const runtimeFolder = path.join(home, "run");
    const server = await startCodeServer({
        settings: {
            "kvasir.model.path": modelFile,
            "kvasir.engine.gpu": "cpu",
            "kvasir.cache.folder": path.join(home, "cache"),
            "kvasir.engine.idleMinutes": 0.05,
            "kvasir.context.waitForReadsMs": 60_000,
            "kvasir.context.attendedTokens": 1_000,
            ...settings,
        },
        env: {KVASIR_RUNTIME_DIR: runtimeFolder},
        extension: root,
        ...(hasTrust === undefined ? {} : {hasTrust}),
    });
    let browser: Browser | undefined;
    try {
        browser = await launchChromium();
        const context = await browser.newContext({viewport: {width: 1280, height: 900}});
        const open = async (which: string) => {
            const page = await context.newPage();
            page.setDefaultTimeout(patienceMs);
            await page.goto(addressOf(server, {folder: which}));
            await page.locator(".monaco-workbench").waitFor();
            await meterOf(page).waitFor();
            return page;
        };
        const page = await open(folder);
        const running = browser;
        return {
            page,
            folder,
            runtimeFolder,
            openWindow: (which = folder) => open(which),
            async keep(name) {
                const target = path.join(artefacts, "logs/vscode-ui", name);
                await mkdir(target, {recursive: true});
                await page.screenshot({path: path.join(target, "page.png")}).catch(() => undefined);
                await cp(path.join(runtimeFolder, "engine.log"), path.join(target, "engine.log")).catch(
                    () => undefined,
                );
                await server.keepLogs(target);
            },
            async close() {
                await running.close();
                await server.stop();
                await endEngine(runtimeFolder);
                await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200}).catch(() => undefined);
            },
        };
    } catch (error) {
        await browser?.close();
        await server.stop();
        throw error;
    }
}

/** The status bar's meter. */
export function meterOf(page: Page): Locator {
    return page.locator('.statusbar-item[id="kvasir.kvasir.meter"]');
}

/** The inside of a webview by the name of its page, once it is shown. */
export async function webviewOf(page: Page, bundle: WebviewPage["bundle"]): Promise<Frame> {
    for (const deadlineMs = Date.now() + patienceMs; Date.now() < deadlineMs;) {
        for (const frame of page.frames()) {
            const nFound = await frame
                .locator(`body.${bundle}`)
                .count()
                .catch(() => 0);
            if (nFound > 0) return frame;
        }
        await page.waitForTimeout(100);
    }
    throw new Error(`the page ${bundle} is not shown`);
}

/** Runs a command by its title, as a person would. */
export async function runCommand(page: Page, title: string): Promise<void> {
    await page.keyboard.press("F1");
    const input = page.locator(".quick-input-widget input");
    await input.waitFor();
    await input.fill(`>${title}`);
    await page.locator(".quick-input-list .monaco-list-row").filter({hasText: title}).first().click();
}
