import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {kthLargest, takeTop} from "../../../extension/core/policy/select.js";

// Few different values, so that ties are common.
const scores = fc.array(fc.integer({min: -5, max: 5}), {minLength: 1, maxLength: 60});

describe("takeTop", () => {
    it("takes what a stable sort puts first, ties by lower index, beside what is kept already", () => {
        fc.assert(
            fc.property(
                scores,
                fc.nat(70),
                fc.array(fc.boolean(), {minLength: 60, maxLength: 60}),
                (values, count, before) => {
                    const kept = Uint8Array.from(values, (_, i) => (before[i] ? 1 : 0));
                    const expected = Array.from(kept);
                    values
                        .map((value, i) => ({value, i}))
                        .filter(({i}) => kept[i] === 0)
                        .sort((a, b) => b.value - a.value || a.i - b.i)
                        .slice(0, count)
                        .forEach(({i}) => (expected[i] = 1));
                    takeTop(Float32Array.from(values), 0, values.length, count, kept);
                    expect(Array.from(kept)).toEqual(expected);
                },
            ),
        );
    });

    it("does so among many values of both signs, zeros of both signs among them", () => {
        const value = fc.oneof(fc.float({noNaN: true}), fc.constantFrom(0, -0, 1, -1));
        const many = fc.array(value, {minLength: 256, maxLength: 700});
        fc.assert(
            fc.property(many, fc.nat(800), (values, count) => {
                const rounded = Float32Array.from(values);
                const expected = new Uint8Array(values.length);
                Array.from(rounded, (score, i) => ({score, i}))
                    .sort((a, b) => (a.score === b.score ? a.i - b.i : b.score > a.score ? 1 : -1))
                    .slice(0, count)
                    .forEach(({i}) => (expected[i] = 1));
                const kept = new Uint8Array(values.length);
                takeTop(rounded, 0, rounded.length, count, kept);
                expect(kept).toEqual(expected);
            }),
            {numRuns: 50},
        );
    });

    it("leaves everything outside its range alone", () => {
        const kept = new Uint8Array(6);
        takeTop(Float32Array.of(9, 1, 2, 3, 4, 9), 1, 5, 2, kept);
        expect(Array.from(kept)).toEqual([0, 0, 0, 1, 1, 0]);
    });

    it("refuses scores that are no numbers", () => {
        expect(() => takeTop(Float32Array.of(1, NaN), 0, 2, 1, new Uint8Array(2))).toThrow(/not a number/);
    });
});

describe("kthLargest", () => {
    it("agrees with sorting, for any order and many ties", () => {
        fc.assert(
            fc.property(fc.oneof(scores, fc.array(fc.float({noNaN: true}), {minLength: 1})), fc.nat(), (values, k) => {
                const rank = (k % values.length) + 1;
                const sorted = Float32Array.from(values).sort().reverse();
                expect(kthLargest(Float32Array.from(values), rank)).toBe(sorted[rank - 1]);
            }),
        );
    });
});
