import fc from "fast-check";
import ignore from "ignore";
import {describe, expect, test} from "vitest";
import {ignoreLine, withIgnoreLine, withoutIgnoreLine} from "../../../extension/host/cache-view/ignore-line.js";

/** git's rules, as the workspace is scanned. */
const ignores = (text: string, path: string) => ignore().add(text).ignores(path);

describe("a line for one file", () => {
    test.each([
        "src/a.ts",
        "a.ts",
        "app/[id]/page.tsx",
        "what?.md",
        "star*.md",
        "#notes.md",
        "!important.md",
        "dir/ends with space ",
        "back\\slash.ts",
        "größe/名前.ts",
    ])("%j is ignored, its neighbours are not", (path) => {
        const line = ignoreLine(path);
        expect(ignores(line, path)).toBe(true);
        expect(ignores(line, `other/${path}`)).toBe(false);
        expect(ignores(line, `${path}x`)).toBe(false);
    });

    test("wildcards in a name match nothing else", () => {
        expect(ignores(ignoreLine("a*c.ts"), "abc.ts")).toBe(false);
        expect(ignores(ignoreLine("a?c.ts"), "abc.ts")).toBe(false);
        expect(ignores(ignoreLine("[ab].ts"), "a.ts")).toBe(false);
    });

    test("any path is ignored by its line", () => {
        const name = fc
            .string({minLength: 1, maxLength: 8, unit: fc.constantFrom(..."ab *?[]!#\\.-_~é")})
            .filter((text) => text.trim() !== "" && !/^\.+$/.test(text));
        fc.assert(
            fc.property(fc.array(name, {minLength: 1, maxLength: 3}), (parts) => {
                const path = parts.join("/");
                expect(ignores(ignoreLine(path), path)).toBe(true);
            }),
        );
    });
});

describe("putting it in and taking it out", () => {
    test.each([
        ["", "/a\n"],
        ["*.log\n", "*.log\n/a\n"],
        ["*.log", "*.log\n/a\n"],
        ["*.log\r\n", "*.log\r\n/a\r\n"],
        ["/a\n*.log\n", "/a\n*.log\n"],
    ])("into %j", (text, expected) => {
        expect(withIgnoreLine(text, "/a")).toBe(expected);
    });

    test("only that line goes", () => {
        expect(withoutIgnoreLine("x\n/a\n/ab\n", "/a")).toBe("x\n/ab\n");
        expect(withoutIgnoreLine("x\r\n/a\r\ny", "/a")).toBe("x\r\ny");
        expect(withoutIgnoreLine("/a", "/a")).toBe("");
    });

    test("what was put in and taken out again leaves the text, with its last line ended", () => {
        const line = fc.constantFrom("*.log", "dist/", "# note", "", "!keep");
        fc.assert(
            fc.property(fc.array(line), (lines) => {
                const text = lines.map((each) => `${each}\n`).join("");
                expect(withoutIgnoreLine(withIgnoreLine(text, "/a b"), "/a b")).toBe(text);
            }),
        );
    });
});
