import {describe, expect, it} from "vitest";
import {isKvasirError} from "../../../extension/protocol/errors.js";
import {policyNeeds, validatePolicy, type ScoringPolicy} from "../../../extension/core/policy/policy.js";
import {
    calibrationPolicy,
    defaultPolicyName,
    policyByName,
    policyNames,
} from "../../../extension/core/policy/presets.js";

const good = policyByName("snapkv") as ScoringPolicy;

describe("validatePolicy", () => {
    it.each<[string, Partial<ScoringPolicy>]>([
        ["an even pool", {pool: {kind: "max", width: 6}}],
        ["no width at all", {prior: {kind: "v2", width: 0}}],
        ["pins beyond the budget", {pins: {first: 4, last: {rows: 8}, cap: 1.5}}],
        ["a negative pin", {pins: {first: -1, last: {rows: 8}, cap: 1}}],
        ["a pinned share above 1", {pins: {first: 0, last: {share: 2}, cap: 1}}],
        ["a guarantee above 1", {share: {kind: "pooled", guarantee: 1.2}}],
        ["a pyramid upside down", {share: {kind: "pyramid", beta: 0.5}}],
        ["idle layers with nothing", {share: {kind: "squeeze", keep: 0}}],
        ["more full heads than heads", {share: {kind: "razor", fullHeads: 1.1}}],
        [
            "a replay of nothing",
            {evidence: {...good.evidence, rows: {kind: "replay", part: 0}} as ScoringPolicy["evidence"]},
        ],
        [
            "a mean over rows that ask from ahead",
            {
                evidence: {
                    ...good.evidence,
                    rows: {kind: "echo", stride: 1},
                    overRows: "mean",
                } as ScoringPolicy["evidence"],
            },
        ],
        [
            "rows from ahead with a gain of their own",
            {
                evidence: {
                    ...good.evidence,
                    rows: {kind: "echo", stride: 1},
                    gain: "sg-sigma",
                } as ScoringPolicy["evidence"],
            },
        ],
        ["half a row", {evidence: {...good.evidence, rows: {kind: "tail", count: 0.5}} as ScoringPolicy["evidence"]}],
        ["a lag of nothing", {evidence: {kind: "rows", formula: "lagkv", lag: 0, first: 4}}],
    ])("refuses %s", (_, part) => {
        let thrown: unknown;
        try {
            validatePolicy({...good, ...part});
        } catch (error) {
            thrown = error;
        }
        expect(isKvasirError(thrown, "unknown-policy")).toBe(true);
    });
});

describe("presets", () => {
    it("are the published methods and Kvasir's own", () => {
        expect(policyNames).toEqual([
            "full",
            "random",
            "streaming-llm",
            "knorm",
            "keydiff",
            "lagkv",
            "h2o",
            "tova",
            "snapkv",
            "pyramidkv",
            "ada-snapkv",
            "ahakv",
            "vatp",
            "keyformer",
            "expected-attention",
            "kvzip",
            "fastgen",
            "headkv",
            "razor",
            "squeeze",
            "aha-file",
            "aha-echo",
            "aha-replay",
            "aha-pooled",
            "aha-refined",
        ]);
        expect(policyNames).toContain(defaultPolicyName);
    });

    it("can be calibrated without a head profile, from the native pass alone", () => {
        expect(policyNeeds(calibrationPolicy)).toMatchObject({pass: true, profile: false, exportedRows: false});
    });
});
