import {describe, expect, test} from "vitest";
import {afterText, beforeText} from "../../../webview/cache-view/edit-cost-text.js";

describe("the cost of an edit in words", () => {
    const cost = {path: "a.ts", tokens: 1234, readTokens: 1200, isCurrent: true};

    test("before it is made", () => {
        expect(beforeText({...cost, seconds: 4.1})).toBe(
            "An edit costs 1,234 tokens (about 4.1 s): this file is read again, no other.",
        );
    });

    test("while it is not read again yet", () => {
        expect(beforeText({...cost, isCurrent: false})).toBe(
            "This edit costs 1,234 tokens: this file is read again, no other.",
        );
    });

    test("of a file that was never read", () => {
        expect(beforeText({path: "a.ts", tokens: 1234, isCurrent: false})).toBe("Reading it costs 1,234 tokens.");
    });

    test("after it", () => {
        expect(afterText(cost)).toBe("");
        expect(afterText({...cost, last: {tokens: 1240, seconds: 4.06}})).toBe(
            "The last edit cost 1,240 tokens in 4.1 s.",
        );
    });
});
