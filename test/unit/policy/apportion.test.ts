import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {apportion, waterFill} from "../../../extension/core/policy/apportion.js";
import {divide} from "../../reference/paper-cuts.js";

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

describe("apportion", () => {
    const problem = fc
        .array(fc.record({weight: fc.nat(20), cap: fc.nat(30)}), {minLength: 1, maxLength: 12})
        .chain((heads) => fc.record({heads: fc.constant(heads), total: fc.nat(400)}));

    it("gives out exactly the total, or all there is, and never more than a cap", () => {
        fc.assert(
            fc.property(problem, ({heads, total}) => {
                const caps = heads.map(({cap}) => cap);
                const counts = apportion(
                    heads.map(({weight}) => weight),
                    caps,
                    total,
                );
                expect(sum(counts)).toBe(Math.min(total, sum(caps)));
                counts.forEach((count, h) => expect(count).toBeLessThanOrEqual(caps[h]!));
            }),
        );
    });

    it("gives a heavier head at least as much", () => {
        fc.assert(
            fc.property(
                fc.array(fc.integer({min: 1, max: 50}), {minLength: 2, maxLength: 10}),
                fc.nat(100),
                (weights, total) => {
                    const counts = apportion(weights, new Array<number>(weights.length).fill(20), total);
                    weights.forEach((a, i) =>
                        weights.forEach((b, j) => {
                            if (a > b) {
                                expect(counts[i]!).toBeGreaterThanOrEqual(counts[j]!);
                            }
                        }),
                    );
                },
            ),
        );
    });

    it("agrees with a division found by bisection", () => {
        fc.assert(
            fc.property(
                fc.array(fc.integer({min: 1, max: 97}), {minLength: 2, maxLength: 10}),
                fc.nat(99),
                (weights, share) => {
                    const cap = 40;
                    const total = Math.floor((share / 100) * cap * weights.length);
                    expect(Array.from(apportion(weights, new Array<number>(weights.length).fill(cap), total))).toEqual(
                        divide(weights, cap, total),
                    );
                },
            ),
        );
    });

    it("fills heads without weight only when the others are full", () => {
        expect(Array.from(apportion([0, 1, 3], [10, 5, 5], 8))).toEqual([0, 3, 5]);
        expect(Array.from(apportion([0, 1, 3], [10, 5, 5], 13))).toEqual([3, 5, 5]);
        expect(Array.from(apportion([0, 0], [4, 4], 3))).toEqual([2, 1]);
    });
});

describe("waterFill", () => {
    it("keeps uncapped amounts in proportion to their weights", () => {
        expect(Array.from(waterFill([1, 2, 8], [10, 10, 10], 19))).toEqual([3, 6, 10]);
    });
});
