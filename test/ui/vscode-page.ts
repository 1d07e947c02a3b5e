/** A VS Code in a browser, with Kvasir on a copy of the demo repository, for the tests of this folder. */
import {existsSync} from "node:fs";
import {cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import type {Browser, Page} from "playwright-core";
import {artefacts, root} from "../../scripts/setup/paths.mjs";
import {demoRepositoryFolder} from "../../scripts/setup/steps/demo-repository.mjs";
import {modelFile} from "../../scripts/setup/steps/model.mjs";
import {launchChromium} from "../../scripts/vscode/chromium.mjs";
import {addressOf, startCodeServer} from "../../scripts/vscode/code-server.mjs";
import {endEngine} from "../../scripts/vscode/end-engine.mjs";
import {withMounts} from "../unit/store/run-child.js";
import {editorText, meterOf, openFile, patienceMs, runCommand, webviewOf} from "../../scripts/vscode/workbench.mjs";

export interface VscodePage {
    page: Page;
    /** The folder that is open: a copy, to be changed at will. */
    folder: string;
    /** Where the engine leaves its log. */
    runtimeFolder: string;
    /** Where VS Code keeps settings and the storage of extensions. */
    userFolder: string;
    /** Where the extension keeps the conversations; with `smallDiskMib` that disk, on which the cache is too. */
    storage: string;
    /** Another window in the same VS Code: on the folder, on another one or a workspace file, or without any (null). */
    openWindow(folder?: string | null): Promise<Page>;
    /** Keeps a picture and the logs for whoever looks at a failure. */
    keep(name: string): Promise<void>;
    close(): Promise<void>;
}

export interface VscodePageOptions {
    settings?: Record<string, unknown>;
    /** Files of the demo repository to open with; all by default, none with files of one's own. */
    only?: readonly string[];
    /** Texts by their paths in the folder. */
    files?: Readonly<Record<string, string>>;
    hasTrust?: boolean;
    /** MiB of a disk of its own for what is kept: conversations and what was read. Needs a right to mounts. */
    smallDiskMib?: number;
    /** A packed extension to install instead of the checkout. */
    vsix?: string;
    env?: Record<string, string>;
}

export {editorText, meterOf, openFile, patienceMs, runCommand, webviewOf};

/** In the folder of an editor. */
const storageIn = "udd/User/globalStorage/kvasir.kvasir";

export async function openVscode({
    settings = {},
    files,
    only = files === undefined ? ["."] : [],
    hasTrust,
    smallDiskMib,
    vsix,
    env = {},
}: VscodePageOptions = {}): Promise<VscodePage> {
    if (vsix === undefined && !existsSync(path.join(root, "dist/extension.cjs")))
        throw new Error("run `npm run build` first");
    const home = await mkdtemp(path.join(tmpdir(), "kvasir-ui-"));
    const folder = path.join(home, "demo");
    await mkdir(folder, {recursive: true});
    for (const file of only) {
        await cp(path.join(demoRepositoryFolder, file), path.join(folder, file), {recursive: true});
    }
    for (const [file, text] of Object.entries(files ?? {})) {
        await mkdir(path.dirname(path.join(folder, file)), {recursive: true});
        await writeFile(path.join(folder, file), text);
    }
    const runtimeFolder = path.join(home, "run");
    const editorHome = path.join(home, "vscode");
    const storage = path.join(editorHome, storageIn);
    const server = await startCodeServer({
        settings: {
            "kvasir.model.path": modelFile,
            "kvasir.engine.gpu": "cpu",
            "kvasir.cache.folder": path.join(smallDiskMib === undefined ? home : storage, "cache"),
            "kvasir.engine.idleMinutes": 0.05,
            "kvasir.context.waitForReadsMs": 60_000,
            "kvasir.context.attendedTokens": 1_000,
            ...settings,
        },
        // Nobody's own models beside those of the test.
        env: {KVASIR_RUNTIME_DIR: runtimeFolder, KVASIR_MODELS_DIR: path.join(home, "models"), ...env},
        ...(vsix === undefined ? {extension: root} : {vsix}),
        ...(hasTrust === undefined ? {} : {hasTrust}),
        ...(smallDiskMib === undefined ? {} : {home: editorHome, within: withDisk(storage, smallDiskMib)}),
    });
    let browser: Browser | undefined;
    try {
        browser = await launchChromium();
        const context = await browser.newContext({viewport: {width: 1280, height: 900}});
        const open = async (which: string | null) => {
            const page = await context.newPage();
            page.setDefaultTimeout(patienceMs);
            await page.goto(
                addressOf(
                    server,
                    which === null ? {} : which.endsWith(".code-workspace") ? {workspace: which} : {folder: which},
                ),
            );
            await page.locator(".monaco-workbench").waitFor();
            if (which?.endsWith(".code-workspace")) await withItsFolders(page);
            await meterOf(page).waitFor();
            return page;
        };
        const page = await open(folder);
        const running = browser;
        return {
            page,
            folder,
            runtimeFolder,
            userFolder: path.join(server.home, "udd/User"),
            // Mounted for the editor and what it starts only, and reached through its process.
            storage:
                smallDiskMib === undefined ? path.join(server.home, storageIn) : `/proc/${server.pid}/root${storage}`,
            openWindow: (which = folder) => open(which),
            async keep(name) {
                const target = path.join(artefacts, "logs/vscode-ui", name);
                await mkdir(target, {recursive: true});
                for (const [n, one] of context.pages().entries()) {
                    await one.screenshot({path: path.join(target, `page-${n + 1}.png`)}).catch(() => undefined);
                }
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

/**
 * Reloads a window on a workspace file until it has folders. In a browser VS Code begins with its own copy of the file,
 * which is empty the first time, and misses the file itself when that is read while the window has no workspace yet
 * (createMultiFolderWorkspace has asked for the folders, updateWorkspaceAndInitializeConfiguration has not taken them).
 */
async function withItsFolders(page: Page): Promise<void> {
    const folder = page.locator(".explorer-folders-view .monaco-list-row").first();
    const none = page.locator(".explorer-viewlet .welcome-view-content").first();
    for (const deadlineMs = Date.now() + patienceMs; Date.now() < deadlineMs;) {
        await folder.or(none).first().waitFor();
        if ((await folder.count()) > 0) return;
        // The file may only come a little later than the window.
        const came = await folder.waitFor({timeout: 5_000}).then(
            () => true,
            () => false,
        );
        if (came) return;
        await page.reload();
        await page.locator(".monaco-workbench").waitFor();
    }
    throw new Error("the window has none of the workspace's folders");
}

/** A command that gives what stands behind it a small disk in a folder; nobody else sees that. */
function withDisk(folder: string, sizeMib: number): string[] {
    const mounting = `mkdir -p "$0" && mount -t tmpfs -o size=${sizeMib}m tmpfs "$0" && exec "$@"`;
    return [...withMounts(), "sh", "-c", mounting, folder];
}

/** Where the window keeps what was asked and answered. */
export function conversationsFolder({storage}: VscodePage): string {
    return path.join(storage, "conversations");
}

/** All that is on the disk of them, as text. */
export async function savedConversations(vscode: VscodePage): Promise<string> {
    const folder = conversationsFolder(vscode);
    const names = (await readdir(folder, {recursive: true}).catch(() => [])).filter((name) => name.endsWith(".chat"));
    // A revision may be replaced meanwhile.
    const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), "utf8").catch(() => "")));
    return texts.join("\n");
}
