import {describe, expect, it} from "vitest";
import {cleanCommitMessage, commitQuestion} from "../../../extension/core/chat/commit-message.js";
import {parseMentions} from "../../../extension/core/chat/mention.js";
import {inlineEditText, type InlineEditSubject} from "../../../extension/core/chat/inline-edit.js";
import {mayRename, parseNames} from "../../../extension/core/chat/rename-names.js";
import {sampleQuestions} from "../../../extension/core/chat/sample-question.js";
import {likelyTargets, resolvePath} from "../../../extension/core/chat/target-file.js";

describe("a commit message", () => {
    it.each([
        ["feat: carts add up", "feat: carts add up"],
        ["```\nfeat: carts add up\n\nPrices were lost.\n```", "feat: carts add up\n\nPrices were lost."],
        ["Here is the commit message:\n\nfix: no loss", "fix: no loss"],
        ['"fix: no loss"', "fix: no loss"],
        ["**fix: no loss**\nwhy", "fix: no loss\n\nwhy"],
        ["Subject: fix: no loss", "fix: no loss"],
        ['fix: "quoted" words', 'fix: "quoted" words'],
        ["", ""],
    ])("%j", (written, expected) => {
        expect(cleanCommitMessage(written)).toBe(expected);
    });

    it("is asked for with the form of the last ones", () => {
        const question = commitQuestion("diff --git a/x b/x\n+y\n", ["feat: one", "fix: two"]);
        expect(question).toContain("- feat: one\n- fix: two");
        expect(question).toContain("```diff\ndiff --git a/x b/x\n+y\n```");
    });
});

describe("an inline edit", () => {
    const subject: InlineEditSubject = {
        path: "a.ts",
        language: "typescript",
        startLine: 2,
        endLine: 3,
        text: "    const a = 1;\n    return a;\n",
        before: "function f() {\n",
        after: "}\n",
    };
    it("takes the code at the depth of the selection, without the lines around it", () => {
        const answer = "Sure:\n```ts\nfunction f() {\n    return 1;\n}\n```";
        expect(inlineEditText(answer, subject)).toBe("    return 1;\n");
        expect(inlineEditText("```ts\nif (x) {\n    return 1;\n}\n```", subject)).toBe(
            "    if (x) {\n        return 1;\n    }\n",
        );
    });
    it("takes an answer without a fence, but not prose", () => {
        expect(inlineEditText("return 1;", subject)).toBe("    return 1;\n");
        expect(inlineEditText("SELECT name FROM users WHERE age > 3", subject)).toContain("SELECT name");
        expect(inlineEditText("I cannot do that.", subject)).toBeUndefined();
        const words = "The function `unique` is one that returns a new array, without what is there twice";
        expect(inlineEditText(words, subject)).toBeUndefined();
    });
    it("keeps Windows line endings and a selection without a last break", () => {
        const windows = {...subject, text: "    a;\r\n    b;"};
        expect(inlineEditText("```\n    c;\n    d;\n```", windows)).toBe("    c;\r\n    d;");
    });
    it.each([
        ["function a() {}\n", "function b() {}\n", "\nnew();\n\n"],
        ["function a() {}\r\n", "function b() {}\r\n", "\r\nnew();\r\n\r\n"],
        ["function a() {}\n\n", "\nfunction b() {}\n", "new();\n"],
        ["if (x) {\n", "}\n", "new();\n"],
        ["a();\n", "", "\nnew();\n"],
        ["", "a();\n", "new();\n\n"],
    ])("on an empty line between %j and %j keeps them apart", (before, after, expected) => {
        expect(inlineEditText("```\nnew();\n```", {...subject, text: "", before, after})).toBe(expected);
    });
    it("a comment stays right above what it is about", () => {
        const blank = {...subject, text: "", before: "a();\n", after: "function b() {}\n"};
        expect(inlineEditText("```\n// Does b.\n```", blank)).toBe("\n// Does b.\n");
    });
});

describe("names for a symbol", () => {
    it("are asked of models of some size, unless a person decides", () => {
        const small = {weightsBytes: 98e6, supported: true};
        const large = {weightsBytes: 4.4e9, supported: true};
        expect([mayRename("auto", small), mayRename("auto", large)]).toEqual([false, true]);
        expect([mayRename("on", small), mayRename("off", large), mayRename("on", undefined)]).toEqual([
            true,
            false,
            false,
        ]);
    });
    it("are words, once each", () => {
        expect(parseNames("1. `totalPrice`\n- sum\nsum\nold\nnot a name\n2bad\nname_5", "old")).toEqual([
            "totalPrice",
            "sum",
            "name_5",
        ]);
    });
});

describe("sample questions", () => {
    it("name files that are there", () => {
        const paths = ["README.md", "src/cart.ts", "src/main.ts", "src/price.ts", "test/cart.test.ts"];
        const questions = sampleQuestions(paths, "src/cart.ts").map(({text}) => text);
        expect(questions).toHaveLength(4);
        for (const question of questions) {
            for (const {value} of parseMentions(question)) {
                expect(paths.some((path) => path === value.replace(/[.,?]$/, "") || path.startsWith(value))).toBe(true);
            }
        }
        expect(questions[1]).toContain("src/cart.ts");
    });
    it("are none without files", () => {
        expect(sampleQuestions([], undefined)).toEqual([]);
    });
});

describe("the file that a block means", () => {
    const known = ["app/src/cart.ts", "app/src/price.ts", "lib/price.ts"];
    it("by its path, or the only one that ends with it", () => {
        expect(resolvePath("app/src/price.ts", known)).toBe("app/src/price.ts");
        expect(resolvePath("src/cart.ts", known)).toBe("app/src/cart.ts");
        expect(resolvePath("price.ts", known)).toBeUndefined();
        expect(resolvePath("project/lib/price.ts", known)).toBe("lib/price.ts");
        expect(resolvePath("new.ts", known)).toBeUndefined();
    });
    it("by what it declares", () => {
        const files = [
            {path: "a.ts", text: "export function one() {\n}\n"},
            {path: "b.ts", text: "export function two() {\n}\n"},
            {path: "c.py", text: "def two():\n    pass\n"},
        ];
        expect(likelyTargets({language: "ts", code: "function two() {\n}"}, files)).toEqual({
            paths: ["b.ts", "a.ts"],
            isClear: true,
        });
        expect(likelyTargets({language: "ts", code: "function three() {\n}"}, files).isClear).toBe(false);
    });
});
