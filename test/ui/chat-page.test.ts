import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import type {Browser} from "playwright-core";
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from "vitest";
import {launchChromium} from "../../scripts/vscode/chromium.mjs";
import type {ChatProtocol} from "../../extension/protocol/webview/chat.js";
import {answer, commands, context, conversation, engine, question, report, review} from "./chat-samples.js";
import {openPageAlone, type PageAlone} from "./page-alone.js";

let browser: Browser;
let chat: PageAlone<ChatProtocol>;
beforeAll(async () => (browser = await launchChromium()));
afterAll(() => browser?.close());
beforeEach(async () => {
    chat = await openPageAlone(browser, "chat");
    await begin();
});
afterEach(async () => {
    // Whatever was shown: nothing was fetched, nothing was refused by the policy, nothing threw.
    expect(chat.requests).toEqual([]);
    expect(chat.complaints).toEqual([]);
    await chat.close();
});

async function begin(): Promise<void> {
    await chat.say("texts", {});
    await chat.say("commands", commands);
    await chat.say("engine", engine);
    await chat.say("context", context);
}

const show = (...turns: Parameters<typeof chat.say<"conversation">>[1]["turns"]) =>
    chat.say("conversation", {...conversation, turns});
const composer = () => chat.page.getByRole("textbox", {name: "Question"});
const button = (name: string | RegExp) => chat.page.getByRole("button", {name});
const turnText = () => chat.page.locator(".answer .markdown").last().innerText();

