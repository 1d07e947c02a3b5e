import {describe, expect, test} from "vitest";
import {packsOf} from "../../../extension/engine/reading.js";

const packs = (sizes: Iterable<number>, maxParts = 3) => [
    ...packsOf(sizes, (size) => size, {maxParts, maxTokens: 100}),
];

describe("packs of parts that share a batch", () => {
    test("are neighbours that fill it no further than it goes", () => {
        expect(packs([40, 50, 10, 20])).toEqual([[40, 50, 10], [20]]);
        expect(packs([60, 50, 50, 1])).toEqual([[60], [50, 50], [1]]);
    });

    test("have no more parts than a batch may have", () => {
        expect(packs([1, 1, 1, 1], 3)).toEqual([[1, 1, 1], [1]]);
    });

    test("are made before the parts behind them are known", () => {
        const asked: number[] = [];
        function* sizes() {
            for (const size of [60, 50, 50, 1]) {
                asked.push(size);
                yield size;
            }
        }
        expect(packsOf(sizes(), (size) => size, {maxParts: 3, maxTokens: 100}).next().value).toEqual([60]);
        expect(asked).toEqual([60, 50]);
    });

    test("leave a part alone that needs several batches", () => {
        expect(packs([250, 10, 300])).toEqual([[250], [10], [300]]);
        expect(packs([])).toEqual([]);
    });
});
