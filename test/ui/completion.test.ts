import {writeFile} from "node:fs/promises";
import path from "node:path";
import {afterAll, afterEach, beforeAll, describe, expect, it} from "vitest";
import {type VscodePage, editorText, openFile, openVscode, patienceMs, runCommand} from "./vscode-page.js";

let vscode: VscodePage;
beforeAll(async () => {
    vscode = await openVscode({
        only: ["package.json", "src/api/extras.ts"],
        settings: {
            "kvasir.reading.automatic": false,
            "editor.quickSuggestions": {other: "off", comments: "off", strings: "off"},
            "editor.wordWrap": "off",
        },
    });
});
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(() => vscode?.close());

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 50});
const ghost = () => vscode.page.locator(".editor-instance [class*=ghost-text-decoration]");
const ghostText = async () => (await ghost().allInnerTexts()).join("").replaceAll("\u00a0", " ");
const shown = () => editorText(vscode.page).catch(() => "");

/** Opens a new file and types into it, key by key. */
async function type(name: string, text: string): Promise<void> {
    await writeFile(path.join(vscode.folder, name), "");
    await openFile(vscode.page, name);
    await vscode.page.locator(".editor-instance .view-lines").first().click();
    await vscode.page.keyboard.type(text, {delay: 20});
}

async function closeEditor(): Promise<void> {
    await runCommand(vscode.page, "File: Revert File");
    await runCommand(vscode.page, "View: Close Editor");
}

describe("ghost text", () => {
    it("comes while a person types, and Tab takes it whole", async () => {
        await type(
            "add.py",
            "def add(first, second):\n    return first + second\n\ndef subtract(first, second):\nreturn ",
        );
        await poll(ghostText).toMatch(/\S/);
        const offered = await ghostText();
        await vscode.page.keyboard.press("Tab");
        await poll(ghostText).not.toBe(offered);
        expect((await shown()).replace(/\s+/g, " ")).toContain(`return ${offered.trim().split(/\s+/)[0]}`);
        await closeEditor();
    });

    it("is taken word by word, and Escape puts the rest away", async () => {
        await type("words.py", "numbers = [1, 2, 3]\n\ndef total(numbers):\nreturn ");
        await poll(ghostText).toMatch(/\w+\W+\w+/);
        const offered = (await ghostText()).trim();
        const [first = ""] = /^\w+|\W+/.exec(offered) ?? [];
        await vscode.page.keyboard.press("Control+ArrowRight");
        await poll(shown).toContain(`return ${first}`);
        await poll(ghostText).toMatch(/\S/);
        expect(offered.endsWith((await ghostText()).trim())).toBe(true);
        await vscode.page.keyboard.press("Escape");
        await poll(() => ghost().count()).toBe(0);
        await closeEditor();
    });

    it("is off where a person has switched it off, and the status bar says so", async () => {
        await writeFile(path.join(vscode.folder, "off.py"), "");
        await openFile(vscode.page, "off.py");
        await runCommand(vscode.page, "Kvasir: Completions On/Off for This Language");
        const item = vscode.page.locator('.statusbar-item[id="kvasir.kvasir.completion"] a');
        await poll(async () => (await item.getAttribute("aria-label")) ?? "").toContain("Off for this language");
        await runCommand(vscode.page, "Kvasir: Completions On/Off for This Language");
        await poll(async () => (await item.getAttribute("aria-label")) ?? "").toMatch(/Ready|Working/);
    });
});
