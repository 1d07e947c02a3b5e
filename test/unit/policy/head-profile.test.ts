import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {isKvasirError} from "../../../extension/protocol/errors.js";
import {
    parseHeadProfile,
    profileFromCuts,
    profileRows,
    profileShares,
    serialiseHeadProfile,
    type HeadProfile,
} from "../../../extension/core/policy/head-profile.js";

const identity = {modelHash: "abc", format: "f16", policy: "aha-pooled"};
const shape = {nLayers: 2, nKvHeads: 2};
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

/** A profile whose every level has its budget as mean. */
const profile = profileFromCuts(identity, shape, [
    {share: 0.5, cuts: [{nTokens: 100, counts: [100, 60, 30, 10]}]},
    {share: 0.25, cuts: [{nTokens: 100, counts: [80, 10, 6, 4]}]},
    {share: 0.0625, cuts: [{nTokens: 400, counts: [60, 20, 12, 8]}]},
]);

describe("profileFromCuts", () => {
    it("averages the shares of the files, each file counting once", () => {
        const {budgets, nFiles} = profileFromCuts(identity, shape, [
            {
                share: 0.25,
                cuts: [
                    {nTokens: 100, counts: [80, 10, 10, 0]},
                    {nTokens: 1000, counts: [400, 300, 200, 100]},
                ],
            },
        ]);
        expect(nFiles).toBe(2);
        const expected = [0.6, 0.2, 0.15, 0.05];
        budgets[0]!.perHead.flat().forEach((x, h) => expect(x).toBeCloseTo(expected[h]!, 12));
    });
});

describe("profileShares", () => {
    it("is what was measured at the measured budgets", () => {
        const quarter = profileShares(profile, 0.25);
        [0.8, 0.1, 0.06, 0.04].forEach((x, h) => expect(quarter[h]).toBeCloseTo(x, 12));
        const sixteenth = profileShares(profile, 0.0625);
        [0.15, 0.05, 0.03, 0.02].forEach((x, h) => expect(sixteenth[h]).toBeCloseTo(x, 12));
    });

    it("lies between its neighbours, ends at 1, and falls in proportion below the lowest", () => {
        const between = profileShares(profile, 0.375);
        [0.9, 0.35, 0.18, 0.07].forEach((x, h) => expect(between[h]).toBeCloseTo(x, 12));
        expect(Array.from(profileShares(profile, 1))).toEqual([1, 1, 1, 1]);
        const tiny = profileShares(profile, 0.03125);
        [0.075, 0.025, 0.015, 0.01].forEach((x, h) => expect(tiny[h]).toBeCloseTo(x, 12));
    });

    it("has the budget as its mean, and no share above 1, at any budget and for any measured shares", () => {
        const levels = fc.array(
            fc.record({
                share: fc.double({min: 0.01, max: 1, noNaN: true}),
                perHead: fc.array(fc.array(fc.double({min: 0, max: 1, noNaN: true}), {minLength: 2, maxLength: 2}), {
                    minLength: 2,
                    maxLength: 2,
                }),
            }),
            {minLength: 1, maxLength: 4},
        );
        fc.assert(
            fc.property(levels, fc.double({min: 0.001, max: 1, noNaN: true}), (budgets, budget) => {
                fc.pre(new Set(budgets.map(({share}) => share)).size === budgets.length);
                const shares = profileShares({...profile, budgets}, budget);
                expect(sum(shares) / 4).toBeCloseTo(budget, 9);
                shares.forEach((share) => expect(share).toBeLessThanOrEqual(1 + 1e-12));
            }),
        );
    });

    it("never takes from a head when the budget grows, if the measured shares do not", () => {
        fc.assert(
            fc.property(
                fc.tuple(fc.double({min: 0.001, max: 1, noNaN: true}), fc.double({min: 0.001, max: 1, noNaN: true})),
                (pair) => {
                    const low = profileShares(profile, Math.min(...pair));
                    const high = profileShares(profile, Math.max(...pair));
                    low.forEach((share, h) => expect(high[h]!).toBeGreaterThanOrEqual(share - 1e-12));
                },
            ),
        );
    });
});

describe("profileRows", () => {
    it("sums to the budget exactly", () => {
        fc.assert(
            fc.property(fc.double({min: 0.001, max: 1, noNaN: true}), fc.nat(2000), (budget, nTokens) => {
                const rows = profileRows(profile, budget, nTokens);
                expect(sum(rows)).toBe(Math.round(budget * nTokens * 4));
                rows.forEach((count) => expect(count).toBeLessThanOrEqual(nTokens));
            }),
        );
    });
});

describe("the form on disk", () => {
    const model = {...shape, modelHash: "abc"};
    const failure = (text: string, of: typeof model = model): string => {
        try {
            parseHeadProfile(text, "p.json", of);
        } catch (error) {
            if (isKvasirError(error, "profile-mismatch")) {
                return error.message;
            }
            throw error;
        }
        throw new Error("nothing was thrown");
    };

    it("comes back as it went", () => {
        const full: HeadProfile = {
            ...profile,
            retrieval: [
                [0.1, 0.2],
                [0.3, 0.4],
            ],
        };
        expect(parseHeadProfile(serialiseHeadProfile(full), "p.json", model)).toEqual(full);
    });

    it("is the same after a restart as right after it was measured, to the last digit", () => {
        const measured = profileFromCuts(identity, shape, [
            {
                share: 0.25,
                cuts: [
                    {nTokens: 300, counts: [100, 100, 50, 50]},
                    {nTokens: 700, counts: [1, 2, 3, 694]},
                ],
            },
        ]);
        expect(parseHeadProfile(serialiseHeadProfile(measured), "p.json", model)).toEqual(measured);
    });

    it("is refused for another model or another shape", () => {
        const text = serialiseHeadProfile(profile);
        expect(failure(text, {...model, modelHash: "def"})).toMatch(/another model/);
        expect(failure(text, {...model, nLayers: 3})).toMatch(/2 layers of 2 KV heads, the model 3 of 2/);
    });

    it("is refused when it is damaged", () => {
        expect(failure("{")).toMatch(/not JSON/);
        expect(failure("{}")).toMatch(/p\.json/);
        expect(failure(JSON.stringify({...profile, version: 2}))).toMatch(/version/);
        expect(failure(JSON.stringify({...profile, budgets: []}))).toMatch(/budgets/);
        expect(
            failure(
                JSON.stringify({
                    ...profile,
                    budgets: [
                        {
                            share: 0.5,
                            perHead: [
                                [1.5, 1],
                                [1, 1],
                            ],
                        },
                    ],
                }),
            ),
        ).toMatch(/budgets\.0/);
        expect(failure(JSON.stringify({...profile, budgets: [{share: 0.5, perHead: [[0.5, 0.5]]}]}))).toMatch(
            /do not fit/,
        );
    });
});
