import {describe, expect, test} from "vitest";
import {qualityRows, type PairFigures} from "../../../extension/core/fidelity/measurements.js";

const cut = (identifiers: number | undefined, all: number, kl: number, top1: number, bytes: number) => ({
    nll: {identifiers, all},
    kl,
    top1,
    bytes,
});

const pair = (facts: Partial<PairFigures>): PairFigures => ({
    path: "a.ts",
    place: "parallel",
    fullBytes: 1000,
    none: {identifiers: 4, all: 2},
    uncut: {identifiers: 2, all: 1},
    cuts: [cut(2, 1, 0, 1, 1000), cut(3, 1.5, 0.1, 0.8, 250)],
    ...facts,
});

const cuts = [
    {policy: "full", budget: 1},
    {policy: "snapkv", budget: 0.25},
];

describe("qualityRows", () => {
    test("by hand: two pairs, one of them without shared identifiers", () => {
        const [full, snapkv] = qualityRows(cuts, [
            pair({}),
            pair({
                fullBytes: 3000,
                none: {identifiers: undefined, all: 3},
                uncut: {identifiers: undefined, all: 1},
                cuts: [cut(undefined, 1, 0, 1, 3000), cut(undefined, 2.5, 0.3, 0.6, 750)],
            }),
        ]);
        expect(full).toMatchObject({recovered: 1, recoveredInterval: [1, 1], recoveredAll: 1, kl: 0, top1: 1});
        expect(full!.bytesShare).toBe(1);
        // (4 - 3) / (4 - 2) of the one pair; over all tokens (2.5 - 2) / (2.5 - 1) of the means.
        expect(snapkv!.recovered).toBeCloseTo(0.5, 12);
        expect(snapkv!.recoveredAll).toBeCloseTo(1 / 3, 12);
        expect(snapkv!.kl).toBeCloseTo(0.2, 12);
        expect(snapkv!.top1).toBeCloseTo(0.7, 12);
        expect(snapkv!.bytesShare).toBeCloseTo(0.25, 12);
        expect(snapkv!.klInterval[0]).toBeCloseTo(0.1, 12);
        expect(snapkv!.klInterval[1]).toBeCloseTo(0.3, 12);
    });

    test("places have rows of their own", () => {
        const rows = qualityRows(cuts, [pair({}), pair({place: "sequential", none: {identifiers: 5, all: 2}})]);
        expect(rows.map(({policy, position}) => [policy, position])).toEqual([
            ["full", "parallel"],
            ["snapkv", "parallel"],
            ["full", "sequential"],
            ["snapkv", "sequential"],
        ]);
        expect(rows[1]!.recovered).toBeCloseTo(1 / 2, 12);
        expect(rows[3]!.recovered).toBeCloseTo(2 / 3, 12);
    });

    test("a figure without a value is null, never a number", () => {
        const [row] = qualityRows(cuts, [pair({uncut: {identifiers: 4.5, all: 2.5}})]);
        expect(row).toMatchObject({recovered: null, recoveredInterval: null, recoveredAll: null});
        expect(qualityRows(cuts, [])).toEqual([]);
    });
});
