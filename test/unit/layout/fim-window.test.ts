import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {defaultFimWindow, fimWindow} from "../../../extension/core/layout/fim-window.js";

const count = (text: string) => Math.ceil(text.length / 4);
const file = (nLines: number) => Array.from({length: nLines}, (_, i) => `line ${i};\n`).join("");
/** Offset of the start of a 0-based line. */
const lineStart = (text: string, line: number) =>
    text.split("\n").slice(0, line).join("\n").length + (line > 0 ? 1 : 0);

describe("how much of a file the prompt holds", () => {
    test("a short file whole", () => {
        const text = file(20);
        const offset = lineStart(text, 7);
        expect(fimWindow(text, offset, count)).toEqual({
            textBefore: text.slice(0, offset),
            textAfter: text.slice(offset),
            start: 0,
        });
    });

    test("of a long one at least the lines asked for before, and those after", () => {
        const text = file(2000);
        const {textBefore, textAfter} = fimWindow(text, lineStart(text, 1000), count);
        expect(textBefore.split("\n").length - 1).toBe(1000 - 704);
        expect(textAfter.split("\n").length - 1).toBe(64);
    });

    test("typing line after line leaves the beginning where it is, for as many lines as a step", () => {
        const text = file(2000);
        const starts = Array.from({length: 128}, (_, i) => fimWindow(text, lineStart(text, 1000 + i), count).start);
        expect(new Set(starts).size).toBeLessThanOrEqual(3);
    });

    test("long lines: fewer of them, cut inside one only when it alone is too long", () => {
        const text = `${"x".repeat(300)}\n`.repeat(300);
        const {textBefore, start} = fimWindow(text, lineStart(text, 200), count);
        expect(count(textBefore)).toBeLessThanOrEqual(defaultFimWindow.maxTokens * 0.75);
        expect(text[start - 1]).toBe("\n");
        const oneLine = "y".repeat(100_000);
        const window = fimWindow(oneLine, 50_000, count);
        expect(count(window.textBefore)).toBeLessThanOrEqual(1536);
        expect(window.textBefore.length).toBeGreaterThan(1000);
        expect(window.textAfter.length).toBeGreaterThan(500);
    });

    test("both sides fit, stand around the cursor, and halve no character", () => {
        const line = fc.oneof(
            fc.constant("    foo(bar);"),
            fc.string({unit: "grapheme", maxLength: 200}),
            fc.constant("🚀".repeat(60)),
        );
        fc.assert(
            fc.property(
                fc.array(line, {maxLength: 150}),
                fc.nat(),
                fc.integer({min: 40, max: 800}),
                (lines, seed, maxTokens) => {
                    const text = lines.join("\n");
                    const at = text.length === 0 ? 0 : seed % (text.length + 1);
                    const isInside =
                        /[\uDC00-\uDFFF]/.test(text[at] ?? "") && /[\uD800-\uDBFF]/.test(text[at - 1] ?? "");
                    const offset = isInside ? at - 1 : at;
                    const {textBefore, textAfter, start} = fimWindow(text, offset, count, {
                        ...defaultFimWindow,
                        maxTokens,
                    });
                    expect(text.slice(start, offset)).toBe(textBefore);
                    expect(text.slice(offset).startsWith(textAfter)).toBe(true);
                    expect(count(textBefore) + count(textAfter)).toBeLessThanOrEqual(maxTokens);
                    expect(/\p{Surrogate}/u.test(textBefore)).toBe(false);
                    expect(/\p{Surrogate}/u.test(textAfter)).toBe(false);
                },
            ),
            {numRuns: 200},
        );
    });
});
