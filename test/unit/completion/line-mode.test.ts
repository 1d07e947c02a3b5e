import {describe, expect, test} from "vitest";
import {lineMode} from "../../../extension/core/completion/line-mode.js";

/** `|` is the cursor. */
const mode = (marked: string) => {
    const at = marked.indexOf("|");
    return lineMode({before: marked.slice(0, at), after: marked.slice(at + 1)});
};

describe("how long a completion may be", () => {
    test.each([
        ["function sum(a, b) {|\n", "always"],
        ["function sum(a, b) {\n    |\n}", "always"],
        ["def sum(a, b):\n    |", "always"],
        ["def sum(a, b):|", "always"],
        ["items.map((item) =>|", "always"],
        ["call(|\n", "always"],
        ["if x; then\n    |\nfi", "always"],
        ["// Sums two numbers.\n|\n", "always"],
        ["# Sums two numbers.\n|", "always"],
        ['"""Sums."""\n|', "always"],
    ])("a block or list: %j", (marked, expected) => {
        expect(mode(marked)).toBe(expected);
    });

    test.each([
        ["const a = | + b;\n", "never"],
        ["call(|, b)\n", "never"],
        ['const a = "|";\n', "never"],
    ])("a gap in a line: %j", (marked, expected) => {
        expect(mode(marked)).toBe(expected);
    });

    test.each([
        ["const a = |\n", "auto"],
        ["|", "auto"],
        ["a();\n|\nb();", "auto"],
        ["function sum(a, b) {\n    |\n    return a + b;\n}", "auto"],
        ["function sum() {|}\n", "auto"],
        ["items.forEach(|);\n", "auto"],
    ])("as it turns out: %j", (marked, expected) => {
        expect(mode(marked)).toBe(expected);
    });
});
