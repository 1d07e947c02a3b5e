import {describe, expect, it} from "vitest";
import {policyVariant} from "../../../extension/core/fidelity/policy-variant.js";
import {policyByName, withReplayPart, withStride} from "../../../extension/core/policy/presets.js";
import type {HeadProfile} from "../../../extension/core/policy/head-profile.js";
import {
    fileRows,
    replayTokens,
    rowsSeeing,
    rowWeights,
    scorePasses,
} from "../../../extension/core/policy/score-pass.js";

const listed = ({offset, stride, count}: {offset: number; stride: number; count: number}): number[] =>
    Array.from({length: count}, (_, r) => offset + r * stride);

describe("fileRows", () => {
    it("always ends with the last token, and stays inside the file", () => {
        for (const nTokens of [1, 2, 31, 32, 33, 100, 1001]) {
            for (const rows of [
                {kind: "tail", count: 32},
                {kind: "spread", count: 7},
                {kind: "all", stride: 1},
                {kind: "all", stride: 4},
                {kind: "all", stride: 5000},
            ] as const) {
                const tokens = listed(fileRows(rows, nTokens));
                expect(tokens.at(-1)).toBe(nTokens - 1);
                expect(tokens[0]).toBeGreaterThanOrEqual(0);
            }
        }
    });

    it("chooses the rows its kind says", () => {
        expect(listed(fileRows({kind: "tail", count: 3}, 10))).toEqual([7, 8, 9]);
        expect(listed(fileRows({kind: "spread", count: 3}, 10))).toEqual([3, 6, 9]);
        expect(listed(fileRows({kind: "all", stride: 4}, 10))).toEqual([1, 5, 9]);
        expect(listed(fileRows({kind: "all", stride: 1}, 3))).toEqual([0, 1, 2]);
        expect(fileRows({kind: "all", stride: 4}, 0).count).toBe(0);
    });
});

describe("replayTokens", () => {
    it("repeats whole blocks of 16, evenly spread", () => {
        expect(Array.from(replayTokens(1, 40))).toEqual(Array.from({length: 40}, (_, i) => i));
        const half = replayTokens(0.5, 160);
        expect(half.length).toBe(80);
        expect(new Set(Array.from(half, (t) => Math.floor(t / 16)))).toEqual(new Set([1, 3, 5, 7, 9]));
        expect(replayTokens(0.01, 40).length).toBeGreaterThan(0);
        expect(replayTokens(0.5, 0).length).toBe(0);
    });
});

describe("rowWeights", () => {
    // The gains the method's analysis gives at i / k = 2, 4, 10: 1.18, 1.67, 2.15.
    it("is sqrt(2 ln(i / k)) of the keys a row sees, and never below 1", () => {
        const pass = {
            source: "file",
            rows: {offset: 0, stride: 1, count: 1000},
            ahead: 0,
            gain: "sg",
            budgetKeys: 100,
            overRows: "sum",
            overHeads: "mean",
        } as const;
        const g = rowWeights(pass, 1000, 20);
        const ofKeys = (i: number): number => g[i - 20 - 1]!;
        expect(ofKeys(200)).toBeCloseTo(1.18, 2);
        expect(ofKeys(400)).toBeCloseTo(1.67, 2);
        expect(ofKeys(1000)).toBeCloseTo(2.15, 2);
        expect(ofKeys(100)).toBe(1);
        expect(ofKeys(164)).toBe(1);
        expect(ofKeys(165)).toBeGreaterThan(1);
        expect(ofKeys(21)).toBe(1);
    });

    it("counts prefix, file and header for the rows of a replay", () => {
        const pass = scorePasses(policyByName("aha-replay"), {nTokens: 300, budget: 0.1, replayHeaderTokens: 6})[0]!;
        expect(pass).toEqual({
            source: "replay",
            rows: {offset: 6, stride: 1, count: 300},
            ahead: 0,
            gain: "sg",
            budgetKeys: 30,
            overRows: "max",
            overHeads: "max",
        });
        expect(rowWeights(pass, 300, 12)[0]).toBeCloseTo(Math.sqrt(2 * Math.log((12 + 300 + 6 + 1) / 30)), 5);
    });

    it("is 1 everywhere without step gain", () => {
        const pass = scorePasses(policyByName("snapkv"), {nTokens: 500, budget: 0.1})[0]!;
        expect(Array.from(rowWeights(pass, 500, 10))).toEqual(new Array(32).fill(1));
    });
});

