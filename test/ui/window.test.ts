import {readFile} from "node:fs/promises";
import path from "node:path";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type VscodePage, meterOf, openVscode, patienceMs, runCommand, webviewOf} from "./vscode-page.js";

let vscode: VscodePage;
beforeAll(async () => {
    vscode = await openVscode({
        only: ["package.json", "src/api/when.ts", "src/api/extras.ts", "src/api/isobservable.ts"],
    });
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

const poll = (what: () => Promise<string>) => expect.poll(what, {timeout: patienceMs, interval: 100});
/** What the meter says to a screen reader. */
const said = async () => (await meterOf(vscode.page).locator("a").getAttribute("aria-label")) ?? "";
const shown = async () => (await meterOf(vscode.page).innerText()).replaceAll("\u00a0", " ").trim();

async function enginePid(): Promise<number> {
    const text = await readFile(path.join(vscode.runtimeFolder, "engine.json"), "utf8");
    return (JSON.parse(text) as {pid: number}).pid;
}

describe("a window with Kvasir", () => {
    it("reads the repository by itself and shows in the status bar what is kept of it", async () => {
        await poll(shown).toMatch(/^\d+ MiB\/[\d.]+ [MG]iB$/);
        await poll(said).toMatch(
            /^Kvasir: (Ready|Reading again for better quality)\. \d+ MiB of [\d.]+ [MG]iB used, 4 files\./,
        );
    });

    it("its tooltip is a table of files and memory", async () => {
        await meterOf(vscode.page).hover();
        const hover = vscode.page
            .locator(".monaco-hover:visible, .workbench-hover:visible")
            .filter({hasText: "Kvasir"});
        await hover.first().waitFor();
        const text = (await hover.first().innerText()).replace(/\s+/g, " ");
        expect(text).toContain("Model SmolLM2-135M-Instruct.Q4_1");
        expect(text).toMatch(/Files known 4/);
        expect(text).toMatch(/Files in memory [1-4]/);
        expect(text).toMatch(/Tokens known \d+/);
        await vscode.page.mouse.move(10, 10);
    });

    it("a click on the meter opens the cache view", async () => {
        await meterOf(vscode.page).locator("a").click();
        const view = webviewOf(vscode.page).last();
        await poll(async () =>
            view
                .locator("body")
                .innerText()
                .catch(() => ""),
        ).toContain("when.ts");
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

    it("a second window joins the same engine", async () => {
        const before = await enginePid();
        const second = await vscode.openWindow();
        const inSecond = async () => (await meterOf(second).locator("a").getAttribute("aria-label")) ?? "";
        await poll(inSecond).toMatch(/Ready|Reading/);
        expect(await enginePid()).toBe(before);
        await second.close();
    });
});
