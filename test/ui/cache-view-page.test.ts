import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import type {Browser} from "playwright-core";
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from "vitest";
import type {CacheState, CacheViewProtocol} from "../../extension/protocol/webview/cache-view.js";
import type {EngineStatus, FileStatus} from "../../extension/protocol/engine.js";
import {launchChromium} from "../../scripts/vscode/chromium.mjs";
import {fileStatus} from "../unit/cache-view/sample-files.js";
import {openPageAlone, type PageAlone} from "./page-alone.js";

const MiB = 2 ** 20;
const hostileName = `src/<img src=x onerror="window.hacked=1">.ts`;
const files: FileStatus[] = [
    fileStatus("src/cart/cart.ts", {tokens: 4_000, tier: "attended", pinned: true, hits: 3, lastAttendedMs: 1}),
    fileStatus("src/cart/price.ts", {tokens: 2_000, refined: true}),
    fileStatus("src/shop.ts", {tokens: 1_000, tier: "disk"}),
    fileStatus("README.md", {tokens: 500, keptRows: 0, tier: "known"}),
    fileStatus(hostileName, {tokens: 10, keptRows: 0, tier: "known"}),
    fileStatus("data/huge.json", {tokens: 0, keptRows: 0, tier: "known", reason: "it is too large"}),
];
const engine: EngineStatus = {
    state: "ready",
    kv: {usedBytes: 40 * MiB, peakBytes: 50 * MiB, limitBytes: 100 * MiB},
    disk: {bytes: 12 * MiB, limitBytes: 1000 * MiB},
    files: {known: 6, resident: 2, onDisk: 3, attended: 1, unread: 2, refined: 1},
    tokens: {known: 7_510, kept: 1_500},
    clients: 1,
};
const state: CacheState = {
    engine,
    connection: {name: "connected"},
    sync: {name: "synced", known: 6, skipped: 1},
    budget: 0.25,
    excluded: [],
};
const profile = {
    path: "profile.json",
    ms: 1,
    budgets: [
        {
            share: 0.25,
            perHead: [
                [0.1, 0.4],
                [0.25, 0.25],
            ],
        },
    ],
};

let browser: Browser;
let view: PageAlone<CacheViewProtocol>;
beforeAll(async () => (browser = await launchChromium()));
afterAll(() => browser?.close());
beforeEach(async () => {
    view = await openPageAlone(browser, "cache-view", {width: 700, height: 900});
    await view.say("texts", {});
});
afterEach(async () => {
    // Whatever was shown: nothing was fetched, nothing was refused by the policy, nothing threw.
    expect(view.requests).toEqual([]);
    expect(view.complaints).toEqual([]);
    await view.close();
});

async function begin(): Promise<void> {
    await view.say("state", state);
    await view.say("files", {isWhole: true, changed: files, removed: []});
    await row("cart.ts").waitFor();
}
const row = (name: string) => view.page.locator(".grid-row").filter({hasText: name}).first();
const button = (name: string | RegExp) => view.page.getByRole("button", {name});
const tab = (name: string) => view.page.getByRole("tab", {name});
const names = () => view.page.locator(".files-view .grid-row .file-name").allInnerTexts();
const details = () => view.page.locator(".details");
const asked = () => view.heardOf("actOnFiles");

describe("the list of files", () => {
    it("is sorted, filtered and searched", async () => {
        await begin();
        expect((await names()).slice(0, 3)).toEqual(["cart.ts", "price.ts", "shop.ts"]);
        await view.page.getByRole("columnheader", {name: "File"}).click();
        await expect.poll(async () => (await names()).indexOf("shop.ts")).toBe((await names()).length - 1);
        await view.page.getByRole("combobox", {name: "Which files"}).selectOption("disk");
        await expect.poll(names).toEqual(["shop.ts"]);
        await view.page.getByRole("combobox", {name: "Which files"}).selectOption("all");
        await view.page.getByRole("searchbox").fill("price");
        await expect.poll(names).toEqual(["price.ts"]);
        await view.page.getByRole("searchbox").fill("nothing has this name");
        await expect.poll(() => view.page.locator(".empty").innerText()).not.toBe("");
    });

    it("says of a file what it costs and what was kept, and follows while it is read", async () => {
        await begin();
        await row("price.ts").click();
        await expect.poll(() => details().innerText()).toContain("500 rows per head (25 %)");
        await view.say("files", {
            isWhole: false,
            changed: [fileStatus("src/cart/price.ts", {tokens: 2_000, keptRows: 1_000, budget: 0.5})],
            removed: ["src/shop.ts"],
        });
        await expect.poll(() => details().innerText()).toContain("1,000 rows per head (50 %)");
        await expect.poll(names).not.toContain("shop.ts");
        await row("huge.json").click();
        await expect.poll(() => details().innerText()).toContain("it is too large");
    });

    it("acts on a file by keys and by buttons, and says when that failed", async () => {
        await begin();
        await view.page.getByRole("grid").first().focus();
        await view.page.keyboard.press("ArrowDown");
        await expect.poll(() => details().innerText()).toContain("src/cart/price.ts");
        for (const key of ["p", "r", "Delete", "h", "o"]) {
            await view.page.keyboard.press(key);
            await view.reply("actOnFiles", {isDone: true});
            await expect.poll(() => details().getAttribute("aria-busy")).toBe("false");
        }
        await button("Drop").click();
        expect((await asked()).map(({action}) => action)).toEqual([
            "pin",
            "readAgain",
            "drop",
            "heatMap",
            "open",
            "drop",
        ]);
        expect((await asked()).every(({paths}) => paths.join() === "src/cart/price.ts")).toBe(true);
        await view.fail("actOnFiles", {code: "disk-full", message: "the disk is full.", fix: "Make room."});
        await expect
            .poll(() => view.page.locator(".notice.error").innerText())
            .toContain("the disk is full. Make room.");
        await button("Dismiss").click();
        await expect.poll(() => view.page.locator(".notice.error").count()).toBe(0);
    });

    it("shows names as text, whatever they are", async () => {
        await begin();
        expect(await names()).toContain(hostileName.slice(hostileName.lastIndexOf("/") + 1));
        await row("onerror").click();
        await tab("Map").click();
        await tab("Folders").click();
        expect(await view.page.evaluate("window.hacked")).toBeUndefined();
    });
});

