import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {budgetParts, foldersOf, totalsByFolder, totalsByTier} from "../../../webview/cache-view/totals.js";
import {fileStatus} from "./sample-files.js";

describe("totals", () => {
    const files = [
        fileStatus("a/x.ts", {tokens: 100, tier: "attended"}),
        fileStatus("a/b/y.ts", {tokens: 40}),
        fileStatus("a.b/z.ts", {tokens: 8, tier: "disk"}),
        fileStatus("top.md", {tokens: 4, tier: "known", keptRows: 0}),
        fileStatus("a/secret", {tokens: 999, tier: "known", reason: "secret"}),
    ];

    test("by tier, without what is never read", () => {
        const {attended, memory, disk, known} = totalsByTier(files);
        expect([attended.tokens, memory.tokens, disk.tokens, known.tokens]).toEqual([100, 40, 8, 4]);
        expect(attended).toEqual({files: 1, tokens: 100, keptRows: 25, bytes: 25_000, fullBytes: 100_000});
    });

    test("by folder, with everything below, in the order of a tree", () => {
        expect(
            totalsByFolder(files).map(({folder, depth, totals, resident}) => [folder, depth, totals.tokens, resident]),
        ).toEqual([
            ["", 0, 152, 2],
            ["a", 1, 140, 2],
            ["a/b", 2, 40, 1],
            ["a.b", 1, 8, 0],
        ]);
    });

    test("the folders of a path", () => {
        expect(foldersOf("a/b/c.ts")).toEqual(["", "a", "a/b"]);
        expect(foldersOf("c.ts")).toEqual([""]);
    });
});

test("the parts of the budget are never negative and never more than there is", () => {
    const bytes = fc.nat(1_000_000);
    fc.assert(
        fc.property(bytes, bytes, bytes, bytes, (attended, memory, usedBytes, limitBytes) => {
            const byTier = totalsByTier([
                fileStatus("a", {bytes: attended, tier: "attended"}),
                fileStatus("m", {bytes: memory}),
            ]);
            const parts = budgetParts({usedBytes, peakBytes: usedBytes, limitBytes}, byTier);
            for (const part of Object.values(parts)) expect(part).toBeGreaterThanOrEqual(0);
            expect(parts.attended + parts.memory + parts.other).toBe(usedBytes);
            expect(parts.attended + parts.memory + parts.other + parts.free).toBe(Math.max(usedBytes, limitBytes));
        }),
    );
});
