import path from "node:path";
import type {Frame, Page} from "playwright-core";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type VscodePage, openVscode, patienceMs, runCommand, webviewOf} from "./vscode-page.js";

let vscode: VscodePage;
const missing = path.join("no", "such", "model.gguf");
beforeAll(async () => {
    vscode = await openVscode({
        only: ["package.json", "src/api/when.ts"],
        settings: {"kvasir.model.path": path.resolve("/", missing), "kvasir.chat.maxTokens": 8},
    });
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
const textOf = (frame: Frame) => () => frame.locator("body").innerText();

async function openChat(page: Page): Promise<Frame> {
    await runCommand(page, "Kvasir: Open Chat");
    const chat = await webviewOf(page, "chat");
    await chat.getByRole("textbox", {name: "Question"}).waitFor();
    return chat;
}

describe("a model file that is not there", () => {
    it("is named in the chat and in the cache view, each with the way out; the question stays", async () => {
        const chat = await openChat(vscode.page);
        const composer = chat.getByRole("textbox", {name: "Question"});
        await composer.fill("What does when do?");
        await composer.press("Escape");
        await composer.press("Enter");
        const alert = chat.getByRole("alert").first();
        await poll(() => alert.innerText().catch(() => "")).toContain(missing);
        expect(await alert.getByRole("button").allInnerTexts()).toContain("Choose a model…");
        await poll(() => chat.locator(".question-text").last().innerText()).toBe("What does when do?");
        await runCommand(vscode.page, "Kvasir: Open Cache View");
        const cache = await webviewOf(vscode.page, "cache-view");
        await poll(textOf(cache)).toContain(missing);
        await poll(() => cache.getByRole("button", {name: "Choose a Model"}).count()).toBe(1);
    });
});

describe("a window without a folder", () => {
    it("says that a folder is missing, and how to open one, in both views", async () => {
        const page = await vscode.openWindow(null);
        const chat = await openChat(page);
        await poll(textOf(chat)).toContain("Open a folder");
        expect(await chat.getByRole("button", {name: "Open a folder…"}).count()).toBe(1);
        await runCommand(page, "Kvasir: Open Cache View");
        await poll(textOf(await webviewOf(page, "cache-view"))).toContain("No folder is open");
        await page.close();
    });
});
