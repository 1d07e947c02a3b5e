import {execFileSync} from "node:child_process";
import {mkdirSync, symlinkSync} from "node:fs";
import path from "node:path";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {root} from "../../scripts/setup/paths.mjs";
import {modelFile} from "../../scripts/setup/steps/model.mjs";
import {type VscodePage, openVscode, patienceMs, runCommand, webviewOf} from "./vscode-page.js";

/** What `npm run package` makes, with llama.cpp for the processor only: the rest is the same code on more files. */
const target = `${process.platform}-${process.arch}`;
const vsix = path.join(root, ".kvasir/packages", `kvasir-${target}-cpu.vsix`);

beforeAll(() => {
    execFileSync(process.execPath, [path.join(root, "scripts/package.mjs"), "--cpu-only"], {stdio: "pipe"});
});

describe("the extension as it is packed", () => {
    let vscode: VscodePage;
    beforeAll(async () => {
        // No model is set and none is there: a stranger's first minute.
        vscode = await openVscode({
            vsix,
            only: ["package.json", "src/api/when.ts"],
            settings: {"kvasir.model.path": "", "kvasir.chat.maxTokens": 8, "kvasir.chat.temperature": 0},
        });
    });
    afterEach(async ({task}) => {
        if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
    });
    afterAll(() => vscode?.close());
    const row = (text: string | RegExp) =>
        vscode.page.locator(".quick-input-list .monaco-list-row").filter({hasText: text});

    it("without a model, the chat leads to one with a click, which the packed command line finds", async () => {
        await runCommand(vscode.page, "Kvasir: Open Chat");
        const chat = await webviewOf(vscode.page, "chat");
        const choose = chat.getByRole("button", {name: "Choose a model…"}).first();
        // A model that is put among Kvasir's own is in the list.
        const models = path.join(path.dirname(vscode.folder), "models");
        mkdirSync(models, {recursive: true});
        symlinkSync(modelFile, path.join(models, "Found.gguf"));
        await choose.click();
        await row("Found").first().waitFor({timeout: patienceMs});
        expect(await row("Qwen2.5-Coder 1.5B").first().innerText()).toMatch(/tokens of files in memory/);
        await row("Found").first().click();
        await expect
            .poll(() => vscode.page.locator(".notification-list-item").allInnerTexts(), {
                timeout: patienceMs,
                interval: 200,
            })
            .toEqual(expect.arrayContaining([expect.stringMatching(/Kvasir uses Found now/)]));
    });

    it("answers about a file with the addon, llama.cpp and the head profile that came with it", async () => {
        const chat = await webviewOf(vscode.page, "chat");
        const composer = chat.getByRole("textbox", {name: "Question"});
        await composer.fill("What does when() do?");
        await composer.press("Escape");
        await composer.press("Enter");
        const answer = chat.locator(".answer").last();
        await answer.waitFor();
        await expect.poll(() => answer.getAttribute("aria-busy"), {timeout: patienceMs, interval: 100}).toBe("false");
        expect((await answer.locator(".markdown").innerText()).trim().length).toBeGreaterThan(0);
    });
});
