import {readFile, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type VscodePage, meterOf, openVscode, patienceMs, runCommand, webviewOf} from "./vscode-page.js";

let vscode: VscodePage;
beforeAll(async () => {
    vscode = await openVscode({
        only: ["package.json", "src/api/when.ts", "src/api/extras.ts", "src/api/isobservable.ts"],
        settings: {"kvasir.chat.maxTokens": 24},
    });
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
/** What the meter says to a screen reader. */
const said = async () => (await meterOf(vscode.page).locator("a").getAttribute("aria-label")) ?? "";
const shown = async () => (await meterOf(vscode.page).innerText()).replaceAll("\u00a0", " ").trim();

/** The rows of the meter's tooltip, by their names. */
async function tooltip(): Promise<Record<string, string>> {
    await vscode.page.mouse.move(10, 300);
    await meterOf(vscode.page).hover();
    const table = vscode.page.locator(".monaco-hover table, .workbench-hover table").filter({hasText: "Files known"});
    await table.first().waitFor();
    const rows = await table.first().locator("tr").allInnerTexts();
    return Object.fromEntries(rows.map((row) => row.split("\t").map((cell) => cell.trim()) as [string, string]));
}

async function enginePid(): Promise<number> {
    const text = await readFile(path.join(vscode.runtimeFolder, "engine.json"), "utf8");
    return (JSON.parse(text) as {pid: number}).pid;
}

describe("a window with Kvasir", () => {
    it("reads the repository by itself and shows in the status bar what is kept of it", async () => {
        await poll(async () => (await tooltip())["Files in memory"] ?? "").toBe("4");
        await poll(shown).toMatch(/^[1-9]\d* MiB\/[\d.]+ [MG]iB$/);
        await poll(said).toMatch(
            /^Kvasir: (Ready|Reading again for better quality)\. [1-9]\d* MiB of [\d.]+ [MG]iB used, 4 files\./,
        );
    });

    it("its tooltip is a table of files and memory", async () => {
        const table = await tooltip();
        expect(table).toMatchObject({Model: "SmolLM2-135M-Instruct.Q4_1", "Files known": "4", "Files in memory": "4"});
        expect(Number(table["Tokens known"])).toBeGreaterThan(1000);
        expect(table["Memory for what is kept"]).toMatch(/^[1-9]\d* MiB of [\d.]+ [MG]iB \(.+ %\)$/);
    });

    it("a click on the meter opens the cache view, which has every file", async () => {
        await meterOf(vscode.page).locator("a").click();
        const view = await webviewOf(vscode.page, "cache-view");
        await poll(() => view.locator("body").innerText()).toContain("when.ts");
        expect(await view.locator("body").innerText()).toContain("package.json");
    });

    it("the cache view and the meter follow what is read, pinned, dropped and read again", async () => {
        const view = await webviewOf(vscode.page, "cache-view");
        const rowOf = (name: string) => view.locator(".grid-row").filter({hasText: name});
        const inMemory = async () => (await tooltip())["Files in memory"] ?? "";
        const more = path.join(vscode.folder, "src/api/more.ts");
        await writeFile(more, "export const more = (n: number) => n + 1\n");
        await poll(() => rowOf("more.ts").innerText()).toMatch(/in memory/i);
        await poll(inMemory).toBe("5");
        const row = rowOf("when.ts");
        const press = async (key: string) => {
            await row.click();
            await vscode.page.keyboard.press(key);
        };
        await press("p");
        await poll(() => row.innerText()).toMatch(/pinned/i);
        await press("Delete");
        await poll(() => row.innerText()).toMatch(/not read yet/i);
        await poll(inMemory).toBe("4");
        await press("r");
        await poll(() => row.innerText()).toMatch(/in memory|attended/i);
        await poll(inMemory).toBe("5");
        await press("p");
        await poll(() => row.innerText()).not.toMatch(/pinned/i);
        await rm(more);
        await poll(() => rowOf("more.ts").count()).toBe(0);
        await poll(async () => (await tooltip())["Files known"] ?? "").toBe("4");
    });

    it("the Doctor's report opens and says that all is well", async () => {
        await runCommand(vscode.page, "Kvasir: Run Doctor");
        const lines = vscode.page.locator(".editor-instance .view-lines").last();
        await poll(async () => (await lines.innerText().catch(() => "")).replaceAll("\u00a0", " ")).toContain(
            "Kvasir Doctor",
        );
        await runCommand(vscode.page, "View: Close All Editors");
    });

    it("a killed engine is back by itself, and reads nothing that it has on disk", async () => {
        const before = await enginePid();
        process.kill(before, "SIGKILL");
        await poll(async () => String(await enginePid().catch(() => before))).not.toBe(String(before));
        await poll(said).toMatch(/^Kvasir: (Ready|Reading again for better quality)\. \d+ MiB of .* 4 files\./);
    });

    it("a second window joins the same engine, and answers over the files that the first has read without reading them", async () => {
        const before = await enginePid();
        const second = await vscode.openWindow();
        const inSecond = async () => (await meterOf(second).locator("a").getAttribute("aria-label")) ?? "";
        await poll(inSecond).toMatch(/Ready|Reading/);
        expect(await enginePid()).toBe(before);
        await runCommand(second, "Kvasir: Open Chat");
        const chat = await webviewOf(second, "chat");
        const composer = chat.getByRole("textbox", {name: "Question"});
        await composer.fill("What does src/api/when.ts do?");
        await composer.press("Enter");
        const summary = chat.locator(".report summary");
        // The line that a person reads below the answer.
        await poll(() => summary.innerText().catch(() => "")).toMatch(
            /^Saw [1-9]\d* files? · [1-9]\S* file tokens reused · 0 read/,
        );
        expect(await chat.locator(".answer .markdown").innerText()).toMatch(/\S/);
        expect(await enginePid()).toBe(before);
        await second.close();
    });
});
