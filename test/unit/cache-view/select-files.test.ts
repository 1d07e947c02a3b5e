import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {keptShare, selectFiles} from "../../../webview/cache-view/select-files.js";
import {columns, type Chosen} from "../../../webview/cache-view/state.js";
import {fileStatus} from "./sample-files.js";

const files = [
    fileStatus("src/core/cut.ts", {tokens: 400, hits: 3, tier: "attended", lastAttendedMs: 50}),
    fileStatus("src/host/chat.ts", {tokens: 900, pinned: true, refined: true}),
    fileStatus("README.md", {tokens: 50, tier: "disk"}),
    fileStatus("src/core/split.ts", {tokens: 400, keptRows: 0, tier: "known"}),
    fileStatus(".env", {tokens: 0, keptRows: 0, tier: "known", reason: "secret"}),
];
const select = (change: Partial<Pick<Chosen, "search" | "filter" | "sort">>) =>
    selectFiles(files, {search: "", filter: "all", sort: {column: "path", isDescending: false}, ...change}).map(
        ({path}) => path,
    );

describe("which files are shown", () => {
    test("every word of the search, in any order, whatever the case", () => {
        expect(select({search: "CORE src"})).toEqual(["src/core/cut.ts", "src/core/split.ts"]);
        expect(select({search: "  "})).toHaveLength(5);
        expect(select({search: "nothing"})).toEqual([]);
    });

    test.each([
        ["attended", ["src/core/cut.ts"]],
        ["memory", ["src/host/chat.ts"]],
        ["disk", ["README.md"]],
        ["known", ["src/core/split.ts"]],
        ["unread", [".env"]],
        ["pinned", ["src/host/chat.ts"]],
    ] as const)("only those that are %s", (filter, expected) => {
        expect(select({filter})).toEqual(expected);
    });
});

describe("their order", () => {
    test("equal ones by path, also when the order is turned", () => {
        expect(select({sort: {column: "tokens", isDescending: true}})).toEqual([
            "src/host/chat.ts",
            "src/core/cut.ts",
            "src/core/split.ts",
            "README.md",
            ".env",
        ]);
    });

    test("tiers from the nearest to the model to what is never read", () => {
        expect(select({sort: {column: "tier", isDescending: false}})).toEqual([
            "src/core/cut.ts",
            "src/host/chat.ts",
            "README.md",
            "src/core/split.ts",
            ".env",
        ]);
    });

    test("is total for every column", () => {
        const file = fc
            .record({
                path: fc.string({minLength: 1, maxLength: 6}),
                tokens: fc.nat(3),
                hits: fc.nat(2),
                refined: fc.boolean(),
            })
            .map(({path, ...change}) => fileStatus(path, change));
        fc.assert(
            fc.property(
                fc.uniqueArray(file, {selector: ({path}) => path}),
                fc.constantFrom(...columns),
                fc.boolean(),
                (some, column, isDescending) => {
                    const choice = {search: "", filter: "all", sort: {column, isDescending}} as const;
                    const once = selectFiles(some, choice);
                    expect(selectFiles([...some].reverse(), choice)).toEqual(once);
                    expect(new Set(once)).toEqual(new Set(some));
                },
            ),
        );
    });
});

test("the kept share of a file", () => {
    expect(keptShare({tokens: 200, keptRows: 50})).toBe(0.25);
    expect(keptShare({tokens: 0, keptRows: 0})).toBe(0);
});
