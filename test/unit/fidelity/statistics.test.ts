import {describe, expect, test} from "vitest";
import {bootstrapInterval, mean, quantile, recovered} from "../../../extension/core/fidelity/statistics.js";
import {seededRandom} from "../../../extension/core/fidelity/random.js";

describe("recovered", () => {
    test("is a ratio of means, not a mean of ratios", () => {
        // Means: none 3, uncut 1.5, cut 2. By hand (3 - 2) / (3 - 1.5); the mean of both ratios would be 0.75.
        const pairs = [
            {none: 4, uncut: 2, cut: 3},
            {none: 2, uncut: 1, cut: 1},
        ];
        expect(recovered(pairs)).toBeCloseTo(2 / 3, 12);
    });

    test("has no value where the context brings nothing", () => {
        expect(recovered([{none: 1, uncut: 1.2, cut: 1.1}])).toBeNaN();
        expect(recovered([])).toBeNaN();
    });

    test("is above 1 where a cut context serves better than the whole, and below 0 where it harms", () => {
        expect(recovered([{none: 3, uncut: 2, cut: 1.5}])).toBeCloseTo(1.5, 12);
        expect(recovered([{none: 3, uncut: 2, cut: 3.5}])).toBeCloseTo(-0.5, 12);
    });
});

describe("bootstrapInterval", () => {
    test("of a mean is about 1.96 standard errors wide on both sides", () => {
        const random = seededRandom(7);
        const values = Array.from({length: 400}, random);
        const centre = mean(values);
        const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
        const error = deviation / Math.sqrt(values.length);
        const [low, high] = bootstrapInterval(values, mean);
        expect((centre - low) / error).toBeCloseTo(1.96, 0);
        expect((high - centre) / error).toBeCloseTo(1.96, 0);
    });

    test("is a point for one pair, the same every time, and leaves out draws without a value", () => {
        expect(bootstrapInterval([5], mean)).toEqual([5, 5]);
        const values = [1, 2, 3, 4, 10];
        expect(bootstrapInterval(values, mean)).toEqual(bootstrapInterval(values, mean));
        const [low, high] = bootstrapInterval([1, Number.NaN], (drawn) => drawn[0]!);
        expect([low, high]).toEqual([1, 1]);
    });
});

test("quantiles lie on straight lines between neighbours", () => {
    expect(quantile([10, 20, 30], 0.5)).toBe(20);
    expect(quantile([10, 20, 30], 0.25)).toBe(15);
    expect(quantile([10, 20, 30], 0)).toBe(10);
    expect(quantile([10, 20, 30], 1)).toBe(30);
    expect(quantile([], 0.5)).toBeNaN();
});
