/**
 * `npm run pictures`: takes the pictures of docs/pictures from the real thing: Kvasir in VS Code over a copy of the demo
 * repository, with the small model, in light, dark and high contrast. What it reads is kept for the next time.
 * `npm run pictures -- chat meter` takes some.
 */
import {cp, mkdir, mkdtemp, rm, stat, writeFile} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {build} from "../esbuild.mjs";
import {artefacts, root} from "./setup/paths.mjs";
import {demoRepositoryFolder} from "./setup/steps/demo-repository.mjs";
import {modelFile} from "./setup/steps/model.mjs";
import {asWebp} from "./vscode/as-webp.mjs";
import {launchChromium} from "./vscode/chromium.mjs";
import {addressOf, startCodeServer} from "./vscode/code-server.mjs";
import {endEngine} from "./vscode/end-engine.mjs";
import {meterOf, openFile, patienceMs, runCommand, webviewOf} from "./vscode/workbench.mjs";

const target = path.join(root, "docs/pictures");
/** By the name in the file, with the class that the workbench then has. */
const themes = {
    light: {label: "Light Modern", mark: ".monaco-workbench.vs"},
    dark: {label: "Dark Modern", mark: ".monaco-workbench.vs-dark"},
    contrast: {label: "Default High Contrast", mark: ".monaco-workbench.hc-black"},
};
/** What is not read by then is read by the next run: it goes on where this one ended. */
const readingMs = 200_000;
/** Enough of the repository to be worth a look, little enough for two cores. */
const inApi = (/** @type {string} */ name) => `src/api/${name}.ts`;
const files = [
    "package.json",
    ...["annotation", "become-observed", "computed", "configure", "decorators", "extendobservable", "extras"].map(
        inApi,
    ),
    ...["intercept", "intercept-read", "iscomputed", "isobservable", "transaction", "when"].map(inApi),
    ...["src/core/atom.ts", "src/core/spy.ts"],
];

/**
 * @typedef {object} Scene
 * @property {() => Promise<void>} [arrange] once, before its pictures
 * @property {() => Promise<import("playwright-core").Locator | Clip>} frame what the picture shows, in the theme of now
 * @property {() => Promise<void>} [leave]
 */
/** @typedef {{x: number, y: number, width: number, height: number}} Clip */

const home = await mkdtemp(path.join(os.tmpdir(), "kvasir-pictures-"));
const folder = path.join(home, "mobx");
const runtimeFolder = path.join(home, "run");
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

// The server ends with this process, however it ends.
process.once("SIGINT", () => process.exit(130));
await build({names: ["extension", "engine", "cli", "chat", "cache-view"]});
for (const name of files) {
    await cp(path.join(demoRepositoryFolder, name), path.join(folder, name), {recursive: true});
}
const server = await startCodeServer({
    settings: {
        "kvasir.model.path": modelFile,
        "kvasir.engine.gpu": "cpu",
        "kvasir.engine.idleMinutes": 0.05,
        "kvasir.cache.folder": path.join(artefacts, "pictures-cache"),
        "kvasir.chat.temperature": 0,
        "kvasir.chat.maxTokens": 90,
        "kvasir.context.attendedTokens": 1_200,
        "workbench.colorTheme": themes.dark.label,
        "workbench.layoutControl.enabled": false,
        "window.commandCenter": false,
        "editor.minimap.enabled": false,
        "editor.fontSize": 13,
        "editor.quickSuggestions": {other: "off", comments: "off", strings: "off"},
        "breadcrumbs.enabled": false,
    },
    env: {KVASIR_RUNTIME_DIR: runtimeFolder},
    extension: root,
});
const browser = await launchChromium();
/** Empty, for what a browser can do with pictures. @type {import("playwright-core").Page} */
let painter;
try {
    const context = await browser.newContext({viewport: {width: 1240, height: 820}, deviceScaleFactor: 1.5});
    const page = await context.newPage();
    painter = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    await page.goto(addressOf(server, {folder}));
    await meterOf(page).waitFor();
    await untilRead(page);
    await hideSideBar(page);
    await mkdir(target, {recursive: true});
    const chosen = process.argv.slice(2);
    for (const [name, scene] of Object.entries(scenesOf(page))) {
        if (chosen.length > 0 && !chosen.includes(name)) continue;
        try {
            await scene.arrange?.();
            for (const theme of /** @type {const} */ (["light", "dark", "contrast"])) {
                await show(page, theme);
                await take(page, scene, `${name}-${theme}.webp`);
            }
            await scene.leave?.();
        } catch (error) {
            // The other scenes may still come out.
            say(`${name}: ${error instanceof Error ? error.message : String(error)}`);
            process.exitCode = 1;
            await page.screenshot({path: path.join(artefacts, `logs/picture-${name}.png`)});
            await page.keyboard.press("Escape");
        }
    }
} finally {
    await browser.close();
    await server.stop();
    await endEngine(runtimeFolder);
    await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200}).catch(() => undefined);
}