describe("what is said instead of numbers", () => {
    const said = () => view.page.locator(".notice").innerText();
    it.each<[string, Partial<CacheState>, string, string]>([
        ["no folder", {sync: {name: "none", known: 0, skipped: 0}}, "Open a Folder", "openFolder"],
        ["no trust", {sync: {name: "untrusted", known: 0, skipped: 0}}, "Manage Trust", "manageTrust"],
        [
            "an engine that does not run",
            {connection: {name: "failed", message: "it ended again and again.", fix: "Look at the log."}},
            "Show Log",
            "showLog",
        ],
        [
            "a model that is gone",
            {engine: {...engine, state: "failed", error: {code: "model-missing", message: "/m.gguf is not there."}}},
            "Choose a Model",
            "chooseModel",
        ],
        ["a model that is unloaded", {engine: {...engine, state: "unloaded"}}, "Start Now", "connect"],
        ["reading that is paused", {engine: {...engine, state: "paused"}}, "Resume", "resume"],
    ])("%s, with the next step", async (_what, change, step, action) => {
        await view.say("state", {...state, ...change});
        await view.say("files", {isWhole: true, changed: files, removed: []});
        await expect.poll(said).not.toBe("");
        await button(step).click();
        expect(await view.heardOf("actOnEngine")).toEqual([{action}]);
    });
});

describe("care", () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    /** Colours are the theme's. */
    const run = `axe.run(document, {rules: {"color-contrast": {enabled: false}, "region": {enabled: false}}})
        .then(({violations}) => violations.map(({id, nodes}) => id + ": " + nodes.map(({html}) => html).join(" ").slice(0, 300)))`;

    it("everything has a name and a role for a screen reader", async () => {
        await view.page.evaluate(axe);
        await view.say("state", {...state, connection: {name: "failed", message: "no.", fix: "Wait."}});
        expect(await view.page.evaluate(run)).toEqual([]);
        await begin();
        await view.say("editCost", {path: "src/shop.ts", tokens: 12, isCurrent: false});
        await row("price.ts").click();
        expect(await view.page.evaluate(run)).toEqual([]);
        for (const name of ["Map", "Folders", "Heads"]) {
            await tab(name).click();
            if (name === "Heads") await view.reply("headProfile", {profile});
            await view.page.locator(`[role=tabpanel]:not([hidden])`).waitFor();
            expect(await view.page.evaluate(run), name).toEqual([]);
        }
    });

    it("the ways to look are changed by keyboard alone", async () => {
        await begin();
        await tab("Files").focus();
        await view.page.keyboard.press("ArrowRight");
        await view.page.keyboard.press("Enter");
        await expect.poll(() => tab("Map").getAttribute("aria-selected")).toBe("true");
    });

    it("at twice the size in a narrow panel nothing is cut off sideways", async () => {
        await view.page.setViewportSize({width: 320, height: 900});
        await view.page.evaluate("document.documentElement.style.setProperty('--vscode-font-size', '26px')");
        await begin();
        await view.say("editCost", {path: "src/shop.ts", tokens: 12, isCurrent: true, seconds: 3});
        await row("price.ts").click();
        for (const name of ["Files", "Map", "Folders", "Heads"]) {
            await tab(name).click();
            if (name === "Heads") await view.reply("headProfile", {profile});
            // Cells end in an ellipsis by themselves.
            const wide = await view.page.evaluate<string[]>(`[...document.querySelectorAll("#root *")]
                .filter((one) => !one.closest(".grid-row, .grid-header, .heads, svg, .visually-hidden"))
                .filter((one) => one.getClientRects().length > 0 && one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => one.tagName + "." + one.className)`);
            expect(wide, name).toEqual([]);
        }
        expect(await view.page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    });

    it("moves nothing for those who want it still", async () => {
        await view.page.emulateMedia({reducedMotion: "reduce"});
        await begin();
        const moving = await view.page.evaluate<string[]>(`[...document.querySelectorAll("*")]
            .filter((one) => { const style = getComputedStyle(one);
                return style.animationName !== "none" || style.transitionDuration.split(", ").some((each) => parseFloat(each) > 0.001); })
            .map((one) => one.tagName + "." + one.className)`);
        expect(moving).toEqual([]);
    });
});
