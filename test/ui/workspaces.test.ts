/** Windows that are not one trusted folder with a model: not trusted, several folders, none, and a model file that goes. */
import {existsSync} from "node:fs";
import {mkdtemp, readFile, rm, symlink, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import type {Page} from "playwright-core";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {modelFile} from "../../scripts/setup/steps/model.mjs";
import {type ChatInWindow, chatIn} from "./chat-in-window.js";
import {type VscodePage, meterOf, openVscode, patienceMs, runCommand} from "./vscode-page.js";

/** One that may go. */
let models: string;
let vscode: VscodePage;
beforeAll(async () => {
    models = await mkdtemp(path.join(tmpdir(), "kvasir-ui-models-"));
    await symlink(modelFile, path.join(models, "small.gguf"));
    vscode = await openVscode({
        hasTrust: true,
        files: {
            "front/price.ts": "export const price = (net: number) => net * 1.19\n",
            "back/stock.ts": "export const stock = new Map<string, number>()\n",
            "both.code-workspace": JSON.stringify({folders: [{path: "front"}, {path: "back"}]}),
        },
        settings: {
            "kvasir.model.path": path.join(models, "small.gguf"),
            "kvasir.chat.maxTokens": 8,
            "kvasir.chat.temperature": 0,
            "security.workspace.trust.startupPrompt": "never",
        },
    });
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(async () => {
    await vscode?.close();
    await rm(models, {recursive: true, force: true});
});

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
/** What the meter says to a screen reader. */
const said = async (page: Page) => (await meterOf(page).locator("a").getAttribute("aria-label")) ?? "";
const openChat = async (page: Page): Promise<ChatInWindow> => {
    await runCommand(page, "Kvasir: Open Chat");
    return chatIn(page);
};
const errorOf = (chat: ChatInWindow) => chat.answers().last().getByRole("alert");

describe("a workspace that is not trusted", () => {
    let chat: ChatInWindow;

    it("says what that means, in the meter and in the chat, and starts nothing", async () => {
        await poll(() => said(vscode.page)).toBe("Kvasir: The workspace is not trusted: nothing is read.");
        chat = await openChat(vscode.page);
        await poll(() => chat.frame.locator(".empty").innerText()).toContain("This workspace is not trusted");
        expect(existsSync(path.join(vscode.runtimeFolder, "engine.json"))).toBe(false);
    });

    it("answers nothing, and keeps the question", async () => {
        await chat.ask("What is the price?");
        await chat.finished();
        await poll(() => errorOf(chat).innerText()).toContain("Trust the workspace to use it.");
        expect(await chat.frame.locator(".question-text").innerText()).toBe("What is the price?");
        expect(existsSync(path.join(vscode.runtimeFolder, "engine.json"))).toBe(false);
    });

    it("is read and answers once it is trusted, by the button of the error", async () => {
        await errorOf(chat).getByRole("button", {name: "Manage trust…"}).click();
        await vscode.page.locator(".workspace-trust-editor").getByRole("button", {name: "Trust", exact: true}).click();
        await poll(() => said(vscode.page)).toMatch(/^Kvasir: (Ready|Reading again).* 3 files\.$/);
        await chat.ask("What is the price?");
        await chat.finished();
        expect(await errorOf(chat).count()).toBe(0);
        expect((await chat.lastText()).trim().length).toBeGreaterThan(0);
        await runCommand(vscode.page, "View: Close All Editors");
    });
});

describe("a workspace with two folders", () => {
    let page: Page;
    let chat: ChatInWindow;
    beforeAll(async () => {
        page = await vscode.openWindow(path.join(vscode.folder, "both.code-workspace"));
        chat = await openChat(page);
    });
    afterAll(() => page?.close());

    const askAgain = async () => {
        await chat.answers().last().getByRole("button", {name: "Ask again", exact: true}).click();
        await poll(() => errorOf(chat).count()).toBe(0);
        await chat.finished();
        expect((await chat.lastText()).trim().length).toBeGreaterThan(0);
    };

    it("has the files of both, named with their folders, and answers from them", async () => {
        await poll(() => said(page)).toMatch(/^Kvasir: (Ready|Reading again).* 2 files\.$/);
        await chat.mention("What are @pri", /price\.ts/);
        await chat.mention("and @sto", /stock\.ts/);
        await poll(() => chat.composer().inputValue()).toBe("What are @front/price.ts and @back/stock.ts ");
        await chat.composer().press("Enter");
        await chat.finished();
        const report = chat.frame.locator(".report").last();
        await report.locator("summary").first().click();
        await poll(() => report.locator(".files").first().innerText()).toMatch(
            /front\/price\.ts\s*named[^]*back\/stock\.ts\s*named|back\/stock\.ts\s*named[^]*front\/price\.ts\s*named/,
        );
    });

    it("says that its model file has gone and what to do, keeps every word, and answers when it is back", async () => {
        const before = await chat.lastText();
        await runCommand(page, "Kvasir: Unload Model Now");
        await poll(() => said(page)).toContain("The model is unloaded until it is needed.");
        await rm(path.join(models, "small.gguf"));
        await chat.ask("And without a model?");
        await chat.finished();
        await poll(() => errorOf(chat).innerText()).toContain("There is no model file at");
        expect(await errorOf(chat).getByRole("button", {name: "Choose a model…"}).count()).toBe(1);
        expect(await chat.frame.locator(".question-text").last().innerText()).toBe("And without a model?");
        expect(await chat.answers().first().locator(".markdown").innerText()).toBe(before);
        await symlink(modelFile, path.join(models, "small.gguf"));
        await askAgain();
    });

    it("says the same of an engine that starts without it, and answers with another model", async () => {
        const before = await chat.frame.locator(".turns").innerText();
        await rm(path.join(models, "small.gguf"));
        await runCommand(page, "Kvasir: Restart Engine");
        await poll(() => said(page)).toBe("Kvasir: No model yet: click to choose one.");
        const banner = chat.frame.locator(".banners").getByRole("alert");
        await poll(() => banner.innerText()).toContain("There is no model file at");
        expect(await banner.getByRole("button", {name: "Choose a model…"}).count()).toBe(1);
        expect(await chat.frame.locator(".turns").innerText()).toBe(before);
        await chat.ask("And now?");
        await chat.finished();
        await poll(() => errorOf(chat).innerText()).toContain("There is no model file at");
        await symlink(modelFile, path.join(models, "other.gguf"));
        // Where a window in a browser has its settings of the machine.
        const settings = path.join(vscode.userFolder, "../Machine/settings.json");
        const {"kvasir.model.path": _gone, ...rest} = JSON.parse(await readFile(settings, "utf8")) as object & {
            "kvasir.model.path": string;
        };
        await writeFile(settings, JSON.stringify({...rest, "kvasir.model.path": path.join(models, "other.gguf")}));
        await runCommand(page, "Kvasir: Restart Engine");
        await poll(() => said(page)).toMatch(/^Kvasir: (Ready|Reading again|Reading is paused)/);
        await poll(() => banner.count()).toBe(0);
        await askAgain();
        expect(await chat.frame.locator(".turns").innerText()).toContain("And without a model?");
    });
});

describe("a window without a folder", () => {
    it("says what a folder would bring, and talks without one", async () => {
        const page = await vscode.openWindow(null);
        const chat = await openChat(page);
        await poll(() => chat.frame.locator(".empty").innerText()).toContain("Open a folder");
        await chat.ask("Say hello.");
        await chat.finished();
        expect(await errorOf(chat).count()).toBe(0);
        expect((await chat.lastText()).trim().length).toBeGreaterThan(0);
        await runCommand(page, "Kvasir: Open Cache View");
        expect(
            await page.locator(".notification-list-item.error, .notification-list-item .codicon-error").count(),
        ).toBe(0);
        await page.close();
        expect(await readFile(path.join(vscode.runtimeFolder, "engine.log"), "utf8")).not.toContain("TypeError");
    });
});
