import {describe, expect, it} from "vitest";
import {errorView} from "../../../extension/core/chat/error-help.js";
import {splitRange} from "../../../extension/core/chat/path-range.js";
import {rankPaths} from "../../../extension/core/chat/rank-paths.js";
import {commandLines} from "../../../extension/core/chat/shell-command.js";
import {plainTerminalText} from "../../../extension/core/chat/terminal-text.js";
import {tokenColours} from "../../../extension/core/chat/theme-tokens.js";
import {createReview} from "../../../extension/core/chat/edit/review.js";
import {answerView, questionView, resolveMention} from "../../../extension/host/chat/chat-view-model.js";
import {engineView} from "../../../extension/host/chat/engine-view.js";
import {reviewView} from "../../../extension/host/chat/review-view.js";
import type {EngineStatus} from "../../../extension/protocol/engine.js";
import {setTexts, t} from "../../../webview/shared/l10n.js";
import {spokenChange} from "../../../webview/chat/spoken.js";
import {initialState} from "../../../webview/chat/chat-state.js";

const paths = ["README.md", "src/cart.ts", "src/shop/cart.test.ts", "src/shop/price.ts"];
const known = {has: (path: string) => paths.includes(path), paths: () => paths};

describe("a command from an answer", () => {
    it("is run as it is shown: without prompts, and without what would hide a part of it", () => {
        expect(commandLines("$ npm ci\nadded 3 packages\n$ npm test\n")).toBe("npm ci\nnpm test");
        expect(commandLines("npm ci\r\nnpm test")).toBe("npm ci\nnpm test");
        expect(commandLines("rm a\u0008\u001b[2Kls \u202e--fr")).toBe("rm a[2Kls --fr");
    });
});

describe("terminal output", () => {
    it("is what a person would read", () => {
        const raw = "\u001b]633;A\u0007\u001b[32m✔\u001b[0m done\r\n10 %\r50 %\r100 %\r\n\u001b[?25hend\u0007";
        expect(plainTerminalText(raw)).toBe("✔ done\n100 %\nend");
    });
});

describe("paths by their letters", () => {
    it("the name counts most, open files first among equals", () => {
        expect(rankPaths("cart", paths, [], 9).files).toEqual(["src/cart.ts", "src/shop/cart.test.ts"]);
        expect(rankPaths("sp", paths, [], 9).files).toContain("src/shop/price.ts");
        expect(rankPaths("", paths, ["src/shop/price.ts"], 9)).toEqual({files: ["src/shop/price.ts"], folders: []});
        expect(rankPaths("shop", paths, [], 9).folders).toEqual(["src/shop"]);
        expect(rankPaths("zzz", paths, [], 9)).toEqual({files: [], folders: []});
    });

    it("may have lines", () => {
        expect(splitRange("src/a.ts:3-20")).toEqual({path: "src/a.ts", startLine: 3, endLine: 20});
        expect(splitRange("src/a.ts#L3-L2")).toEqual({path: "src/a.ts", startLine: 3, endLine: 3});
        expect(splitRange("src/a.ts")).toEqual({path: "src/a.ts"});
    });
});

