import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {hunksBetween, leaveHunk, rebase, takeHunk} from "../../../extension/core/chat/edit/hunk.js";

const text = fc
    .array(fc.constantFrom("a", "b", "c", "d", "e", "", "\r"), {maxLength: 12})
    .chain((lines) => fc.boolean().map((ends) => lines.join("\n") + (ends ? "\n" : "")));

describe("hunks", () => {
    it("taking or leaving every hunk, in any order, ends where both texts agree", () => {
        fc.assert(
            fc.property(
                text,
                text,
                fc.array(fc.tuple(fc.nat(), fc.boolean()), {maxLength: 40}),
                (before, after, choices) => {
                    let [current, proposed] = [before, after];
                    let nDecided = 0;
                    for (const [at, isTaken] of choices) {
                        const hunks = hunksBetween(current, proposed);
                        const hunk = hunks[at % Math.max(1, hunks.length)];
                        if (hunk === undefined) break;
                        if (isTaken) current = takeHunk(current, hunk);
                        else proposed = leaveHunk(proposed, hunk);
                        nDecided++;
                        expect(hunksBetween(current, proposed).length).toBeLessThan(hunks.length);
                    }
                    if (choices.every(([, isTaken]) => isTaken) && hunksBetween(current, proposed).length === 0) {
                        expect(current).toBe(after);
                    }
                    if (choices.every(([, isTaken]) => !isTaken) && nDecided > 0) expect(current).toBe(before);
                },
            ),
        );
    });

    it("keeps line endings and a missing last line break", () => {
        const [hunk, ...others] = hunksBetween("a\r\nb\r\nc", "a\r\nB\r\nc");
        expect(others).toEqual([]);
        expect([hunk?.removed, hunk?.added]).toEqual([["b\r\n"], ["B\r\n"]]);
        expect(hunksBetween("a", "a\n")).toHaveLength(1);
    });

    it("two changes far apart are two hunks, two near ones are one", () => {
        const lines = Array.from({length: 20}, (_, index) => `line ${index}`);
        const change = (...at: number[]) =>
            lines.map((line, index) => (at.includes(index) ? `${line}!` : line)).join("\n");
        expect(hunksBetween(lines.join("\n"), change(2, 15))).toHaveLength(2);
        expect(hunksBetween(lines.join("\n"), change(2, 4))).toHaveLength(1);
    });
});

describe("a proposal over a file that changes meanwhile", () => {
    const lines = Array.from({length: 30}, (_, index) => `line ${index}\n`);
    const before = lines.join("");
    const after = before.replace("line 10\n", "ten\n").replace("line 20\n", "twenty\n");

    it("moves with lines inserted above", () => {
        const now = `new\nnew\n${before}`;
        expect(rebase(before, after, now)).toEqual({after: `new\nnew\n${after}`, nLost: 0});
    });

    it("gives up only what was changed in the same place", () => {
        const now = before.replace("line 10\n", "mine\n");
        expect(rebase(before, after, now)).toEqual({after: now.replace("line 20\n", "twenty\n"), nLost: 1});
    });
});
