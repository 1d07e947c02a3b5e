import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {rowWindow, scrollTo} from "../../../webview/cache-view/virtual-rows.js";

describe("the rows that exist", () => {
    test("of ten thousand, as many as are in sight and a few more", () => {
        const {start, end} = rowWindow(10_000, {scrollTop: 22 * 5000, viewHeight: 440, rowHeight: 22});
        expect(start).toBe(4992);
        expect(end).toBe(5029);
    });

    test("all of a short list", () => {
        expect(rowWindow(3, {scrollTop: 0, viewHeight: 400, rowHeight: 20})).toEqual({start: 0, end: 3});
    });

    test("none before the height is known", () => {
        expect(rowWindow(100, {scrollTop: 0, viewHeight: 400, rowHeight: 0})).toEqual({start: 0, end: 0});
    });

    test("every row in sight exists, and they are few, wherever the list is scrolled", () => {
        fc.assert(
            fc.property(
                fc.integer({min: 1, max: 20_000}),
                fc.nat(1_000_000),
                fc.integer({min: 1, max: 2000}),
                fc.integer({min: 12, max: 60}),
                (nRows, scrolled, viewHeight, rowHeight) => {
                    const scrollTop = Math.min(scrolled, Math.max(0, nRows * rowHeight - viewHeight));
                    const {start, end} = rowWindow(nRows, {scrollTop, viewHeight, rowHeight});
                    expect(start * rowHeight).toBeLessThanOrEqual(scrollTop);
                    expect(end * rowHeight).toBeGreaterThanOrEqual(Math.min(nRows * rowHeight, scrollTop + viewHeight));
                    expect(end - start).toBeLessThanOrEqual(viewHeight / rowHeight + 20);
                },
            ),
        );
    });

    test("a list that became shorter than where it was scrolled to still shows its end", () => {
        const {start, end} = rowWindow(10, {scrollTop: 100_000, viewHeight: 200, rowHeight: 20});
        expect(start).toBe(0);
        expect(end).toBe(10);
    });
});

describe("bringing a row into sight", () => {
    const view = {scrollTop: 200, viewHeight: 100, rowHeight: 20};

    test.each([
        [12, 200],
        [14, 200],
        [15, 220],
        [9, 180],
        [0, 0],
    ])("row %d", (row, expected) => {
        expect(scrollTo(row, view)).toBe(expected);
    });
});
