import {readFile} from "node:fs/promises";
import path from "node:path";
import type {Frame, Locator} from "playwright-core";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {
    editorText,
    openFile,
    openVscode,
    patienceMs,
    runCommand,
    savedConversations,
    type VscodePage,
    webviewOf,
} from "./vscode-page.js";

const file = "src/api/when.ts";
let vscode: VscodePage;
beforeAll(async () => {
    vscode = await openVscode({
        only: ["package.json", file, "src/api/extras.ts", "src/api/isobservable.ts"],
        settings: {"kvasir.chat.maxTokens": 160, "kvasir.chat.temperature": 0},
    });
    await runCommand(vscode.page, "Kvasir: Open Chat");
    await findPanel();
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

/** The small model does that until it is stopped: there is time to do something in the middle. */
const longTask = "Write the numbers from 1 to 500, one per line.";
const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
let frame: Frame;
const chat = (): Frame => frame;
/** A reload makes the panel's page anew. */
const findPanel = async () => {
    frame = await webviewOf(vscode.page, "chat");
    await composer().waitFor();
};
const composer = (): Locator => chat().getByRole("textbox", {name: "Question"});
const button = (name: string | RegExp): Locator => chat().getByRole("button", {name});
const answers = (): Locator => chat().locator(".answer");
const lastText = () => answers().last().locator(".markdown").innerText();
const shownText = () => editorText(vscode.page).catch(() => "");

async function ask(question: string): Promise<void> {
    await composer().fill(question);
    await composer().press("Escape");
    await composer().press("Enter");
}

async function finished(): Promise<void> {
    await answers().last().waitFor();
    await poll(() => answers().last().getAttribute("aria-busy")).toBe("false");
}

describe("the chat", () => {
    it("names a file by @ and a few letters, and streams an answer that saw it", async () => {
        await composer().pressSequentially("What does @whe");
        // By a click, which waits until the list is still; keys are tried on the page alone.
        await chat()
            .getByRole("option", {name: /when\.ts/})
            .first()
            .click();
        await poll(() => composer().inputValue()).toContain(`@${file}`);
        await composer().pressSequentially("do?");
        await composer().press("Enter");
        await finished();
        expect((await lastText()).trim().length).toBeGreaterThan(0);
        const report = chat().locator(".report").last();
        expect(await report.innerText()).toMatch(/\d+ tokens · [\d.,]+ per second · first after/);
        await report.locator("summary").click();
        await poll(() => report.locator(".files").first().innerText()).toMatch(/src\/api\/when\.ts\s*named/);
        expect(await chat().locator(".question .mention").innerText()).toBe(`@${file}`);
    });

    it("asks again without a file, at one click, and keeps the first answer", async () => {
        await button(`Leave ${file} out and ask again`).click();
        await poll(() =>
            chat()
                .locator(".branches")
                .innerText()
                .catch(() => ""),
        ).toBe("2 / 2");
        await finished();
        const report = chat().locator(".report").last();
        if ((await report.locator("details").getAttribute("open")) === null) await report.locator("summary").click();
        await poll(() => report.locator(".files").first().innerText()).not.toContain(file);
        await button("Earlier version").click();
        await poll(() => chat().locator(".branches").innerText()).toBe("1 / 2");
    });

    it("is stopped in the middle and keeps what was written", async () => {
        await runCommand(vscode.page, "Kvasir: New Conversation");
        await poll(() => answers().count()).toBe(0);
        await ask(longTask);
        await poll(async () => (await lastText().catch(() => "")).trim().length).toBeGreaterThan(0);
        await composer().press("Escape");
        await finished();
        await poll(() => chat().locator(".answer-end").innerText()).toContain("Stopped before its end.");
        expect((await lastText()).trim().length).toBeGreaterThan(0);
    });

    it("survives an engine that is killed in the middle of an answer", async () => {
        await runCommand(vscode.page, "Kvasir: New Conversation");
        await ask(longTask);
        await poll(async () => (await lastText().catch(() => "")).trim().length).toBeGreaterThan(0);
        const {pid} = JSON.parse(await readFile(path.join(vscode.runtimeFolder, "engine.json"), "utf8")) as {
            pid: number;
        };
        process.kill(pid, "SIGKILL");
        const alert = answers().last().getByRole("alert");
        await poll(() => alert.innerText().catch(() => "")).toContain("The engine ended while it was at work.");
        expect((await lastText()).trim().length).toBeGreaterThan(0);
        await alert.getByRole("button", {name: "Try again"}).click();
        // Until the new try begins the page shows the old one, which is finished too.
        await poll(() => answers().last().getByRole("alert").count()).toBe(0);
        await finished();
        expect(await answers().last().getByRole("alert").count()).toBe(0);
        expect((await lastText()).trim().length).toBeGreaterThan(0);
    });

    it("shows the same conversation after a reload of the window", async () => {
        const before = await lastText();
        await composer().fill("half a thought");
        // Until it is kept on the disk: the window that is gone could not do that any more.
        await poll(() => savedConversations(vscode)).toContain("half a thought");
        await vscode.page.reload();
        await findPanel();
        await poll(() => lastText().catch(() => "")).toBe(before);
        await poll(() => composer().inputValue()).toBe("half a thought");
        await composer().fill("");
    });

    it("explains what the editor shows, from its command", async () => {
        await openFile(vscode.page, file);
        await poll(shownText).toContain("when");
        await runCommand(vscode.page, "Kvasir: Explain");
        await poll(() => chat().locator(".question-text").last().innerText()).toBe("/explain");
        await finished();
        await poll(() => chat().locator(".report").last().textContent()).toContain(file);
    });
});
