import {describe, expect, test} from "vitest";
import {headGrid, shade} from "../../../webview/cache-view/head-cells.js";

const profile = {
    budgets: [
        {share: 0.125, perHead: [[0.1, 0.15]]},
        {
            share: 0.25,
            perHead: [
                [0.1, 0.3],
                [0.2, 0.4],
            ],
        },
    ],
};

describe("the head profile", () => {
    test("of the budget in force, or the nearest there is", () => {
        expect(headGrid(profile, 0.3)).toMatchObject({share: 0.25, nLayers: 2, nHeads: 2, least: 0.1, most: 0.4});
        expect(headGrid(profile, 0.3)?.mean).toBeCloseTo(0.25);
        expect(headGrid(profile, 0.1)?.share).toBe(0.125);
    });

    test("without numbers there is nothing to show", () => {
        expect(headGrid({budgets: []}, 0.25)).toBeUndefined();
        expect(headGrid({budgets: [{share: 0.25, perHead: []}]}, 0.25)).toBeUndefined();
    });

    test("shades reach from the least to the most", () => {
        expect(shade(0.1, {least: 0.1, most: 0.4})).toBe(0);
        expect(shade(0.4, {least: 0.1, most: 0.4})).toBe(1);
        expect(shade(0.3, {least: 0.3, most: 0.3})).toBe(0.5);
    });
});
