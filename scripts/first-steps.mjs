/**
 * `npm run first-steps`: a stranger's first minutes with the packed extension, done in a fresh VS Code: choose a model,
 * read, ask, complete. Takes the pictures of docs/first-steps.md, and prints how long each step took.
 */
import {execFileSync} from "node:child_process";
import {cp, mkdir, mkdtemp, rm, symlink, writeFile} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {root} from "./setup/paths.mjs";
import {demoRepositoryFolder} from "./setup/steps/demo-repository.mjs";
import {modelFile} from "./setup/steps/model.mjs";
import {asWebp} from "./vscode/as-webp.mjs";
import {launchChromium} from "./vscode/chromium.mjs";
import {addressOf, startCodeServer} from "./vscode/code-server.mjs";
import {endEngine} from "./vscode/end-engine.mjs";
import {meterOf, openFile, patienceMs, runCommand, webviewOf} from "./vscode/workbench.mjs";

const target = path.join(root, "docs/pictures/first-steps");
/** Enough of the repository to be worth a question, little enough for two cores. */
const files = ["package.json"].concat(
    ["extras", "isobservable", "transaction", "when"].map((name) => `src/api/${name}.ts`),
);

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
process.once("SIGINT", () => process.exit(130));
execFileSync(process.execPath, [path.join(root, "scripts/package.mjs"), "--cpu-only", "--only", "extension"], {
    stdio: "inherit",
});
const home = await mkdtemp(path.join(os.tmpdir(), "kvasir-first-"));
const folder = path.join(home, "my-repository");
for (const name of files) await cp(path.join(demoRepositoryFolder, name), path.join(folder, name));
// Where LM Studio would have put it.
const lmStudio = path.join(home, ".lmstudio/models/bartowski/SmolLM2-135M-Instruct-GGUF");
await mkdir(lmStudio, {recursive: true});
await symlink(modelFile, path.join(lmStudio, "SmolLM2-135M-Instruct-Q4_1.gguf"));
const server = await startCodeServer({
    vsix: path.join(root, `.kvasir/packages/kvasir-${process.platform}-${process.arch}-cpu.vsix`),
    settings: {
        "workbench.colorTheme": "Dark Modern",
        "window.commandCenter": false,
        "editor.minimap.enabled": false,
        "kvasir.chat.maxTokens": 80,
        "kvasir.engine.idleMinutes": 0.05,
        // Like a stranger's, but for the pictures' sake.
        "editor.quickSuggestions": {other: "off", comments: "off", strings: "off"},
    },
    env: {
        HOME: home,
        KVASIR_RUNTIME_DIR: path.join(home, "run"),
        XDG_CACHE_HOME: path.join(home, "cache"),
        XDG_DATA_HOME: path.join(home, "data"),
    },
});
const browser = await launchChromium();
try {
    const context = await browser.newContext({viewport: {width: 1240, height: 800}, deviceScaleFactor: 1});
    const page = await context.newPage();
    const painter = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    await mkdir(target, {recursive: true});
    let startedMs = Date.now();
    const step = async (/** @type {string} */ name) => {
        const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
        // Fades and webviews follow in the next frames.
        await page.waitForTimeout(700);
        const png = await page.screenshot({animations: "disabled", caret: "hide"});
        await writeFile(path.join(target, `${name}.webp`), await asWebp(painter, png));
        say(`${name}: ${seconds} s`);
        startedMs = Date.now();
    };
    const row = (/** @type {string | RegExp} */ text) =>
        page.locator(".quick-input-list .monaco-list-row").filter({hasText: text}).first();

    await page.goto(addressOf(server, {folder}));
    await meterOf(page).waitFor();
    await runCommand(page, "Welcome: Open Walkthrough...");
    await row("Kvasir").click();
    await page.locator(".getting-started-step").first().waitFor();
    await step("1-walkthrough");

    await runCommand(page, "View: Close All Editors");
    await page.locator(".activitybar .action-label[aria-label='Kvasir']").first().click();
    const chat = await webviewOf(page, "chat");
    await chat.getByRole("button", {name: "Choose a model…"}).first().waitFor();
    await step("2-no-model");

    await chat.getByRole("button", {name: "Choose a model…"}).first().click();
    await row("SmolLM2-135M-Instruct-Q4_1").waitFor();
    await step("3-choose-model");

    await row("SmolLM2-135M-Instruct-Q4_1").click();
    await page.locator(".notification-list-item").filter({hasText: "Kvasir uses"}).first().waitFor();
    await step("4-loaded");

    await runCommand(page, "Kvasir: Open Cache View in Editor");
    await webviewOf(page, "cache-view");
    await page.locator("[id='kvasir.kvasir.reading']").waitFor({state: "hidden", timeout: 240_000});
    await step("5-read");

    await runCommand(page, "View: Close All Editors");
    await openFile(page, "src/api/when.ts");
    await runCommand(page, "Kvasir: Open Chat");
    const question = chat.getByRole("textbox", {name: "Question"});
    await question.fill("What does @src/api/when.ts do?");
    await question.press("Escape");
    await question.press("Enter");
    await chat.locator(".report .figures").waitFor();
    await step("6-ask");

    await openFile(page, "src/api/extras.ts");
    await page.keyboard.press("Control+End");
    await page.keyboard.insertText("\nexport function countObservers(thing: any): number {\n    ");
    await page.keyboard.type("return ", {delay: 30});
    await page.locator(".editor-group-container.active [class*=ghost-text]").first().waitFor();
    await step("7-complete");
} catch (error) {
    say(error instanceof Error ? error.message : String(error));
    await browser
        .contexts()[0]
        ?.pages()[0]
        ?.screenshot({path: path.join(root, ".kvasir/logs/first-steps.png")})
        .catch(() => undefined);
    process.exitCode = 1;
} finally {
    await browser.close();
    await server.stop();
    await endEngine(path.join(home, "run"));
    await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200}).catch(() => undefined);
}
