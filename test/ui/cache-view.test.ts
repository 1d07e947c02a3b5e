import {readFile} from "node:fs/promises";
import path from "node:path";
import type {Frame} from "playwright-core";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type VscodePage, meterOf, openFile, openVscode, patienceMs, runCommand, webviewOf} from "./vscode-page.js";

const file = "src/api/when.ts";
let vscode: VscodePage;
let view: Frame;
beforeAll(async () => {
    vscode = await openVscode({only: ["package.json", file, "src/api/extras.ts", "src/api/isobservable.ts"]});
    await runCommand(vscode.page, "Kvasir: Open Cache View");
    view = await webviewOf(vscode.page, "cache-view");
    // The whole side bar for the list.
    await vscode.page.locator('.pane-header[aria-label*="Chat"]').click();
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
const row = (name: string) => view.locator(".grid-row").filter({hasText: name}).first();
const details = () => view.getByRole("complementary", {name: "Selected file"});
const text = (selector: string) => async () => (await view.locator(selector).first().innerText()).replace(/\s+/g, " ");
const act = (name: string | RegExp) => details().getByRole("button", {name}).click();
const dialog = () => vscode.page.locator(".monaco-dialog-box");
/** What the meter says to a screen reader. */
const said = async () => (await meterOf(vscode.page).locator("a").getAttribute("aria-label")) ?? "";

describe("the cache view", () => {
    it("shows each file as it is read, and what all of them take", async () => {
        await poll(text(".facts")).toMatch(
            /^4 files, [\d.,k]+ tokens; 4 in memory\. Uncut they would take .+ as much\./,
        );
        for (const name of ["when.ts", "extras.ts", "isobservable.ts", "package.json"]) {
            expect((await row(name).innerText()).replace(/\s+/g, " ")).toMatch(/\d+ %.* [\d.]+ [KM]iB/);
        }
    });

    it("pins a file by a key and by its button, and the list and the details say so", async () => {
        await row("when.ts").click();
        await poll(() => details().locator("h2").innerText()).toContain("when.ts");
        await vscode.page.keyboard.press("p");
        await poll(() => row("when.ts").innerText()).toContain("pinned");
        await poll(() => details().getByRole("button", {name: "Unpin"}).count()).toBe(1);
        await act("Unpin");
        await poll(() => row("when.ts").innerText()).not.toContain("pinned");
        await act("Pin");
        await poll(() => row("when.ts").innerText()).toContain("pinned");
    });

    it("drops what was kept of a file, and reads it again when told to", async () => {
        await row("extras.ts").click();
        await poll(() => details().locator("h2").innerText()).toContain("extras.ts");
        await runCommand(vscode.page, "Kvasir: Pause Reading");
        await act("Drop");
        await poll(text(".facts")).toContain("3 in memory");
        await poll(said).toContain("3 files");
        await poll(() => row("extras.ts").innerText()).toContain("–");
        await act("Read Again");
        await poll(text(".facts")).toContain("4 in memory");
        await poll(said).toContain("4 files");
        await runCommand(vscode.page, "Kvasir: Resume Reading");
    });

    it("a file's own budget changes what is kept of it", async () => {
        await row("extras.ts").click();
        const kept = async () => {
            const [, percent = "0"] = /(\d+) %/.exec(await row("extras.ts").innerText()) ?? [];
            return Number(percent);
        };
        await poll(kept).toBeLessThan(40);
        const slider = details().getByRole("slider");
        await slider.focus();
        await slider.press("End");
        await poll(kept).toBe(100);
        await act("As Everywhere");
        await poll(kept).toBeLessThan(40);
    });

    it("says what an edit costs before it is made and after it is read", async () => {
        await openFile(vscode.page, file);
        const cost = () => text(".edit-cost")().catch(() => "");
        await poll(cost).toMatch(/when\.ts.*\d/);
        await vscode.page.keyboard.press("Control+Home");
        await vscode.page.keyboard.type("// one more line\n");
        const before = await cost();
        await poll(cost).not.toBe(before);
        await runCommand(vscode.page, "File: Revert File");
    });

    it("leaves a file out by a rule that all have, and takes it back by Undo", async () => {
        const rules = () => readFile(path.join(vscode.folder, ".kvasirignore"), "utf8").catch(() => "");
        await row("isobservable.ts").click();
        await act(/^Leave Out/);
        await poll(() => dialog().innerText()).toContain("Shall Kvasir no longer read src/api/isobservable.ts?");
        await dialog().getByRole("button", {name: "Add to .kvasirignore"}).click();
        await poll(rules).toBe("/src/api/isobservable.ts\n");
        await poll(() => row("isobservable.ts").count()).toBe(0);
        await vscode.page.locator(".notifications-toasts").getByRole("button", {name: "Undo"}).click();
        await poll(rules).toBe("");
        await poll(() => row("isobservable.ts").count()).toBe(1);
    });

    it("has a map, folders and heads of the same files", async () => {
        await view.getByRole("tab", {name: "Map"}).click();
        await poll(() => view.locator("#panel-map").innerText()).toContain("when.ts");
        await view.getByRole("tab", {name: "Folders"}).click();
        await poll(() => view.locator("#panel-folders").innerText()).toMatch(/api/);
        await view.getByRole("tab", {name: "Heads"}).click();
        await poll(() => view.locator("#panel-heads").innerText()).toMatch(/30|layer/i);
        await view.getByRole("tab", {name: "Files"}).click();
    });
});

describe("the heat map", () => {
    it("shades the lines of the file in the editor, says how in the status bar, and goes at the same command", async () => {
        await openFile(vscode.page, file);
        const shaded = async () => vscode.page.locator(".editor-instance .view-overlays [class*=ced-]").count();
        const before = await shaded();
        await runCommand(vscode.page, "Kvasir: Kept Lines (Heat Map) On/Off");
        await poll(shaded).toBeGreaterThan(before + 3);
        await poll(() => vscode.page.locator(".statusbar").innerText()).toMatch(/\d+ % kept/);
        await runCommand(vscode.page, "Kvasir: Kept Lines (Heat Map) On/Off");
        await poll(shaded).toBe(before);
    });
});