describe("scorePasses", () => {
    it("follows the policy", () => {
        expect(scorePasses(policyByName("ahakv"), {nTokens: 1000, budget: 0.25})).toEqual([
            {
                source: "file",
                rows: {offset: 968, stride: 1, count: 32},
                ahead: 0,
                gain: "sg",
                budgetKeys: 250,
                overRows: "sum",
                overHeads: "mean",
            },
        ]);
        expect(scorePasses(withStride(policyByName("aha-file"), 10), {nTokens: 1000, budget: 0.25})[0]?.rows).toEqual({
            offset: 9,
            stride: 10,
            count: 100,
        });
        const half = withReplayPart(policyByName("kvzip"), 0.5);
        expect(scorePasses(half, {nTokens: 320, budget: 0.25})[0]?.rows.count).toBe(160);
    });

    it("lets rows ask from ahead, by the length of the file, over prefix and file", () => {
        const echo = policyVariant("aha-file:echo=4:rows=norm");
        const pass = scorePasses(echo, {nTokens: 1001, budget: 0.125})[0]!;
        expect(pass).toMatchObject({source: "file", rows: {offset: 0, stride: 4, count: 251}, ahead: 1001});
        expect(pass.overRows).toBe("norm");
        const g = Math.sqrt(2 * Math.log((1001 + 30) / 125));
        for (const weight of rowWeights(pass, 1001, 30)) expect(weight).toBeCloseTo(g, 5);
    });

    it("lets only the heads that keep most rows ask from ahead, and the others as usual", () => {
        const profile: HeadProfile = {
            ...{version: 1, modelHash: "none", format: "f16", policy: "none", nFiles: 1},
            ...{
                nLayers: 2,
                nKvHeads: 2,
                budgets: [
                    {
                        share: 0.25,
                        perHead: [
                            [0.6, 0.1],
                            [0.24, 0.06],
                        ],
                    },
                ],
            },
        };
        const [ahead, usual] = scorePasses(policyByName("aha-echo"), {nTokens: 1001, budget: 0.25, profile});
        expect(ahead).toMatchObject({rows: {stride: 1, count: 1001}, ahead: 1001, overRows: "norm"});
        expect(usual).toMatchObject({rows: {offset: 0, stride: 4, count: 251}, ahead: 0, overRows: "norm"});
        // The mean is 0.25.
        expect([ahead, usual].map((pass) => Array.from(pass!.heads!))).toEqual([
            [1, 0, 0, 0],
            [0, 1, 1, 1],
        ]);
    });

    it("lets all heads ask from ahead while no head profile says which keep most rows", () => {
        const passes = scorePasses(policyByName("aha-echo"), {nTokens: 100, budget: 0.25});
        expect(passes.map(({ahead, heads}) => [ahead, heads])).toEqual([[100, undefined]]);
    });

    it("is none where no native scores are needed", () => {
        for (const name of ["full", "random", "streaming-llm", "knorm", "keyformer", "expected-attention"]) {
            expect(scorePasses(policyByName(name), {nTokens: 100, budget: 0.25})).toEqual([]);
        }
    });
});

describe("rowsSeeing", () => {
    it("counts, for each token, the rows at or behind it", () => {
        const rows = fileRows({kind: "all", stride: 4}, 11);
        const counted = Array.from({length: 11}, (_, t) => listed(rows).filter((row) => row >= t).length);
        expect(Array.from(rowsSeeing({source: "file", rows}, 11))).toEqual(counted);
        expect(Array.from(rowsSeeing({source: "replay", rows: {offset: 5, stride: 1, count: 9}}, 3))).toEqual([
            9, 9, 9,
        ]);
    });
});
