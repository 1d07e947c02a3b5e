import {describe, expect, test} from "vitest";
import {branchTokens, distinctTexts, likeliestToken} from "../../../extension/core/completion/branches.js";
import {maxCandidates} from "../../../extension/protocol/engine.js";
import {completeRequest} from "../../../extension/protocol/rpc-schemas.js";

/** Logits of tokens with these probabilities, moved by what no softmax sees. */
const logitsOf = (...shares: number[]) => Float32Array.from(shares.map((share) => Math.log(share) + 3));
const never = () => false;

describe("where candidates branch off", () => {
    test("the likeliest is the first of equals, as a greedy sampler takes it", () => {
        expect(likeliestToken(logitsOf(0.1, 0.4, 0.4, 0.1))).toBe(1);
        expect(likeliestToken(Float32Array.of(-5))).toBe(0);
    });

    test("others are those at least an eighth as likely, the likeliest of them first", () => {
        const logits = logitsOf(0.09, 0.56, 0.06, 0.2, 0.09);
        expect(branchTokens(logits, 4, never)).toEqual([3, 0, 4]);
        expect(branchTokens(logits, 2, never)).toEqual([3, 0]);
        expect(branchTokens(logits, 0, never)).toEqual([]);
    });

    test("a model that is sure has none, and the end of the text is none", () => {
        expect(branchTokens(logitsOf(0.9, 0.05, 0.05), 3, never)).toEqual([]);
        expect(branchTokens(logitsOf(0.5, 0.3, 0.2), 3, (token) => token === 1)).toEqual([2]);
    });
});

describe("texts worth showing", () => {
    test("differ by more than blanks and say something", () => {
        expect(distinctTexts(["a + b", "a+b", "a - b", ";", " ", "", "a - b"])).toEqual(["a + b", "a - b"]);
    });

    test("begin with the likeliest, even a bracket, unless it is empty", () => {
        expect(distinctTexts([")", "x)", "))"])).toEqual([")", "x)"]);
        expect(distinctTexts(["", "x"])).toEqual(["x"]);
        expect(distinctTexts(["\n"])).toEqual([]);
    });
});

test.each([0, 1.5, maxCandidates + 1, "2"])("no engine is asked for %s candidates", (n) => {
    const request = {workspace: "w", path: "a.ts", text: "", offset: 0, maxTokens: 8, multiLine: "auto"};
    expect(completeRequest.safeParse({...request, n}).success).toBe(false);
    expect(completeRequest.safeParse({...request, n: maxCandidates}).success).toBe(true);
});
