import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {folderCells, isFolder, type MapCell, type MapFolder} from "../../../webview/cache-view/folder-cells.js";
import {layoutMap, neighbour, type PlacedCell} from "../../../webview/cache-view/treemap.js";
import {fileStatus} from "./sample-files.js";

const byTokens = ({tokens}: {tokens: number}) => tokens;

function cellsOf(node: MapFolder | MapCell): MapCell[] {
    return isFolder(node) ? node.children.flatMap(cellsOf) : [node];
}

const files = fc.uniqueArray(
    fc.record({
        path: fc
            .array(fc.constantFrom("a", "b", "c", "d"), {minLength: 1, maxLength: 4})
            .map((parts) => parts.join("/")),
        tokens: fc.integer({min: 0, max: 1000}),
    }),
    {selector: ({path}) => path, maxLength: 60},
);
/** A name is a file or a folder, not both. */
const asFiles = (some: {path: string; tokens: number}[]) =>
    some.map(({path, tokens}) => fileStatus(`${path}.ts`, {tokens}));

describe("what becomes a rectangle", () => {
    const sample = [
        fileStatus("src/a.ts", {tokens: 100}),
        fileStatus("src/b.ts", {tokens: 50}),
        fileStatus("docs/x.md", {tokens: 10}),
        fileStatus("docs/y.md", {tokens: 5}),
        fileStatus("empty.ts", {tokens: 0}),
        fileStatus(".env", {tokens: 7, reason: "secret"}),
    ];

    test("the heaviest folders are opened first, the others stand for what is in them", () => {
        const cells = cellsOf(folderCells(sample, "", byTokens, 3));
        expect(cells.map(({path, weight, totals}) => [path, weight, totals.files])).toEqual([
            ["src/a.ts", 100, 1],
            ["src/b.ts", 50, 1],
            ["docs", 15, 2],
        ]);
    });

    test("with room enough, every file that weighs something", () => {
        expect(cellsOf(folderCells(sample, "", byTokens, 100)).map(({path}) => path)).toEqual([
            "src/a.ts",
            "src/b.ts",
            "docs/x.md",
            "docs/y.md",
        ]);
    });

    test("inside a folder", () => {
        expect(cellsOf(folderCells(sample, "docs", byTokens, 100)).map(({path}) => path)).toEqual([
            "docs/x.md",
            "docs/y.md",
        ]);
    });

    test("no weight is lost, and there are never more than allowed", () => {
        fc.assert(
            fc.property(files, fc.integer({min: 8, max: 40}), (some, maxCells) => {
                const root = folderCells(asFiles(some), "", byTokens, maxCells);
                const cells = cellsOf(root);
                const weight = some.reduce((sum, {tokens}) => sum + tokens, 0);
                expect(cells.reduce((sum, cell) => sum + cell.weight, 0)).toBe(weight);
                expect(cells.length).toBeLessThanOrEqual(maxCells);
            }),
        );
    });

    test("ten thousand files are a few hundred rectangles", () => {
        const many = Array.from({length: 10_000}, (_, n) => fileStatus(`d${n % 100}/f${n}.ts`, {tokens: 1 + (n % 50)}));
        const cells = cellsOf(folderCells(many, "", byTokens, 400));
        expect(cells.length).toBeLessThanOrEqual(400);
        expect(cells.length).toBeGreaterThan(250);
        expect(cells.reduce((sum, {totals}) => sum + totals.files, 0)).toBe(10_000);
    });
});

describe("where rectangles lie", () => {
    const place = (some: {path: string; tokens: number}[], width = 300, height = 200) =>
        layoutMap(folderCells(asFiles(some), "", byTokens, 100), {width, height});

    test("inside the box, beside each other, but for the gap around a sliver", () => {
        fc.assert(
            fc.property(files, (some) => {
                const {cells} = place(some);
                for (const {x, y, width, height} of cells) {
                    expect(x).toBeGreaterThanOrEqual(0);
                    expect(y).toBeGreaterThanOrEqual(0);
                    expect(x + width).toBeLessThanOrEqual(300.51);
                    expect(y + height).toBeLessThanOrEqual(200.51);
                }
                for (const [at, a] of cells.entries()) {
                    for (const b of cells.slice(at + 1)) {
                        const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
                        const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
                        expect(Math.min(across, down)).toBeLessThanOrEqual(0.51);
                    }
                }
            }),
        );
    });

    test("area follows weight", () => {
        const {cells} = place([
            {path: "a", tokens: 300},
            {path: "b", tokens: 100},
        ]);
        const [a, b] = ["a.ts", "b.ts"].map((path) => cells.find(({cell}) => cell.path === path) as PlacedCell);
        expect(((a?.width ?? 0) * (a?.height ?? 0)) / ((b?.width ?? 1) * (b?.height ?? 1))).toBeCloseTo(3, 1);
    });

    test("nothing in no room, and nothing of nothing", () => {
        expect(place([{path: "a", tokens: 3}], 0, 100)).toEqual({cells: [], folders: []});
        expect(place([])).toEqual({cells: [], folders: []});
    });
});

describe("arrow keys", () => {
    const at = (x: number, y: number): PlacedCell => ({
        x: x * 10,
        y: y * 10,
        width: 9,
        height: 9,
        cell: {path: `${x},${y}`, totals: {files: 1, tokens: 1, keptRows: 0, bytes: 0, fullBytes: 0}, weight: 1},
    });
    const cells = [at(0, 0), at(1, 0), at(2, 0), at(0, 1), at(1, 1), at(2, 1)];
    const go = (from: number, direction: Parameters<typeof neighbour>[2]) => neighbour(cells, from, direction);

    test("go to the next rectangle in their direction, and stay at the edge", () => {
        expect(go(0, "ArrowRight")).toBe(1);
        expect(go(1, "ArrowLeft")).toBe(0);
        expect(go(1, "ArrowDown")).toBe(4);
        expect(go(5, "ArrowUp")).toBe(2);
        expect(go(0, "ArrowLeft")).toBe(0);
        expect(go(4, "ArrowDown")).toBe(4);
    });

    test("never go back or sideways", () => {
        fc.assert(
            fc.property(files, fc.nat(), (some, n) => {
                const placed = layoutMap(folderCells(asFiles(some), "", byTokens, 60), {width: 400, height: 300}).cells;
                if (placed.length === 0) return;
                const from = n % placed.length;
                const middle = (at: number) => {
                    const {x = 0, y = 0, width = 0, height = 0} = placed[at] ?? {};
                    return {x: x + width / 2, y: y + height / 2};
                };
                for (const [direction, axis, sign] of [
                    ["ArrowUp", "y", -1],
                    ["ArrowDown", "y", 1],
                    ["ArrowLeft", "x", -1],
                    ["ArrowRight", "x", 1],
                ] as const) {
                    const to = neighbour(placed, from, direction);
                    if (to !== from) expect((middle(to)[axis] - middle(from)[axis]) * sign).toBeGreaterThan(0);
                }
            }),
        );
    });
});