describe("what the page is shown", () => {
    it("mentions that exist are links, the others are text", () => {
        const text = "@src/cart.ts:3-5 @src/shop/ @nowhere.ts @selection";
        const view = questionView(
            {id: "q", role: "user", text, prompt: text, attached: [], named: [], excluded: [], createdAtMs: 0},
            known,
        );
        expect(view.mentions.map(({start, end, path}) => [text.slice(start, end), path])).toEqual([
            ["@src/cart.ts:3-5", "src/cart.ts"],
            ["@src/shop/", undefined],
            ["@selection", undefined],
        ]);
        expect(resolveMention("shop/price.ts", known)).toBe("src/shop/price.ts");
    });

    it("blocks say what can be done with them, and only when the answer is whole", () => {
        const text =
            "```ts cart.ts\nx\n```\n```ts src/new.ts\nx\n```\n```sh\nls\n```\n```ts\nx\n```\nsee `src/cart.ts:7`, `README.md` and `nope.ts`";
        const turn = {id: "a", role: "assistant" as const, text, createdAtMs: 0};
        expect(
            answerView(turn, undefined, known).blocks.map(({path, isNewFile, actions}) => [
                path,
                isNewFile,
                actions[0],
            ]),
        ).toEqual([
            ["src/cart.ts", false, "apply"],
            ["src/new.ts", true, "create"],
            [undefined, false, "copy"],
            [undefined, false, "apply"],
        ]);
        expect(answerView(turn, undefined, known).files).toEqual({
            "src/cart.ts:7": {path: "src/cart.ts", line: 7},
            "README.md": {path: "README.md"},
        });
        expect(answerView(turn, {turn: "a"}, known)).toMatchObject({blocks: [], files: {}, isRunning: true});
    });

    it("a review has its hunks with lines around them", () => {
        const before = "1\n2\n3\n4\n5\n6\n7\n";
        const review = createReview("r", "x", [
            {path: "a.txt", current: before, proposed: before.replace("4", "four")},
        ]);
        const [file] = reviewView({...review, turn: undefined, missing: new Map()}, "c1").files;
        expect(file?.hunks[0]?.line).toBe(4);
        expect(file?.hunks[0]?.lines.map(({kind, text}) => `${kind[0]}${text}`)).toEqual([
            "s2",
            "s3",
            "r4",
            "afour",
            "s5",
            "s6",
        ]);
    });

    it("every failure has a way out", () => {
        for (const code of ["model-missing", "engine-stopped", "disk-full", "internal", "a-code-of-tomorrow"]) {
            const view = errorView({code, message: "it failed."});
            expect(view.remedies.length).toBeGreaterThan(0);
            expect(view.message).toBe("It failed.");
        }
    });

    it("the state of engine and workspace, the worst first", () => {
        const status: EngineStatus = {
            state: "ready",
            kv: {usedBytes: 0, peakBytes: 0, limitBytes: 0},
            disk: {bytes: 0, limitBytes: 0},
            files: {known: 1, resident: 1, onDisk: 0, attended: 0, unread: 0, refined: 0},
            tokens: {known: 0, kept: 0},
            clients: 1,
        };
        const facts = {
            connection: {name: "connected" as const, pid: 1, isFirst: true},
            status,
            isTrusted: true,
            hasFolder: true,
            known: 4,
            server: undefined,
        };
        expect(engineView(facts).state).toBe("ready");
        expect(engineView({...facts, isTrusted: false}).state).toBe("untrusted");
        expect(engineView({...facts, hasFolder: false}).state).toBe("noFolder");
        expect(engineView({...facts, connection: {name: "waiting", retryAtMs: 1, reason: ""}}).state).toBe("waiting");
        const failed = engineView({...facts, connection: {name: "failed", code: "engine-unreachable", message: "no."}});
        expect(failed).toMatchObject({state: "failed", error: {code: "engine-unreachable"}});
        const ofServer = {...status, state: "starting" as const, server: {host: "gpu:8000", kind: "vllm" as const}};
        expect(engineView({...facts, status: ofServer, server: "gpu:8000"})).toMatchObject({
            state: "idle",
            server: "gpu:8000",
        });
        const noModel = {
            ...status,
            state: "failed" as const,
            error: {code: "model-missing", message: "there is no model."},
        };
        expect(engineView({...facts, status: noModel}).error?.remedies).toContain("chooseModel");
    });
});

describe("the theme's colours", () => {
    it("the closest rule counts, of equals the last, and nothing but colours passes", () => {
        const colours = tokenColours([
            {scope: "comment", settings: {foreground: "#111111", fontStyle: "italic"}},
            {scope: ["keyword", "storage"], settings: {foreground: "#222222"}},
            {scope: "keyword.control", settings: {foreground: "#333333"}},
            {scope: "string, constant.numeric", settings: {foreground: "red; } body { display: none"}},
            {scope: "source.ts string", settings: {foreground: "#444444"}},
            {scope: "constant.numeric", settings: {foreground: "#555555"}},
            {scope: "constant.numeric", settings: {foreground: "#666666"}},
            {settings: {foreground: "#777777"}},
            {scope: 7, settings: {foreground: 8}},
        ]);
        expect(colours).toEqual({
            comment: {colour: "#111111", isItalic: true},
            keyword: {colour: "#333333"},
            meta: {colour: "#333333"},
            operator: {colour: "#222222"},
            number: {colour: "#666666"},
        });
    });
});

describe("words", () => {
    it("are in the editor's language where it has them", () => {
        setTexts({"Line {0}": "Zeile {0}"});
        expect([t("Line {0}", 3), t("{0} of {1}", 1, 2), t("constructor")]).toEqual([
            "Zeile 3",
            "1 of 2",
            "constructor",
        ]);
        setTexts({});
    });

    it("a screen reader is told the beginning and the end of an answer, not its pieces", () => {
        const turn = {
            ...answerView({id: "a", role: "assistant", text: "", createdAtMs: 0}, {turn: "a"}, known),
        };
        const state = (answer: typeof turn | undefined) => ({
            ...initialState,
            conversation: {id: "c", name: "", draft: "", turns: answer === undefined ? [] : [answer]},
        });
        const done = {...turn, isRunning: false, text: "**Yes**, `it` is."};
        expect(spokenChange(state(undefined), state(turn))).toBe("Answering.");
        expect(spokenChange(state(turn), state({...turn, text: "Yes"}))).toBeUndefined();
        expect(spokenChange(state(turn), state(done))).toBe("Answer: Yes, it is.");
        expect(spokenChange(state(done), state(done))).toBeUndefined();
        const long = {...done, text: "word ".repeat(200)};
        expect(spokenChange(state(turn), state(long))).toBe("The answer is there: 200 words.");
    });
});
