import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {type Pace, waitMs, withKeystroke, withLatency} from "../../../extension/core/completion/pace.js";

const after = (gaps: number[], latencies: number[]): Pace =>
    latencies.reduce(withLatency, gaps.reduce<Pace>(withKeystroke, {}));

describe("the wait after a keystroke", () => {
    test("before anything is known it is a fast typist's gap", () => {
        expect(waitMs({})).toBe(75);
    });

    test("a slow engine is asked after the burst of keys", () => {
        expect(waitMs(after([100, 100, 100], [2000]))).toBe(130);
        expect(waitMs(after([160, 160, 160], [2000]))).toBe(208);
    });

    test("a fast engine is asked almost at once, whatever the rhythm", () => {
        expect(waitMs(after([200, 200], [40]))).toBe(8);
    });

    test("a pause to think is no rhythm", () => {
        expect(waitMs(after([100, 4000, 30_000, 100], [2000]))).toBe(130);
    });

    test("a change of rhythm is followed within a few keys", () => {
        const wait = waitMs(after([...Array<number>(20).fill(60), ...Array<number>(8).fill(160)], [5000]));
        expect(wait).toBeGreaterThan(180);
    });

    test("it is never felt, and never more than a fifth of the answer", () => {
        const ms = fc.double({min: 0, max: 60_000, noNaN: true});
        fc.assert(
            fc.property(fc.array(ms), ms, (gaps, latency) => {
                const wait = waitMs(after(gaps, [latency]));
                expect(wait).toBeGreaterThanOrEqual(0);
                expect(wait).toBeLessThanOrEqual(Math.min(250, Math.ceil(latency / 5)));
            }),
        );
    });

    test("times that are none are not learned", () => {
        expect(after([Number.NaN, -5], [Number.NaN, -1])).toEqual({});
    });
});