/**
 * @param {import("playwright-core").Page} page
 * @returns {Record<string, Scene>}
 */
function scenesOf(page) {
    const editor = page.locator(".part.editor");
    const sideBar = page.locator(".part.sidebar");
    /** @param {string} tab */
    const cacheTab = (tab) => ({
        arrange: async () => {
            await runCommand(page, "Kvasir: Open Cache View in Editor");
            const view = await webviewOf(page, "cache-view");
            await view.getByRole("tab", {name: tab}).click();
            if (tab === "Files") await view.locator(".grid-row").filter({hasText: "spy.ts"}).first().click();
            if (tab === "Heads") await view.locator(".heads .head").first().waitFor();
        },
        frame: async () => editor,
        leave: () => runCommand(page, "View: Close All Editors"),
    });
    /** With the file that the next scenes are about in the editor. */
    const openChat = async () => {
        await openFile(page, "src/api/when.ts");
        await runCommand(page, "Kvasir: Open Chat");
        await widenSideBar(page, 520);
        const chat = await webviewOf(page, "chat");
        const question = chat.getByRole("textbox", {name: "Question"});
        await question.waitFor();
        return {chat, question};
    };
    const leaveChat = async () => {
        await runCommand(page, "View: Close All Editors");
        await hideSideBar(page);
    };
    return {
        start: {
            async arrange() {
                await openChat();
            },
            frame: async () => sideBar,
            leave: leaveChat,
        },
        mention: {
            // Lists and ghost text go with the focus, which the choice of a theme takes.
            async frame() {
                const {chat, question} = await openChat();
                await question.fill("");
                await question.pressSequentially("How does @obs");
                await chat.getByRole("option", {name: /isobservable\.ts/}).waitFor();
                return sideBar;
            },
            async leave() {
                const {question} = await openChat();
                await question.fill("");
                await leaveChat();
            },
        },
        chat: {
            async arrange() {
                const {chat, question} = await openChat();
                await question.fill("What does getDependencyTree in @src/api/extras.ts do? Answer in one sentence.");
                await question.press("Escape");
                await question.press("Enter");
                await chat.locator(".report .figures").waitFor();
                await chat.locator(".report .saw > summary").first().click();
            },
            frame: async () => sideBar,
            leave: leaveChat,
        },
        edit: {
            async arrange() {
                await openFile(page, "src/api/extras.ts");
                await page.keyboard.press("Control+End");
                await page.keyboard.press("Enter");
                await runCommand(page, "Kvasir: Edit Selection...");
                await page.locator(".quick-input-widget input").fill("a function that says whether a list is empty");
                await page.keyboard.press("Enter");
                await page.locator(".monaco-diff-editor .line-insert").first().waitFor();
            },
            frame: async () => editor,
            async leave() {
                await runCommand(page, "Kvasir: Reject All Changes");
                await runCommand(page, "File: Revert File");
                await runCommand(page, "View: Close All Editors");
            },
        },
        completion: {
            async arrange() {
                await openFile(page, "src/api/extras.ts");
                await page.keyboard.press("Control+End");
                // At once, as from the clipboard: the editor would close comment and bracket by itself.
                await page.keyboard.insertText(
                    "\n/** The number of observers of a thing. */\nexport function countObservers(thing: any): number {\n    ",
                );
                await page.keyboard.type("return ", {delay: 30});
            },
            async frame() {
                await runCommand(page, "Kvasir: Complete Here");
                await page.locator(".editor-group-container.active [class*=ghost-text]").first().waitFor();
                const line = await boxOf(page.locator(".editor-group-container.active [class*=ghost-text]").first());
                const whole = await boxOf(editor);
                return {x: whole.x, y: line.y - 230, width: Math.min(760, whole.width), height: 290};
            },
            leave: async () => {
                await page.keyboard.press("Escape");
                await runCommand(page, "File: Revert File");
                await runCommand(page, "View: Close All Editors");
            },
        },
        meter: {
            async frame() {
                await page.mouse.move(300, 300);
                const hover = page.locator(".workbench-hover").filter({hasText: "Files known"}).first();
                await hover.waitFor({state: "hidden"});
                await meterOf(page).hover();
                await hover.waitFor();
                const [table, bar] = [await boxOf(hover), await boxOf(page.locator(".part.statusbar"))];
                const x = Math.max(0, table.x - 24);
                return {x, y: table.y - 24, width: bar.x + bar.width - x, height: bar.y + bar.height - table.y + 24};
            },
        },
        files: cacheTab("Files"),
        map: cacheTab("Map"),
        folders: cacheTab("Folders"),
        heads: cacheTab("Heads"),
        heat: {
            async arrange() {
                await openFile(page, "src/api/when.ts");
                await runCommand(page, "Kvasir: Kept Lines (Heat Map) On/Off");
                await page.locator(".statusbar").filter({hasText: "kept"}).waitFor();
            },
            frame: async () => {
                const [whole, bar] = [await boxOf(editor), await boxOf(page.locator(".part.statusbar"))];
                return {x: whole.x, y: whole.y, width: whole.width, height: bar.y + bar.height - whole.y};
            },
            async leave() {
                await runCommand(page, "Kvasir: Kept Lines (Heat Map) On/Off");
                await runCommand(page, "View: Close All Editors");
            },
        },
    };
}

