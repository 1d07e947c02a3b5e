/** Windows that are not one trusted folder: not trusted, and none. */
import {existsSync} from "node:fs";
import {readFile} from "node:fs/promises";
import path from "node:path";
import type {Page} from "playwright-core";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type ChatInWindow, chatIn} from "./chat-in-window.js";
import {type VscodePage, meterOf, openVscode, patienceMs, runCommand} from "./vscode-page.js";

let vscode: VscodePage;
beforeAll(async () => {
    vscode = await openVscode({
        hasTrust: true,
        files: {
            "front/price.ts": "export const price = (net: number) => net * 1.19\n",
            "back/stock.ts": "export const stock = new Map<string, number>()\n",
        },
        settings: {
            "kvasir.chat.maxTokens": 8,
            "kvasir.chat.temperature": 0,
            "security.workspace.trust.startupPrompt": "never",
        },
    });
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

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
        await poll(() => said(vscode.page)).toMatch(/^Kvasir: (Ready|Reading again).* 2 files\.$/);
        await chat.ask("What is the price?");
        await chat.finished();
        expect(await errorOf(chat).count()).toBe(0);
        expect((await chat.lastText()).trim().length).toBeGreaterThan(0);
        await runCommand(vscode.page, "View: Close All Editors");
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
