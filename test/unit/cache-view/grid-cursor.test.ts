import {describe, expect, test} from "vitest";
import {moveCursor} from "../../../webview/cache-view/grid-cursor.js";

const size = {firstRow: -1, nRows: 100, nColumns: 5, pageRows: 10};
const move = (row: number, column: number, key: string, ctrlKey = false) =>
    moveCursor({row, column}, {key, ctrlKey}, size);

describe("keys in a grid", () => {
    test.each([
        [0, 0, "ArrowDown", {row: 1, column: 0}],
        [99, 0, "ArrowDown", {row: 99, column: 0}],
        [0, 2, "ArrowUp", {row: -1, column: 2}],
        [-1, 2, "ArrowUp", {row: -1, column: 2}],
        [4, 4, "ArrowRight", {row: 4, column: 4}],
        [4, 0, "ArrowLeft", {row: 4, column: 0}],
        [4, 2, "PageDown", {row: 14, column: 2}],
        [95, 2, "PageDown", {row: 99, column: 2}],
        [4, 2, "PageUp", {row: 0, column: 2}],
        [-1, 2, "PageUp", {row: -1, column: 2}],
        [4, 2, "Home", {row: 4, column: 0}],
        [4, 2, "End", {row: 4, column: 4}],
    ])("from %d, %d by %s", (row, column, key, expected) => {
        expect(move(row, column, key)).toEqual(expected);
    });

    test("with Ctrl to the corners", () => {
        expect(move(4, 2, "Home", true)).toEqual({row: 0, column: 0});
        expect(move(4, 2, "End", true)).toEqual({row: 99, column: 4});
    });

    test("other keys do not move", () => {
        expect(move(4, 2, "a")).toBeUndefined();
    });

    test("an empty list has only its header", () => {
        expect(moveCursor({row: -1, column: 0}, {key: "ArrowDown", ctrlKey: false}, {...size, nRows: 0})).toEqual({
            row: -1,
            column: 0,
        });
    });
});