/**
 * Ends when nothing is left to read, as the meter says.
 * @param {import("playwright-core").Page} page
 */
async function untilRead(page) {
    const meter = meterOf(page).locator("a");
    let nQuiet = 0;
    for (const deadlineMs = Date.now() + readingMs; Date.now() < deadlineMs;) {
        const label = (await meter.getAttribute("aria-label")) ?? "";
        // Between two portions it is ready for a moment.
        nQuiet = /Ready/.test(label) ? nQuiet + 1 : 0;
        if (nQuiet === 16 || /better quality/.test(label)) {
            say(label);
            return;
        }
        await page.waitForTimeout(500);
    }
    say("Not everything is read yet: the pictures show what is. The next run goes on from here.");
}

/**
 * @param {import("playwright-core").Page} page
 * @param {keyof typeof themes} theme
 */
async function show(page, theme) {
    const {label, mark} = themes[theme];
    if ((await page.locator(mark).count()) === 0) {
        await runCommand(page, "Preferences: Color Theme");
        const input = page.locator(".quick-input-widget input");
        await page.locator(".quick-input-list .monaco-list-row").filter({hasText: "Light+"}).waitFor();
        await input.fill(label);
        await page.locator(".quick-input-list .monaco-list-row").filter({hasText: label}).first().click();
        await page.locator(mark).waitFor();
    }
    // Webviews and the editor's own colours follow in the next frames.
    await page.waitForTimeout(700);
}

/**
 * @param {import("playwright-core").Page} page
 * @param {Scene} scene
 * @param {string} name
 */
async function take(page, scene, name) {
    const frame = await scene.frame();
    const clip = "x" in frame ? frame : await boxOf(frame);
    const png = await page.screenshot({clip, animations: "disabled", caret: "hide"});
    const file = path.join(target, name);
    await writeFile(file, await asWebp(painter, png));
    say(`${path.relative(root, file)} ${Math.round((await stat(file)).size / 1000)} kB`);
}

/** @param {import("playwright-core").Page} page */
async function hideSideBar(page) {
    await runCommand(page, "View: Toggle Primary Side Bar Visibility");
    await page.locator(".part.sidebar").waitFor({state: "hidden"});
}

/**
 * @param {import("playwright-core").Page} page
 * @param {number} width px
 */
async function widenSideBar(page, width) {
    await page.locator(".part.sidebar").waitFor();
    const box = await boxOf(page.locator(".part.sidebar"));
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width, y);
    await page.mouse.down();
    await page.mouse.move(box.x + width, y, {steps: 8});
    await page.mouse.up();
}

/**
 * @param {import("playwright-core").Locator} locator
 * @returns {Promise<Clip>}
 */
async function boxOf(locator) {
    const box = await locator.boundingBox();
    if (box === null) throw new Error("what the picture is to show is not in sight");
    return box;
}
