import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {offsetAt} from "../../../extension/cli/text-position.js";

const at = (text: string, line: number, column: number) => offsetAt(text, line, column, "a.ts");

describe("a line and column as an offset", () => {
    test("lines and columns count from 1, the end of a line is a place", () => {
        expect(at("ab\ncd", 1, 1)).toBe(0);
        expect(at("ab\ncd", 1, 3)).toBe(2);
        expect(at("ab\ncd", 2, 3)).toBe(5);
        expect(at("", 1, 1)).toBe(0);
        expect(at("ab\n", 2, 1)).toBe(3);
    });

    test("every kind of line end ends a line and none of it is a column", () => {
        expect(at("a\r\nb\rc\nd", 2, 1)).toBe(3);
        expect(at("a\r\nb\rc\nd", 3, 2)).toBe(6);
        expect(at("a\r\nb\rc\nd", 4, 1)).toBe(7);
        expect(() => at("a\r\nb", 1, 3)).toThrow(/column 2/);
    });

    test("columns are UTF-16 units", () => {
        expect(at("😀x", 1, 3)).toBe(2);
        expect(at("é😀x", 1, 5)).toBe(4);
    });

    test.each([
        [3, 1, "it has 2 lines"],
        [0, 1, "it has 2 lines"],
        [1, 4, "line 1 ends at column 3"],
        [1, 0, "line 1 ends at column 3"],
    ])("line %d, column %d is refused", (line, column, reason) => {
        expect(() => at("ab\ncd", line, column)).toThrow(expect.objectContaining({code: "position-outside"}));
        expect(() => at("ab\ncd", line, column)).toThrow(reason);
    });

    test("agrees with counting lines from the start", () => {
        const texts = fc
            .array(fc.constantFrom("a", "😀", "\n", "\r\n", "\t"), {maxLength: 40})
            .map((all) => all.join(""));
        fc.assert(
            fc.property(texts, fc.nat(), (text, seed) => {
                const offset = seed % (text.length + 1);
                // Between \r and \n there is no place on any line.
                fc.pre(!(text[offset - 1] === "\r" && text[offset] === "\n"));
                const before = text.slice(0, offset);
                const line = before.split("\n").length;
                const column = offset - (before.lastIndexOf("\n") + 1) + 1;
                expect(at(text, line, column)).toBe(offset);
            }),
        );
    });
});
