import {readFile, readdir} from "node:fs/promises";
import path from "node:path";
import type {Frame, Locator} from "playwright-core";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {addTurn, newConversation} from "../../extension/core/chat/conversation.js";
import {ConversationFiles} from "../../extension/host/chat/conversation-files.js";
import {type VscodePage, editorText, openFile, openVscode, patienceMs, runCommand, webviewOf} from "./vscode-page.js";

const file = "src/api/when.ts";
let vscode: VscodePage;
beforeAll(async () => {
    vscode = await openVscode({
        only: ["package.json", file, "src/api/extras.ts", "src/api/isobservable.ts"],
        settings: {"kvasir.chat.maxTokens": 24, "kvasir.chat.temperature": 0},
    });
    await runCommand(vscode.page, "Kvasir: Open Chat");
    await findPanel();
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

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

/** Where the extension keeps the conversations of this folder: known once there is one. */
async function conversationFolder(): Promise<string> {
    const all = path.join(vscode.userFolder, "globalStorage/kvasir.kvasir/conversations");
    const [only] = await readdir(all);
    if (only === undefined) throw new Error("no conversation is kept yet");
    return path.join(all, only);
}

/** Puts a conversation beside the others whose answer is known, and shows it. */
async function showAnswer(question: string, answer: string): Promise<void> {
    const nowMs = Date.now();
    const asked = addTurn(newConversation(`seeded-${nowMs}`, nowMs), {
        id: "q1",
        role: "user",
        text: question,
        prompt: question,
        attached: [],
        named: [],
        excluded: [],
        createdAtMs: nowMs,
    });
    const whole = addTurn(asked, {id: "a1", role: "assistant", text: answer, createdAtMs: nowMs});
    await new ConversationFiles(await conversationFolder(), () => undefined).save(whole);
    await runCommand(vscode.page, "Kvasir: Conversations");
    await chat().getByRole("searchbox").fill(question);
    await chat().locator(".entry-open").filter({hasText: question}).first().click();
    await poll(() => chat().locator(".question-text").last().innerText()).toBe(question);
}

describe("the chat", () => {
    it("names a file by @ and a few letters, and streams an answer that saw it", async () => {
        await composer().pressSequentially("What does @whe");
        await chat()
            .getByRole("option", {name: /when\.ts/})
            .first()
            .waitFor();
        await composer().press("Enter");
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
        await ask("Count from one to one hundred in words.");
        await poll(async () => (await lastText().catch(() => "")).trim().length).toBeGreaterThan(0);
        await composer().press("Escape");
        await finished();
        await poll(() => chat().locator(".answer-end").innerText()).toContain("Stopped before its end.");
        expect((await lastText()).trim().length).toBeGreaterThan(0);
    });

    it("survives an engine that is killed in the middle of an answer", async () => {
        await runCommand(vscode.page, "Kvasir: New Conversation");
        await ask("Count from one to one hundred in words, slowly.");
        await poll(async () => (await lastText().catch(() => "")).trim().length).toBeGreaterThan(0);
        const {pid} = JSON.parse(await readFile(path.join(vscode.runtimeFolder, "engine.json"), "utf8")) as {
            pid: number;
        };
        process.kill(pid, "SIGKILL");
        const alert = answers().last().getByRole("alert");
        await poll(() => alert.innerText().catch(() => "")).toContain("The engine ended while it was at work.");
        expect((await lastText()).trim().length).toBeGreaterThan(0);
        await alert.getByRole("button", {name: "Try again"}).click();
        await finished();
        expect(await answers().last().getByRole("alert").count()).toBe(0);
        expect((await lastText()).trim().length).toBeGreaterThan(0);
    });

    it("shows the same conversation after a reload of the window", async () => {
        const before = await lastText();
        await composer().fill("half a thought");
        await vscode.page.waitForTimeout(1500);
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

describe("an edit from an answer", () => {
    const changed = `Count them:\n\n\`\`\`ts ${file}\n<<<<<<< SEARCH\nimport {\n=======\n// first change\nimport {\n>>>>>>> REPLACE\n\`\`\`\n`;

    it("is reviewed, accepted in the panel, and undone in the editor", async () => {
        await showAnswer("Change the beginning of when.ts", changed);
        await button(`Apply to ${file}`).click();
        await chat().locator(".hunk").first().waitFor();
        expect(await chat().locator(".diff-line.added").first().innerText()).toContain("// first change");
        await chat().locator(".hunk").first().focus();
        await vscode.page.keyboard.press("a");
        await poll(() => chat().locator(".review").innerText()).toContain("1 accepted");
        await runCommand(vscode.page, "View: Close All Editors").catch(() => undefined);
        await vscode.page.keyboard.press("Escape");
        await chat().locator(".code-head .code-name").click();
        await poll(shownText).toContain("// first change");
        await vscode.page.locator(".editor-instance .view-lines").first().click();
        await vscode.page.keyboard.press("Control+Z");
        await poll(shownText).not.toContain("// first change");
        await poll(() => chat().locator(".hunk").count()).toBe(1);
        await button("Reject all").click();
        await poll(() => chat().locator(".review").innerText()).toContain("1 rejected");
        await button("Close the review").click();
    });

    it("a command is shown before it is run, and a link before it is opened", async () => {
        await showAnswer(
            "How to test",
            "Run:\n\n```sh\necho from-the-chat\n```\n\nsee [the guide](https://example.com/guide)",
        );
        await button("Run in the terminal…").click();
        const dialog = vscode.page.locator(".monaco-dialog-box");
        await poll(() => dialog.innerText().catch(() => "")).toContain("echo from-the-chat");
        await dialog.getByText("Cancel").click();
        expect(await vscode.page.locator(".terminal-wrapper").count()).toBe(0);
        await chat().getByRole("link", {name: "the guide"}).click();
        await poll(() => dialog.innerText().catch(() => "")).toContain("https://example.com/guide");
        await dialog.getByText("Cancel").click();
        expect(vscode.page.context().pages()).toHaveLength(1);
    });

    it("a hostile answer stays text in the real panel", async () => {
        await showAnswer(
            "Something hostile",
            '<img src=x onerror="parent.hacked=1"><script>hacked=1</script> [x](command:workbench.action.closeWindow) [y](javascript:hacked=1)',
        );
        await poll(lastText).toContain("<script>hacked=1</script>");
        expect(await answers().last().getByRole("link").count()).toBe(0);
        expect(await answers().last().locator("img, script").count()).toBe(0);
    });

    it("a deleted conversation comes back by Undo", async () => {
        await button("Delete this conversation").click();
        await poll(() => answers().count()).toBe(0);
        await button("Undo").click();
        await poll(() => lastText().catch(() => "")).toContain("<script>");
    });
});
