import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {splitFile} from "../../../extension/core/files/split.js";
import {tokenStartsByLine, tokenStartsFromBytes} from "../../../extension/core/files/token-starts.js";

/** A stand-in tokenizer: words, single other characters, runs of spaces. Offsets are exact. */
function wordStarts(text: string): number[] {
    return [...text.matchAll(/[A-Za-z0-9_]+|[ \t]+|[^]/gu)].map((match) => match.index);
}

/** No half of a surrogate pair stands alone. */
function isWellFormed(text: string): boolean {
    return !/\p{Surrogate}/u.test(text);
}

function split(text: string, maxTokens: number) {
    return splitFile(text, wordStarts(text), {maxTokens}).map((part) => ({
        ...part,
        text: text.slice(part.start, part.end),
    }));
}

const source = `import {a} from "./a.js";
import {b} from "./b.js";

/** First. */
export function first() {
    const x = a();

    return x + 1;
}

/** Second. */
export function second() {
    const y = b();

    return y + 2;
}

export const third = 3;
`;

describe("cutting a file into parts", () => {
    test("cuts before the declaration with its comment, not at the blank line inside a body", () => {
        const parts = split(source, 85);
        expect(parts.map((part) => part.text.split("\n")[0])).toEqual(['import {a} from "./a.js";', "/** Second. */"]);
        expect(parts.map(({startLine, endLine}) => [startLine, endLine])).toEqual([
            [1, 10],
            [11, 18],
        ]);
    });

    test("without a declaration in reach, cuts at a blank line; without one, at a line", () => {
        const body = "function f() {\n    one();\n    two();\n\n    three();\n    four();\n    five();\n}\n";
        expect(split(body, 30)[0]!.text).toBe("function f() {\n    one();\n    two();\n\n");
        const dense = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\n";
        expect(split(dense, 14).map((part) => part.text)).toEqual(["a = 1\nb = 2\n", "c = 3\nd = 4\n", "e = 5\n"]);
    });

    test("a line longer than a part is cut between tokens", () => {
        const parts = split("x".repeat(3) + ",y".repeat(20), 8);
        expect(parts.length).toBeGreaterThan(3);
        expect(parts.every((part) => part.startLine === 1 && part.endLine === 1)).toBe(true);
    });

    test("one character that takes more tokens than a part may hold goes in whole", () => {
        const emoji = "👩‍🚀";
        const starts = [0, 0, 0, 2, 3, 3, 3];
        const parts = splitFile(emoji, starts, {maxTokens: 2});
        expect(parts.map((part) => emoji.slice(part.start, part.end)).join("")).toBe(emoji);
        expect(parts.every((part) => isWellFormed(emoji.slice(part.start, part.end)))).toBe(true);
    });

    test("a short file is one part, an empty one none, and a bad limit is refused", () => {
        expect(split("a\nb", 100)).toMatchObject([{startLine: 1, endLine: 2, start: 0, end: 3, nTokens: 3}]);
        expect(split("", 100)).toEqual([]);
        expect(() => split("a", 0)).toThrow(RangeError);
    });

    const line = fc.oneof(
        fc.constantFrom("", "", "    return x;", "}", "export function f() {", "  // ünïcödé 🚀🚀", "class A {"),
        fc.string({unit: "grapheme", maxLength: 30}).map((text) => text.replaceAll("\n", "")),
    );
    const file = fc.array(line, {maxLength: 120}).map((lines) => lines.join("\n"));

    test("parts, joined, are the file; each fits; lines and characters stay whole where they can", () => {
        fc.assert(
            fc.property(file, fc.integer({min: 1, max: 60}), (text, maxTokens) => {
                const starts = wordStarts(text);
                const parts = split(text, maxTokens);
                expect(parts.map((part) => part.text).join("")).toBe(text);
                let line = 1;
                for (const part of parts) {
                    const nTokens = starts.filter((start) => start >= part.start && start < part.end).length;
                    expect(nTokens).toBe(part.nTokens);
                    expect(nTokens).toBeLessThanOrEqual(maxTokens);
                    expect(isWellFormed(part.text) || !isWellFormed(text)).toBe(true);
                    expect(part.startLine).toBe(line);
                    const nLineEnds = part.text.split("\n").length - 1;
                    expect(part.endLine).toBe(line + nLineEnds - (part.text.endsWith("\n") ? 1 : 0));
                    line += nLineEnds;
                }
            }),
            {numRuns: 200},
        );
    });

    test("an edit leaves every part before it as it was", () => {
        fc.assert(
            fc.property(
                file,
                fc.integer({min: 5, max: 60}),
                fc.nat(),
                fc.string({maxLength: 40}),
                (text, maxTokens, seed, inserted) => {
                    const before = split(text, maxTokens);
                    const target = before.length < 2 ? 0 : seed % before.length;
                    if (target === 0) return;
                    // Strictly inside the part, so that the token at the cut before it stays the same too.
                    const at = before[target]!.start + Math.ceil((before[target]!.end - before[target]!.start) / 2);
                    const after = split(text.slice(0, at) + inserted + text.slice(at), maxTokens);
                    const untouched = before.slice(0, target - 1).map((part) => part.text);
                    expect(after.slice(0, target - 1).map((part) => part.text)).toEqual(untouched);
                },
            ),
            {numRuns: 200},
        );
    });

    test("appending to a file changes the last part only", () => {
        const before = split(source.repeat(6), 75);
        const after = split(source.repeat(6) + "\nexport const fourth = 4;\n", 75);
        expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
        expect(before.length).toBeGreaterThan(8);
    });
});

describe("token offsets", () => {
    test("from bytes: characters of several tokens count from their start", () => {
        // "aé🚀b": 1, 2, 4 and 1 bytes; the rocket is three tokens.
        expect([...tokenStartsFromBytes("aé🚀b", [1, 2, 1, 2, 1, 1])]).toEqual([0, 1, 2, 2, 2, 4]);
        expect([...tokenStartsFromBytes("ab cd", [3, 3], 1)]).toEqual([0, 2]);
        expect(() => tokenStartsFromBytes("abc", [1, 1])).toThrow(RangeError);
    });

    test("from counts: every line starts with its first token", () => {
        const text = "one two\n\nthree four five six";
        const starts = [...tokenStartsByLine(text, (line) => line.split(/\s+/).filter(Boolean).length)];
        expect(starts).toHaveLength(6);
        expect(starts).toContain(0);
        expect(starts).toContain(9);
        expect([...starts].sort((a, b) => a - b)).toEqual(starts);
    });
});
