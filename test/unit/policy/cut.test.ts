import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {isKvasirError} from "../../../extension/protocol/errors.js";
import {budgetRows, cut, type CutInput} from "../../../extension/core/policy/cut.js";
import type {HeadProfile} from "../../../extension/core/policy/head-profile.js";
import {isFull, policyNeeds, type Policy, type ScoringPolicy} from "../../../extension/core/policy/policy.js";
import {policyByName, policyNames, presets} from "../../../extension/core/policy/presets.js";

const shape = {nLayers: 3, nKvHeads: 2, headDim: 4};
const nHeads = 6;

const profile: HeadProfile = {
    version: 1,
    modelHash: "m",
    format: "f16",
    nLayers: 3,
    nKvHeads: 2,
    policy: "aha-pooled",
    nFiles: 3,
    budgets: [
        {
            share: 0.5,
            perHead: [
                [1, 0.2],
                [0.7, 0.3],
                [0.6, 0.2],
            ],
        },
        {
            share: 0.125,
            perHead: [
                [0.5, 0.02],
                [0.1, 0.05],
                [0.06, 0.02],
            ],
        },
    ],
    retrieval: [
        [0.8, 0.1],
        [0.2, 0],
        [0.05, 0.4],
    ],
};
const layerSimilarity = Float64Array.of(0.5, 0.9, 0.7);

const measured = (nTokens: number, value: fc.Arbitrary<number>): fc.Arbitrary<Float32Array> =>
    fc.array(value, {minLength: nHeads * nTokens, maxLength: nHeads * nTokens}).map((x) => Float32Array.from(x));

/** Any preset, any budget, any file; scores with many ties. */
const anyCut: fc.Arbitrary<CutInput> = fc
    .record({
        name: fc.constantFrom(...policyNames),
        nTokens: fc.integer({min: 0, max: 60}),
        budget: fc.double({min: 0.01, max: 1, noNaN: true}),
    })
    .chain(({name, nTokens, budget}) =>
        fc.record({
            policy: fc.constant(policyByName(name)),
            budget: fc.constant(budget),
            shape: fc.constant(shape),
            nTokens: fc.constant(nTokens),
            scores: measured(nTokens, fc.nat(8)),
            valueNorms: measured(nTokens, fc.integer({min: 1, max: 5})),
            valueNormsL1: measured(nTokens, fc.integer({min: 1, max: 5})),
            profile: fc.constant(profile),
            layerSimilarity: fc.constant(layerSimilarity),
            pins: fc.array(fc.nat(70), {maxLength: 12}),
        }),
    );

describe("every preset", () => {
    it("keeps exactly the budget, ascending, inside the file", () => {
        fc.assert(
            fc.property(anyCut, (input) => {
                const lists = cut(input);
                expect(lists.length).toBe(nHeads);
                const total = lists.reduce((sum, list) => sum + list.length, 0);
                expect(total).toBe(
                    isFull(input.policy) ? nHeads * input.nTokens : budgetRows(input.budget, input.nTokens, nHeads),
                );
                for (const list of lists) {
                    list.forEach((token, i) => {
                        expect(token).toBeLessThan(input.nTokens);
                        expect(i === 0 || token > list[i - 1]!).toBe(true);
                    });
                }
            }),
            {numRuns: 500},
        );
    });

    it("keeps first and last tokens, then asked ones, before any score", () => {
        fc.assert(
            fc.property(anyCut, (input) => {
                fc.pre(!isFull(input.policy));
                const policy = input.policy;
                const {nTokens} = input;
                const mean = budgetRows(input.budget, nTokens, nHeads) / nHeads;
                const asked = new Set(Array.from(input.pins!).filter((token) => token < nTokens));
                for (const list of cut(input)) {
                    const ofHead = policy.share.kind === "squeeze" ? list.length : mean;
                    const room = Math.floor(policy.pins.cap * ofHead + 1e-6);
                    const first = Math.min(policy.pins.first, room);
                    const wanted =
                        "rows" in policy.pins.last
                            ? policy.pins.last.rows
                            : Math.floor(policy.pins.last.share * ofHead + 1e-6);
                    const last = Math.min(wanted, room - first);
                    const kept = new Set(list);
                    const isPinned = (token: number): boolean => token < first || token >= nTokens - last;
                    const nPinned = Array.from(kept).filter(isPinned).length;
                    expect(nPinned).toBe(Math.min(list.length, Math.min(nTokens, first + last)));
                    const free = Array.from(kept).filter((token) => !isPinned(token));
                    const lostAsked = Array.from(asked).filter((token) => !isPinned(token) && !kept.has(token));
                    if (lostAsked.length > 0) {
                        expect(free.every((token) => asked.has(token))).toBe(true);
                    }
                }
            }),
            {numRuns: 500},
        );
    });

    it("is the same when it is done again, and leaves its input as it was", () => {
        fc.assert(
            fc.property(anyCut, (input) => {
                const before = input.scores!.slice();
                expect(cut(input)).toEqual(cut(input));
                expect(input.scores).toEqual(before);
            }),
        );
    });
});

