/** What answers do in a window: those that are edits, those that want a tool, that mean harm, and that cannot be kept. */
import {rename, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import type {Locator} from "playwright-core";
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from "vitest";
import {root} from "../../scripts/setup/paths.mjs";
import {chatEvents, models, startFakeServer, stream} from "../unit/remote/fake-server.js";
import {type ChatInWindow, chatIn} from "./chat-in-window.js";
import {
    type VscodePage,
    conversationsFolder,
    editorText,
    openFile,
    openVscode,
    patienceMs,
    runCommand,
    savedConversations,
} from "./vscode-page.js";

const cart = `export class Cart {
    items = []
    total() {
        let sum = 0
        for (const item of this.items) sum += item.price
        return sum
    }
    first() {
        return this.items[0]
    }
}
`;
/** Two changes, far enough from each other to be decided one by one. */
const betterCart = cart
    .replace("items = []", "items: Item[] = []")
    .replace("return this.items[0]", "return this.items.at(0)");
const hostile = `<script>window.hacked = 1</script><img src="https://evil.example/pixel.png" onerror="window.hacked = 1">

[run](command:workbench.action.terminal.new) [open](vscode://evil.example/x) ![pixel](https://evil.example/pixel.png)

Done.`;

/** By a word of the question, so that no test depends on what a model happens to write. */
const answers: readonly (readonly [word: RegExp, text: string])[] = [
    [/safer/, `\`\`\`ts\n${betterCart}\`\`\``],
    [/better/, `Like this:\n\n\`\`\`ts src/cart.ts\n${betterCart}\`\`\`\n`],
    [/hostile/, hostile],
    [
        /tested/,
        "```ts src/shop.ts\nexport const shop = 2\n```\n\n```ts test/shop.test.ts\nexport const tested = true\n```",
    ],
    [/delete/, "```sh\nrm -rf .\n```\n\n```ts\nexport const more = 2\n```"],
    [/apples/, "About apples."],
    [/pears/, "About pears."],
];
/** `kvasir mcp` as a server of the workspace. */
const mcp = {
    servers: {
        kvasir: {
            ...{type: "stdio", command: process.execPath, args: [path.join(root, "dist/cli.mjs"), "mcp"]},
            cwd: "${workspaceFolder}",
        },
    },
};
/** As vLLM streams a call. */
const callEvents = (name: string, given: object) => {
    const call = {index: 0, id: "call-1", type: "function", function: {name, arguments: JSON.stringify(given)}};
    return [{tool_calls: [call]}, {}].map((delta, i) => ({
        choices: [{index: 0, delta, finish_reason: i === 0 ? null : "tool_calls"}],
    }));
};
let server: Awaited<ReturnType<typeof startFakeServer>>;
let vscode: VscodePage;
let chat: ChatInWindow;
beforeAll(async () => {
    server = await startFakeServer({
        "GET /v1/models": models,
        "POST /v1/chat/completions": (response, asked) => {
            const messages = asked.body?.["messages"] as {role: string; content: string}[];
            const last = messages.at(-1);
            const [tool] = (asked.body?.["tools"] ?? []) as {function: {name: string}}[];
            if (tool !== undefined && last?.role === "user" && last.content.includes("search"))
                return stream(callEvents(tool.function.name, {query: "cart"}))(response, asked);
            if (last?.role === "tool") return stream(chatEvents([`It found ${last.content}`]))(response, asked);
            const [, text] = answers.find(([word]) => word.test(last?.content ?? "")) ?? ["", "Hello."];
            return stream(chatEvents([text.slice(0, 20), text.slice(20)]))(response, asked);
        },
    });
    vscode = await openVscode({
        files: {"src/cart.ts": cart, "src/shop.ts": "export const shop = 1\n", ".vscode/mcp.json": JSON.stringify(mcp)},
        settings: {"kvasir.engine.location": "server", "kvasir.server.url": server.url, "kvasir.server.kind": "vllm"},
    });
    await runCommand(vscode.page, "Kvasir: Open Chat");
    chat = await chatIn(vscode.page);
});
beforeEach(() => chat.startNew());
afterEach(async ({task}) => {
    if (task.result?.state === "fail") await vscode.keep(task.name.replace(/\W+/g, "-"));
});
afterAll(async () => {
    await vscode?.close();
    server?.close();
});

const poll = <T>(what: () => Promise<T>) => expect.poll(what, {timeout: patienceMs, interval: 100});
const shownText = () => editorText(vscode.page).catch(() => "");
const diffEditor = () => vscode.page.locator(".monaco-diff-editor");
/** A button above the editor in front. */
const titleButton = (name: string): Locator =>
    vscode.page.locator(`.editor-group-container.active .title .action-label[aria-label^="${name}"]`);
const terminals = () => vscode.page.locator(".terminal-wrapper").count();

describe("an edit of a selection", () => {
    it("is shown as a diff whose buttons and keys take or leave one change after the other", async () => {
        const {page} = vscode;
        await openFile(page, "src/cart.ts");
        await page.locator(".editor-group-container.active .view-lines").click();
        await page.keyboard.press("Control+A");
        await runCommand(page, "Kvasir: Edit Selection...");
        await page.locator(".quick-input-widget input").fill("make it safer");
        await page.keyboard.press("Enter");
        await diffEditor().waitFor();
        // The cursor stands in the first change.
        await poll(() => titleButton("Accept Change").getAttribute("class")).not.toContain("disabled");
        await titleButton("Accept Change").click();
        // It goes to the next one by itself, which a key leaves.
        await poll(() => page.locator('.statusbar-item[id="status.editor.selection"]').innerText()).toMatch(/Ln 9,/);
        await page
            .locator(
                ".monaco-diff-editor .editor.modified textarea, .monaco-diff-editor .editor.modified .native-edit-context",
            )
            .first()
            .focus();
        await page.keyboard.press("Control+Alt+Backspace");
        await diffEditor().waitFor({state: "detached"});
        await poll(shownText).toContain("items: Item[] = []");
        expect(await shownText()).toContain("return this.items[0]");
        await page.keyboard.press("Control+Z");
        await poll(shownText).not.toContain("Item[]");
    });
});

describe("an answer with code", () => {
    it("is applied as a diff from its block, and an undo takes it back", async () => {
        await chat.ask("Can this be better?");
        await chat.finished();
        await chat.button("Apply to src/cart.ts").click();
        await diffEditor().waitFor();
        await titleButton("Accept All Changes").click();
        await diffEditor().waitFor({state: "detached"});
        await openFile(vscode.page, "src/cart.ts");
        await poll(shownText).toContain("this.items.at(0)");
        await vscode.page.keyboard.press("Control+Z");
        await poll(shownText).not.toContain("this.items.at(0)");
        await runCommand(vscode.page, "View: Close All Editors");
    });

    it("is put in at the cursor, and a command runs only once somebody has said so", async () => {
        const {page} = vscode;
        await openFile(page, "src/shop.ts");
        await page.keyboard.press("Control+End");
        await chat.ask("What would you delete?");
        await chat.finished();
        await chat.button("Run in the terminal…").click();
        const dialog = page.getByRole("dialog").filter({hasText: "Run this in the terminal?"});
        await poll(() => dialog.innerText()).toContain("rm -rf .");
        await dialog.getByRole("button", {name: "Cancel"}).click();
        expect(await terminals()).toBe(0);
        await chat.button("Insert at the cursor").last().click();
        await poll(shownText).toMatch(/shop = 1\s+export const more = 2/);
        await runCommand(page, "File: Revert File");
        await runCommand(page, "View: Close All Editors");
    });

    it("that changes files of two folders is reviewed in one editor and taken as a whole", async () => {
        const {page} = vscode;
        await chat.ask("Have it tested.");
        await chat.finished();
        await chat.button("Review all 2 edits").click();
        await titleButton("Accept All Changes").click();
        await openFile(page, "test/shop.test.ts");
        await poll(shownText).toContain("tested = true");
        await openFile(page, "src/shop.ts");
        await poll(shownText).toContain("shop = 2");
        await runCommand(page, "File: Save All");
        await runCommand(page, "View: Close All Editors");
    });

    it("that means harm runs nothing, loads nothing, and opens nothing without asking", async () => {
        const requests: string[] = [];
        vscode.page.on("request", (request) => void requests.push(request.url()));
        await chat.ask("Be hostile.");
        await chat.finished();
        await poll(() => chat.lastText()).toContain("Done.");
        // Of its links those of the web are left, which say where they lead before they do.
        const links = chat.answers().last().locator("a, [role=link]");
        const texts = await links.allInnerTexts();
        expect(texts).toContain("pixel");
        for (const text of ["run", "open"]) expect(texts).not.toContain(text);
        await links.last().click();
        const dialog = vscode.page.getByRole("dialog").filter({hasText: "Open this address in the browser?"});
        await poll(() => dialog.innerText()).toContain("https://evil.example/pixel.png");
        await dialog.getByRole("button", {name: "Cancel"}).click();
        expect(await chat.frame.evaluate("window.hacked")).toBeUndefined();
        expect(await terminals()).toBe(0);
        expect(requests.filter((url) => url.includes("evil"))).toEqual([]);
    });
});

describe("a question", () => {
    it("is written anew, and the one before is a click away", async () => {
        await chat.ask("Tell me of apples");
        await chat.finished();
        await chat.button("Edit and ask again").click();
        const area = chat.frame.getByRole("textbox", {name: "The question, to be written anew"});
        await area.fill("Tell me of pears");
        await area.press("Enter");
        await poll(() => chat.lastText().catch(() => "")).toBe("About pears.");
        await chat.finished();
        await chat.button("Earlier version").click();
        await poll(() => chat.lastText()).toBe("About apples.");
    });

    it("names the files that are dropped on the panel", async () => {
        const {page} = vscode;
        await openFile(page, "src/shop.ts");
        const middleOf = async (locator: Locator) => {
            const box = await locator.boundingBox();
            return [(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2] as const;
        };
        const [fromX, fromY] = await middleOf(page.locator(".editor-group-container.active .tab.active"));
        const [toX, toY] = await middleOf(chat.composer());
        await page.mouse.move(fromX, fromY);
        await page.mouse.down();
        await page.mouse.move(fromX - 20, fromY + 5, {steps: 3});
        // As VS Code wants it for a drop into a view.
        await page.keyboard.down("Shift");
        await page.mouse.move(toX, toY, {steps: 8});
        await page.mouse.up();
        await page.keyboard.up("Shift");
        await poll(() => chat.composer().inputValue()).toBe("@src/shop.ts ");
        await chat.composer().fill("");
        await runCommand(page, "View: Close All Editors");
    });
});

describe("an answer that wants a tool of an MCP server", () => {
    it("gets it once somebody has started the server, chosen the tool and allowed the call", async () => {
        const {page} = vscode;
        const lens = page.locator(".codelens-decoration");
        await openFile(page, ".vscode/mcp.json");
        await lens.locator("a").filter({hasText: "Start"}).first().click();
        await lens.filter({hasText: "3 tools"}).first().waitFor();
        await runCommand(page, "Kvasir: Choose Tools for the Chat");
        const tool = page.locator(".quick-input-list .monaco-list-row").filter({hasText: "search_repo"});
        await tool.click();
        await page.locator(".quick-input-widget .monaco-button").filter({hasText: "OK"}).click();
        await tool.waitFor({state: "hidden"});
        await chat.ask("Please search for it");
        // Nothing runs before this.
        await chat.button("Allow").click();
        await chat.finished();
        expect(await chat.lastText()).toMatch(/^It found .*src\/cart\.ts/s);
        await runCommand(page, "View: Close All Editors");
    });
});

describe("a conversation", () => {
    it("whose folder cannot be written says so, stays in the panel, and is saved when it can be", async () => {
        await chat.ask("Tell me of apples");
        await chat.finished();
        // Nobody writes into a file's folder, root neither.
        const folder = conversationsFolder(vscode);
        await rename(folder, `${folder}.away`);
        await writeFile(folder, "in the way");
        await chat.ask("And of pears");
        await chat.finished();
        const alert = chat.frame.getByRole("alert");
        await poll(() => alert.innerText().catch(() => "")).toContain("This conversation is not saved");
        expect(await alert.innerText()).toContain("cannot be written");
        expect(await chat.lastText()).toBe("About pears.");
        await rm(folder);
        await rename(`${folder}.away`, folder);
        await poll(() => savedConversations(vscode)).toContain("About pears.");
        await poll(() => alert.count()).toBe(0);
        await vscode.page.reload();
        chat = await chatIn(vscode.page);
        await poll(() => chat.frame.locator(".answer .markdown").allInnerTexts()).toEqual([
            "About apples.",
            "About pears.",
        ]);
    });

    it("that two windows on the folder go on with keeps the words of both", async () => {
        await chat.ask("What is the first window?");
        await chat.finished();
        const second = await vscode.openWindow();
        await runCommand(second, "Kvasir: Conversations...");
        const there = await chatIn(second);
        await there.frame.locator(".entry-open").filter({hasText: "What is the first window"}).click();
        await poll(() => there.answers().count()).toBe(1);
        await there.ask("And pears of the second?");
        await there.finished();
        await chat.ask("And apples of the first?");
        await chat.finished();
        await poll(() => savedConversations(vscode)).toMatch(/About pears.*About apples|About apples.*About pears/s);
        await second.close();
    });
});