describe("hostile answers", () => {
    const hostile = `<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"><svg onload="window.hacked = 1">

<iframe src="javascript:parent.hacked = 1"></iframe> <style>* {display: none}</style> <form action="https://evil.example"><button>go</button></form>

[click](javascript:window.hacked=1) [run](command:workbench.action.terminal.new) [data](data:text/html,<script>hacked=1</script>)
[mail](mailto:a@b.c) <javascript:alert(1)> [file](file:///etc/passwd) [up](../../../etc/passwd) [vs](vscode://x/y)
![pixel](https://evil.example/pixel.png) ![local](x.png "t")

[https://github.com/login](https://evil.example/login) https://plain.example/path

\`\`\`html "><img src=x onerror=window.hacked=1>
</code></pre><script>window.hacked = 1</script>
\`\`\`

\`<b onclick=hacked>\` | <a href="javascript:hacked=1">a</a>

[ref]: javascript:alert(1)
[ref] [ok](src/a.ts#L3)
`;

    it("run nothing, load nothing, and lead nowhere by themselves", async () => {
        await show(question("q", hostile), answer("a", hostile, {thought: hostile}));
        await chat.page.locator(".answer pre").waitFor();
        expect(await chat.page.evaluate("window.hacked")).toBeUndefined();
        const found = await chat.page.evaluate<Record<string, number>>(`({
            scripts: document.querySelectorAll("#root script, #root style, #root link, #root meta, #root base").length,
            frames: document.querySelectorAll("iframe, object, embed, form").length,
            images: document.querySelectorAll("img, video, audio, picture, .markdown svg:not(.icon)").length,
            addresses: document.querySelectorAll("#root :is([href], [src], [srcset], [action], [formaction]), .turn [style]").length,
            handlers: [...document.querySelectorAll("#root *")].filter((one) =>
                [...one.attributes].some(({name}) => name.startsWith("on"))).length,
        })`);
        expect(found).toEqual({scripts: 0, frames: 0, images: 0, addresses: 0, handlers: 0});
        // Shown as text, so that one sees what was written.
        expect(await turnText()).toContain('<img src=x onerror="window.hacked = 1">');
    });

    it("have links of the web and to files only, which say where they lead and ask the extension", async () => {
        await show(answer("a", hostile));
        const links = chat.page.locator(".answer [role=link]");
        await links.first().waitFor();
        const targets = await chat.page.evaluate(
            "[...document.querySelectorAll('.answer [role=link]')].map((one) => one.getAttribute('title'))",
        );
        expect(targets).toEqual([
            // An address that is written out, in markup that is shown as text.
            "https://evil.example/",
            "https://evil.example/pixel.png",
            "x.png",
            "https://evil.example/login",
            "https://plain.example/path",
            "src/a.ts",
        ]);
        expect(await links.nth(3).innerText()).toBe("https://github.com/login (evil.example)");
        await links.nth(3).click();
        await links.last().focus();
        await chat.page.keyboard.press("Enter");
        await expect
            .poll(async () => (await chat.heard()).map(({name, payload}) => [name, payload]))
            .toEqual([
                ["openLink", {url: "https://evil.example/login"}],
                ["openFile", {path: "src/a.ts", line: 3}],
            ]);
        expect(chat.page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    });

    it("cannot take part in the page's own names and places", async () => {
        const text = "```ts constructor\nx\n```\n`__proto__` `constructor`\n\n# Answer\n\n<div id=root></div>";
        await show(answer("a", text, {files: {}}));
        await chat.page.locator(".answer pre").waitFor();
        expect(await chat.page.locator("#root").count()).toBe(1);
        expect(await chat.page.locator("code[role=link]").count()).toBe(0);
    });

    it("that are very long or never end are shown", async () => {
        const deep = `${"> ".repeat(500)}deep\n\n${"- ".repeat(200)}x\n\n${"*".repeat(2000)}\n\n${"[".repeat(500)}\n\n\`\`\`\n${"x".repeat(100_000)}`;
        await show(answer("a", deep, {isRunning: true}));
        await chat.page.locator(".answer pre").waitFor();
        await expect.poll(turnText).toContain("deep");
    });
});

describe("an answer", () => {
    it("grows while what is already there stays: elements, selection and focus", async () => {
        await show(
            question("q", "Why?"),
            answer("a", "First **part**.\n\n```ts\nconst a = 1;\n```\n\nThen", {isRunning: true}),
        );
        const code = chat.page.locator(".answer pre");
        await code.focus();
        await chat.page.evaluate("window.kept = document.querySelector('.answer .part')");
        for (const text of [" more", ", and", " more."]) {
            await chat.say("piece", {conversation: conversation.id, turn: "a", text, thought: ""});
        }
        await expect.poll(turnText).toContain("Then more, and more.");
        expect(await chat.page.evaluate("window.kept === document.querySelector('.answer .part')")).toBe(true);
        expect(await chat.page.evaluate("document.activeElement.tagName")).toBe("PRE");
    });

    it("is stopped by its button and by Escape, and cannot be sent over", async () => {
        await show(question("q", "Why?"), answer("a", "", {isRunning: true}));
        await button("Stop (Escape)").click();
        await composer().fill("and now?");
        await composer().press("Enter");
        await composer().press("Escape");
        expect((await chat.heard()).filter(({name}) => name !== "draft").map(({name}) => name)).toEqual([
            "stop",
            "stop",
        ]);
        expect(await composer().inputValue()).toBe("and now?");
    });

    it("shows what it waits for", async () => {
        const progress = {filesDone: 1, filesTotal: 3, tokensDone: 1200, tokensTotal: 4100, path: "src/a.ts"};
        await show(question("q", "Why?"), answer("a", "", {isRunning: true, progress}));
        await expect
            .poll(() => chat.page.locator(".answer .busy").innerText())
            .toContain("Reading file 2 of 3 (1.2k of 4.1k tokens)");
    });

    it("says what it cost and saw; one click pins or leaves out and asks again", async () => {
        await chat.say("conversation", conversation);
        const footer = chat.page.locator(".report");
        await expect.poll(() => footer.innerText()).toContain("212 tokens · 42 per second · first after 340 ms");
        await footer.getByText("Saw 4 files · 5.1k file tokens reused · 0 read").click();
        const rows = footer.locator(".files").first().locator("li");
        expect((await rows.nth(2).innerText()).replace(/\s+/g, " ")).toBe(
            "src/cart/tax.ts imported imported by src/cart/price.ts 540 tokens, 25 % kept",
        );
        await button("Pin src/cart/tax.ts and ask again").click();
        await button("Leave src/shop/checkout-with-a-very-long-name.ts out and ask again").click();
        await button("Take the pin off src/cart/price.ts").first().click();
        const turn = {conversation: conversation.id, turn: "a1"};
        expect((await chat.heard()).map(({name, payload}) => [name, payload])).toEqual([
            ["again", {...turn, pin: "src/cart/tax.ts"}],
            ["again", {...turn, leaveOut: "src/shop/checkout-with-a-very-long-name.ts"}],
            ["pin", {path: "src/cart/price.ts", isPinned: false}],
        ]);
        await expect.poll(() => footer.innerText()).toContain("docs/prices.md");
    });

    it("has its reasoning folded, and unfolds it", async () => {
        await chat.say("conversation", conversation);
        const thought = chat.page.locator(".thought-text");
        expect(await thought.isVisible()).toBe(false);
        await chat.page.getByText("Thought", {exact: true}).click();
        await expect.poll(() => thought.innerText()).toContain("Tax is in tax.ts");
    });

    it("asks before a tool runs, and folds what it said", async () => {
        const use = {id: "1", name: "get_weather", arguments: '{\n  "city": "Oslo"\n}', state: "asked"} as const;
        const steps = [{text: "Let me look.", calls: [use]}];
        await show(question("q", "Weather?"), answer("a", "", {isRunning: true, steps}));
        const asked = chat.page.getByRole("group", {name: "May get_weather run?"});
        expect(await asked.innerText()).toContain('"city": "Oslo"');
        await button("Allow").focus();
        await chat.page.keyboard.press("Enter");
        // What is pressed arrives, and what is said is drawn, a moment later.
        const decided = () => chat.heardOf("decideTool");
        const allowed = {conversation: "conversation-1", turn: "a", call: "1", isAllowed: true};
        await expect.poll(decided).toEqual([allowed]);
        await button("Refuse").click();
        await expect.poll(decided).toEqual([allowed, {...allowed, isAllowed: false}]);
        const done = [{text: "Let me look.", calls: [{...use, state: "done", result: "3 degrees"} as const]}];
        await show(question("q", "Weather?"), answer("a", "It is cold.", {steps: done}));
        await expect.poll(() => asked.count()).toBe(0);
        const folded = chat.page.locator(".tool-use");
        expect(await folded.getAttribute("open")).toBeNull();
        await folded.locator("summary").click();
        expect(await folded.innerText()).toContain("3 degrees");
    });

    it("offers for each block what can be done with it, by its place only", async () => {
        await chat.say("conversation", conversation);
        await button("Apply to src/cart/cart.ts").click();
        await button("Run in the terminal…").click();
        await button("Insert at the cursor").click();
        const at = {conversation: conversation.id, turn: "a1"};
        expect(await chat.heardOf("block")).toEqual([
            {...at, index: 0, action: "apply"},
            {...at, index: 1, action: "run"},
            {...at, index: 0, action: "insert"},
        ]);
        expect(await chat.page.locator(".hljs-keyword").count()).toBeGreaterThan(0);
    });

    it("that failed says so, keeps its text, and offers the way out", async () => {
        const error = {
            code: "engine-stopped",
            message: "The engine ended.",
            fix: "Ask once more.",
            remedies: ["retry" as const, "showLog" as const],
        };
        await show(question("q", "Why?"), answer("a", "Half of it", {error}));
        await expect.poll(() => chat.page.getByRole("alert").innerText()).toContain("The engine ended.");
        expect(await turnText()).toBe("Half of it");
        await button("Try again").click();
        await button("Show the log").click();
        expect((await chat.heard()).map(({name}) => name)).toEqual(["again", "remedy"]);
    });

    it("has other versions, one click away", async () => {
        await chat.say("conversation", conversation);
        await button("Earlier version").click();
        expect(await chat.heardOf("showBranch")).toEqual([{conversation: conversation.id, turn: "a1", place: 0}]);
        expect(await button("Later version").isDisabled()).toBe(true);
    });

    it("is told to a screen reader once, when it is whole", async () => {
        await show();
        await composer().waitFor();
        await show(question("q", "Why?"), answer("a", "", {isRunning: true}));
        const live = () => chat.page.locator("[aria-live]").allInnerTexts();
        await expect.poll(live).toContain("Answering.");
        await chat.say("piece", {conversation: conversation.id, turn: "a", text: "So it is.", thought: ""});
        await expect.poll(turnText).toBe("So it is.");
        expect((await live()).join()).toBe("Answering.");
        await show(question("q", "Why?"), answer("a", "So it is.", {report}));
        await expect.poll(live).toContain("Answer: So it is.");
    });
});

describe("a question", () => {
    it("is written with mentions and commands, by keyboard alone", async () => {
        await show();
        await composer().fill("/e");
        await composer().press("Enter");
        await expect.poll(() => composer().inputValue()).toBe("/explain ");
        await composer().pressSequentially("@ca");
        await expect.poll(async () => (await chat.heardOf("mentions")).at(-1)).toEqual({letters: "ca"});
        await chat.reply("mentions", [
            {kind: "file", label: "cart.ts", detail: "src/cart", insert: "@src/cart/cart.ts"},
            {kind: "file", label: "cat.ts", detail: "src", insert: "@src/cat.ts"},
        ]);
        await chat.page.getByRole("option", {name: /cat\.ts/}).waitFor();
        await composer().press("ArrowDown");
        await expect.poll(() => composer().getAttribute("aria-activedescendant")).toBe("completion-1");
        await composer().press("Tab");
        await composer().press("Shift+Enter");
        await composer().pressSequentially("please");
        await composer().press("Enter");
        expect(await chat.heardOf("send")).toEqual([
            {conversation: conversation.id, text: "/explain @src/cat.ts \nplease", excluded: []},
        ]);
        await expect.poll(() => composer().inputValue()).toBe("");
    });

    it("Enter before the list is there takes what comes first, and asks when nothing does", async () => {
        await show();
        await composer().pressSequentially("see @ca");
        await expect.poll(async () => (await chat.heardOf("mentions")).at(-1)).toEqual({letters: "ca"});
        await composer().press("Enter");
        await chat.reply("mentions", [{kind: "file", label: "cat.ts", detail: "src", insert: "@src/cat.ts"}]);
        await expect.poll(() => composer().inputValue()).toBe("see @src/cat.ts ");
        await composer().pressSequentially("@nobody");
        await expect.poll(async () => (await chat.heardOf("symbols")).at(-1)).toEqual({letters: "nobody"});
        await composer().press("Enter");
        await chat.reply("mentions", []);
        expect(await chat.heardOf("send")).toEqual([]);
        await chat.reply("symbols", []);
        await expect
            .poll(async () => (await chat.heardOf("send")).map(({text}) => text))
            .toEqual(["see @src/cat.ts @nobody"]);
    });

    it("a key right behind the one that takes a mention is typed behind the mention", async () => {
        await show();
        await composer().pressSequentially("see @ca");
        await expect.poll(async () => (await chat.heardOf("mentions")).at(-1)).toEqual({letters: "ca"});
        await chat.reply("mentions", [{kind: "file", label: "cat.ts", detail: "src", insert: "@src/cat.ts"}]);
        await chat.page.getByRole("option", {name: /cat\.ts/}).waitFor();
        // Both before a frame is drawn, as on a busy machine.
        await chat.page.evaluate(`{
            const area = document.querySelector(".composer textarea");
            area.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}));
            document.execCommand("insertText", false, "now");
        }`);
        await expect.poll(() => composer().inputValue()).toBe("see @src/cat.ts now");
    });

    it("a list that was closed because the focus went comes back with it", async () => {
        await show();
        await composer().pressSequentially("@ca");
        await expect.poll(async () => (await chat.heardOf("mentions")).at(-1)).toEqual({letters: "ca"});
        await chat.reply("mentions", [{kind: "file", label: "cat.ts", detail: "src", insert: "@src/cat.ts"}]);
        const option = chat.page.getByRole("option", {name: /cat\.ts/});
        await option.waitFor();
        const nAsked = (await chat.heardOf("mentions")).length;
        await composer().blur();
        await option.waitFor({state: "hidden"});
        await composer().focus();
        await expect.poll(async () => (await chat.heardOf("mentions")).length).toBeGreaterThan(nAsked);
        await chat.reply("mentions", [{kind: "file", label: "cat.ts", detail: "src", insert: "@src/cat.ts"}]);
        await option.waitFor();
    });

    it("says what it will see; the active file can be left out, the selection put in", async () => {
        await show();
        await chat.page.locator(".chips").getByRole("button", {name: "cart.ts"}).click();
        await button("lines 12-18").click();
        await composer().press("Enter");
        expect(await chat.heardOf("send")).toEqual([
            {conversation: conversation.id, text: "@selection ", excluded: ["src/cart/cart.ts"]},
        ]);
    });

    it("its draft is kept by the extension, and comes back with the conversation", async () => {
        await show();
        await composer().fill("half a th");
        await expect.poll(() => chat.heardOf("draft")).toEqual([{conversation: conversation.id, text: "half a th"}]);
        await chat.say("conversation", {...conversation, id: "other", draft: "another draft"});
        await expect.poll(() => composer().inputValue()).toBe("another draft");
    });

    it("can be written anew: by its button, or by the arrow key from an empty question", async () => {
        await chat.say("conversation", conversation);
        await composer().focus();
        await composer().press("ArrowUp");
        const area = chat.page.getByRole("textbox", {name: "The question, to be written anew"});
        await area.fill("Why, really?");
        await area.press("Enter");
        expect(await chat.heardOf("edit")).toEqual([{conversation: conversation.id, turn: "q1", text: "Why, really?"}]);
        await button("Edit and ask again").click();
        await area.press("Escape");
        await expect.poll(() => area.count()).toBe(0);
    });

    it("an empty conversation offers questions about this repository", async () => {
        await show();
        await button(context.samples[1]!).click();
        await expect.poll(() => composer().inputValue()).toBe(context.samples[1]);
    });

    it("files that are dropped become mentions", async () => {
        await show();
        await chat.page.evaluate(`{
            const data = new DataTransfer();
            data.setData("text/uri-list", "file:///w/src/a.ts\\r\\nfile:///elsewhere/b.ts");
            document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }`);
        expect(await chat.heardOf("drop")).toEqual([{uris: ["file:///w/src/a.ts", "file:///elsewhere/b.ts"]}]);
        await chat.reply("drop", {mentions: ["@src/a.ts"], nOutside: 1});
        await expect.poll(() => composer().inputValue()).toBe("@src/a.ts ");
        await expect.poll(() => chat.page.locator(".news").innerText()).toContain("One file is not among those");
    });
});

describe("conversations", () => {
    const entries = [
        {
            id: "conversation-1",
            name: "Why is the total too low?",
            updatedAtMs: Date.now() - 300_000,
            nTurns: 4,
            isRunning: false,
        },
        {
            id: "conversation-2",
            name: "How do tests run?",
            updatedAtMs: Date.now() - 90_000_000,
            nTurns: 2,
            isRunning: true,
        },
    ];

    it("are listed, searched, opened and deleted by keyboard", async () => {
        await chat.say("conversation", conversation);
        await chat.say("focus", {part: "history"});
        const search = chat.page.getByRole("searchbox");
        await search.waitFor();
        await chat.reply("history", entries);
        await chat.page
            .getByRole("button", {name: /How do tests run/})
            .first()
            .waitFor();
        await search.fill("tests");
        await expect.poll(async () => (await chat.heardOf("history")).at(-1)).toEqual({search: "tests"});
        await chat.reply("history", entries.slice(1));
        await expect.poll(() => chat.page.locator(".entry").count()).toBe(1);
        await search.press("ArrowDown");
        await chat.page.keyboard.press("Delete");
        await expect.poll(() => chat.page.locator(".entry").count()).toBe(0);
        expect(await chat.heardOf("deleteConversation")).toEqual([{conversation: "conversation-2"}]);
        await search.press("Escape");
        await expect.poll(() => search.isVisible()).toBe(false);
    });

    it("a deleted one is brought back by one click", async () => {
        await chat.say("conversation", conversation);
        await chat.say("deleted", {conversation: "conversation-2", name: "How do tests run?"});
        await button("Undo").click();
        expect(await chat.heardOf("restoreConversation")).toEqual([{conversation: "conversation-2"}]);
        await expect.poll(() => button("Undo").count()).toBe(0);
    });

    it("are renamed in place", async () => {
        await chat.say("conversation", conversation);
        await button(/rename this conversation/).click();
        await chat.page.getByRole("textbox", {name: "Name of the conversation"}).fill("Taxes");
        await chat.page.keyboard.press("Enter");
        expect(await chat.heardOf("renameConversation")).toEqual([{conversation: conversation.id, name: "Taxes"}]);
    });

    it("that cannot be saved say so", async () => {
        await chat.say("conversation", conversation);
        await chat.say("unsaved", {
            error: {code: "disk-full", message: "The disk is full.", remedies: ["retry", "settings"]},
        });
        await expect
            .poll(() => chat.page.getByRole("alert").innerText())
            .toContain("This conversation is not saved: The disk is full.");
        await chat.say("unsaved", {});
        await expect.poll(() => chat.page.getByRole("alert").count()).toBe(0);
    });
});

describe("a review", () => {
    it("is decided hunk by hunk with keys, and the focus goes to the next change", async () => {
        await chat.say("conversation", conversation);
        await chat.say("reviews", [review]);
        const hunks = chat.page.locator(".hunk");
        await hunks.first().focus();
        await chat.page.keyboard.press("a");
        const [file] = review.files;
        await chat.say("reviews", [{...review, files: [{...file!, hunks: file!.hunks.slice(1)}, review.files[1]!]}]);
        await expect.poll(() => hunks.count()).toBe(1);
        await expect.poll(() => chat.page.evaluate("document.activeElement.className")).toBe("hunk");
        await chat.page.keyboard.press("r");
        await button("Accept all").click();
        const at = {review: review.id, path: "src/cart/cart.ts"};
        expect(await chat.heardOf("decide")).toEqual([
            {...at, hunk: "h1", isAccepted: true},
            {...at, hunk: "h2", isAccepted: false},
            {review: review.id, isAccepted: true},
        ]);
    });

    it("of an inline edit stays in the conversation in which it was asked for", async () => {
        const {turn: _none, ...loose} = review;
        await chat.say("conversation", conversation);
        await chat.say("reviews", [loose]);
        await chat.page.locator(".review").waitFor();
        await chat.say("conversation", {...conversation, id: "other", turns: []});
        await expect.poll(() => chat.page.locator(".review").count()).toBe(0);
        await chat.say("conversation", conversation);
        await chat.page.locator(".review").waitFor();
    });
});

describe("care", () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    /** Colours are the theme's. */
    const run = `axe.run(document, {rules: {"color-contrast": {enabled: false}, "region": {enabled: false}}})
        .then(({violations}) => violations.map(({id, nodes}) => id + ": " + nodes.map(({html}) => html).join(" ").slice(0, 300)))`;

    it("everything has a name and a role for a screen reader", async () => {
        await chat.page.evaluate(axe);
        await show();
        expect(await chat.page.evaluate(run)).toEqual([]);
        await chat.say("conversation", conversation);
        await chat.say("reviews", [review]);
        await chat.say("deleted", {conversation: "x", name: "Deleted"});
        await chat.page.locator(".review").waitFor();
        await chat.page.locator(".saw summary").click();
        await composer().fill("@");
        await chat.reply("mentions", [
            {kind: "file", label: "cart.ts", detail: "src/cart", insert: "@src/cart/cart.ts"},
        ]);
        await chat.page.getByRole("option").waitFor();
        expect(await chat.page.evaluate(run)).toEqual([]);
        await chat.say("focus", {part: "history"});
        await chat.page.getByRole("searchbox").waitFor();
        await chat.reply("history", [{id: "c", name: "One", updatedAtMs: 0, nTurns: 2, isRunning: false}]);
        await chat.page.locator(".entry").waitFor();
        expect(await chat.page.evaluate(run)).toEqual([]);
    });

    it("all of it can be reached and used with Tab alone", async () => {
        await chat.say("conversation", conversation);
        await chat.say("reviews", [review]);
        await chat.page.locator(".review").waitFor();
        const reached = new Set<string>();
        await chat.page.evaluate("document.body.focus()");
        for (let n = 0; n < 80; n++) {
            await chat.page.keyboard.press("Tab");
            reached.add(
                await chat.page.evaluate<string>(
                    "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent",
                ),
            );
        }
        const buttons = await chat.page.evaluate<
            string[]
        >(`[...document.querySelectorAll("button:enabled, summary, textarea, pre, .hunk")]
            .filter((one) => one.checkVisibility())
            .map((one) => one.getAttribute("aria-label") ?? one.textContent)`);
        expect(buttons.filter((name) => !reached.has(name))).toEqual([]);
    });

    it("at twice the size in a narrow panel nothing is cut off sideways", async () => {
        await chat.page.setViewportSize({width: 320, height: 700});
        await chat.page.evaluate("document.documentElement.style.setProperty('--vscode-font-size', '26px')");
        await chat.say("conversation", conversation);
        await chat.say("reviews", [review]);
        await chat.page.locator(".saw summary").click();
        // What scrolls by itself (code, tables) may be wider.
        const wide = await chat.page.evaluate<string[]>(`[...document.querySelectorAll("#root *")]
            .filter((one) => !one.closest("pre, .hunk-lines, table, svg") && one.getClientRects().length > 0)
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".visually-hidden"))
            .map((one) => one.tagName + "." + one.className)`);
        expect(wide).toEqual([]);
        expect(await chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    });

    it("moves nothing for those who want it still", async () => {
        await chat.page.emulateMedia({reducedMotion: "reduce"});
        await show(question("q", "Why?"), answer("a", "", {isRunning: true}));
        const pulse = chat.page.locator(".pulse");
        await pulse.waitFor();
        expect(await chat.page.evaluate("getComputedStyle(document.querySelector('.pulse')).animationName")).toBe(
            "none",
        );
    });
});
