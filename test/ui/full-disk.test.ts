/** A disk that fills up while the window is open: what is kept of files and conversations lies on a small one of its own. */
import {open, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type ChatInWindow, chatIn} from "./chat-in-window.js";
import {type VscodePage, meterOf, openVscode, patienceMs, runCommand, savedConversations} from "./vscode-page.js";

let vscode: VscodePage;
let chat: ChatInWindow;
beforeAll(async () => {
    vscode = await openVscode({
        files: {"src/price.ts": "export const price = (net: number) => net * 1.19\n"},
        smallDiskMib: 64,
        settings: {"kvasir.chat.maxTokens": 8, "kvasir.chat.temperature": 0},
    });
    await runCommand(vscode.page, "Kvasir: Open Chat");
    chat = await chatIn(vscode.page);
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
const said = async () => (await meterOf(vscode.page).locator("a").getAttribute("aria-label")) ?? "";
const filler = () => path.join(vscode.storage, "filler");

/** Until not one byte more fits. */
async function fillDisk(): Promise<void> {
    const file = await open(filler(), "w");
    try {
        for (const piece of [Buffer.alloc(2 ** 20), Buffer.alloc(1024)]) while (await fits(file, piece));
    } finally {
        await file.close();
    }
}

async function fits(file: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<boolean> {
    try {
        await file.write(piece);
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
        throw error;
    }
}

describe("a disk that is full", () => {
    it("is told in the meter and in the chat, and answers go on", async () => {
        await chat.ask("What is the price?");
        await chat.finished();
        await poll(() => savedConversations(vscode)).toContain("What is the price?");
        await fillDisk();
        await writeFile(path.join(vscode.folder, "src/stock.ts"), "export const stock = new Map<string, number>()\n");
        await poll(said).toContain("What is read is not stored: The disk is full");
        await chat.ask("And what is in stock?");
        await chat.finished();
        expect((await chat.lastText()).trim().length).toBeGreaterThan(0);
        await poll(() => chat.frame.locator(".banners").innerText()).toContain(
            "This conversation is not saved: The disk is full",
        );
    });

    it("has lost nothing: with room again all is saved, and there after a reload", async () => {
        const answers = await chat.frame.locator(".answer .markdown").allInnerTexts();
        await rm(filler());
        await poll(() => savedConversations(vscode)).toContain("And what is in stock?");
        await poll(() => chat.frame.locator(".banners").innerText()).not.toContain("not saved");
        await writeFile(path.join(vscode.folder, "src/tax.ts"), "export const tax = 0.19\n");
        await poll(said).not.toContain("not stored");
        await vscode.page.reload();
        chat = await chatIn(vscode.page);
        await poll(() => chat.frame.locator(".answer .markdown").allInnerTexts()).toEqual(answers);
    });
});