describe("more budget", () => {
    it("keeps what less kept, wherever every head gets the same number", () => {
        fc.assert(
            fc.property(anyCut, fc.double({min: 0.01, max: 1, noNaN: true}), (input, other) => {
                fc.pre(!isFull(input.policy) && input.policy.share.kind === "uniform");
                const [small, large] = [Math.min(input.budget, other), Math.max(input.budget, other)];
                // The pins fit into both: while they do not, a larger budget may pin what a smaller one could not.
                fc.pre(small * input.nTokens >= 4);
                const policy: Policy = {
                    ...input.policy,
                    pins: {first: 2, last: {rows: 1}, cap: 1},
                    pool: {kind: "none"},
                };
                const fewer = cut({...input, policy, budget: small, pins: []});
                const more = cut({...input, policy, budget: large, pins: []});
                fewer.forEach((list, h) => {
                    const kept = new Set(more[h]);
                    list.forEach((token) => expect(kept.has(token)).toBe(true));
                });
            }),
            {numRuns: 500},
        );
    });

    it("keeps what less kept in one pool over all heads", () => {
        fc.assert(
            fc.property(measured(40, fc.double({min: 0, max: 1, noNaN: true})), (scores) => {
                const policy = policyByName("kvzip");
                const [small, large] = [0.1, 0.3].map((budget) => cut({policy, budget, shape, nTokens: 40, scores}));
                small!.forEach((list, h) => list.forEach((token) => expect(large![h]).toContain(token)));
            }),
        );
    });
});

describe("heads", () => {
    it("that trade places trade their cuts", () => {
        const distinct = fc.shuffledSubarray(
            Array.from({length: nHeads * 30}, (_, i) => i),
            {minLength: nHeads * 30},
        );
        fc.assert(
            fc.property(distinct, fc.shuffledSubarray([0, 1, 2, 3, 4, 5], {minLength: nHeads}), (values, order) => {
                for (const name of ["h2o", "kvzip", "aha-pooled"]) {
                    const scores = Float32Array.from(values);
                    const moved = new Float32Array(scores.length);
                    order.forEach((from, to) => moved.set(scores.subarray(from * 30, (from + 1) * 30), to * 30));
                    const input = {policy: policyByName(name), budget: 0.3, shape, nTokens: 30};
                    const before = cut({...input, scores});
                    const after = cut({...input, scores: moved});
                    expect(order.map((from) => before[from])).toEqual(after);
                }
            }),
        );
    });

    it("get what the profile says", () => {
        const input = {
            shape,
            nTokens: 200,
            scores: new Float32Array(nHeads * 200),
            profile,
            policy: policyByName("aha-file"),
        };
        expect(cut({...input, budget: 0.5}).map((list) => list.length)).toEqual([200, 40, 140, 60, 120, 40]);
        expect(cut({...input, budget: 0.125}).map((list) => list.length)).toEqual([100, 4, 20, 10, 12, 4]);
    });
});

describe("ties", () => {
    it("go to the lower index, in a head and in a pool", () => {
        const scores = new Float32Array(nHeads * 10).fill(1);
        const kvzip = cut({policy: policyByName("kvzip"), budget: 0.25, shape, nTokens: 10, scores});
        expect(kvzip.map((list) => Array.from(list))).toEqual([
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            [0, 1, 2, 3, 4],
            [],
            [],
            [],
            [],
        ]);
        const knorm = cut({policy: policyByName("knorm"), budget: 0.3, shape, nTokens: 10, scores});
        expect(knorm.map((list) => Array.from(list))).toEqual(new Array(nHeads).fill([0, 1, 2]));
    });
});

describe("mean over rows", () => {
    it("divides by the rows that saw a token", () => {
        const policy: ScoringPolicy = {
            ...(policyByName("h2o") as ScoringPolicy),
            pins: {first: 0, last: {rows: 0}, cap: 1},
        };
        if (policy.evidence.kind !== "attention") {
            throw new Error("h2o scores by attention");
        }
        const mean: ScoringPolicy = {...policy, evidence: {...policy.evidence, overRows: "mean"}};
        // Sums over 4, 3, 2 and 1 rows.
        const scores = Float32Array.from({length: nHeads * 4}, (_, i) => [8, 6.6, 5, 1.9][i % 4]!);
        const input = {shape, nTokens: 4, scores, budget: 0.5};
        expect(Array.from(cut({...input, policy})[0]!)).toEqual([0, 1]);
        expect(Array.from(cut({...input, policy: mean})[0]!)).toEqual([1, 2]);
    });
});

describe("bad input", () => {
    const scores = new Float32Array(nHeads * 10);
    const input = {policy: policyByName("h2o"), budget: 0.5, shape, nTokens: 10, scores};
    const codeOf = (run: () => unknown): string | undefined => {
        try {
            run();
        } catch (error) {
            return isKvasirError(error) ? error.code : "not coded";
        }
        return undefined;
    };

    it("has codes", () => {
        for (const budget of [0, -0.1, 1.01, NaN]) {
            expect(codeOf(() => cut({...input, budget}))).toBe("usage");
        }
        expect(codeOf(() => policyByName("h20"))).toBe("unknown-policy");
        const needing = [...presets.values()].filter((policy) => {
            const needs = policyNeeds(policy);
            return needs.profile || needs.retrieval || needs.layerSimilarity;
        });
        expect(needing.map(({name}) => name).sort()).toEqual([
            "aha-echo",
            "aha-file",
            "aha-replay",
            "headkv",
            "razor",
            "squeeze",
        ]);
        for (const policy of needing) {
            expect(codeOf(() => cut({...input, policy}))).toBe("profile-mismatch");
        }
        const foreign: HeadProfile = {
            ...profile,
            nLayers: 2,
            budgets: [
                {
                    share: 0.5,
                    perHead: [
                        [0.5, 0.5],
                        [0.5, 0.5],
                    ],
                },
            ],
        };
        expect(codeOf(() => cut({...input, policy: policyByName("aha-file"), profile: foreign}))).toBe(
            "profile-mismatch",
        );
    });

    it("that only a bug can cause throws", () => {
        expect(() => cut({...input, scores: new Float32Array(3)})).toThrow(/60 values/);
        expect(() => cut({...input, policy: policyByName("ahakv")})).toThrow(/\|\|V\|\|/);
        expect(() => cut({...input, scores: scores.fill(NaN)})).toThrow(/not a number/);
    });
});
