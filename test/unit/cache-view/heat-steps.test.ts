import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {meanShare, runsByStep, sharesAfter, stepOf, stepStarts} from "../../../extension/host/heat-map/heat-steps.js";

describe("the steps of the heat map", () => {
    test.each([
        [0, 0],
        [0.0999, 0],
        [0.1, 1],
        [0.25, 2],
        [0.6, 3],
        [0.75, 4],
        [1, 4],
        [-0.1, 0],
        [Number.NaN, 0],
    ])("a share of %d is step %d", (share, step) => {
        expect(stepOf(share)).toBe(step);
    });

    test("neighbouring lines of one step are one run", () => {
        expect(runsByStep([0, 0.05, 0.3, 0.3, 0.9, 0])).toEqual([
            [
                {start: 0, end: 1},
                {start: 5, end: 5},
            ],
            [],
            [{start: 2, end: 3}],
            [],
            [{start: 4, end: 4}],
        ]);
    });

    test("every line is in exactly one run, of its own step", () => {
        fc.assert(
            fc.property(fc.array(fc.double({min: 0, max: 1, noNaN: true}), {maxLength: 200}), (shares) => {
                const steps: number[] = [];
                for (const [step, runs] of runsByStep(shares).entries()) {
                    for (const {start, end} of runs) for (let line = start; line <= end; line++) steps[line] = step;
                }
                expect(steps).toHaveLength(shares.length);
                for (const [line, share] of shares.entries()) {
                    expect(share).toBeGreaterThanOrEqual(stepStarts[steps[line] as 0]);
                    expect(share).toBeLessThan([...stepStarts, 2][(steps[line] ?? 0) + 1] as number);
                }
            }),
        );
    });

    test("follow their lines through edits", () => {
        const shares = [0.1, 0.2, 0.3, 0.4];
        expect(sharesAfter(shares, [{line: 1, nRemoved: 0, nInserted: 2}])).toEqual([0.1, 0.2, 0, 0, 0.3, 0.4]);
        expect(sharesAfter(shares, [{line: 0, nRemoved: 2, nInserted: 0}])).toEqual([0.1, 0.4]);
        expect(
            sharesAfter(shares, [
                {line: 0, nRemoved: 0, nInserted: 1},
                {line: 2, nRemoved: 1, nInserted: 0},
            ]),
        ).toEqual([0.1, 0, 0.2, 0.3]);
    });

    test("the mean", () => {
        expect(meanShare([0.5, 0, 1])).toBe(0.5);
        expect(meanShare([])).toBe(0);
    });
});
