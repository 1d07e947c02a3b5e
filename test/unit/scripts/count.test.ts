import {describe, expect, it} from "vitest";
import {countVitest} from "../../../scripts/test/count.mjs";

const file = (status: string, ...tests: string[]): {status: string; assertionResults: {status: string}[]} => ({
    status,
    assertionResults: tests.map((test) => ({status: test})),
});

describe("countVitest", () => {
    it("adds up files", () => {
        const report = {
            success: false,
            testResults: [file("passed", "passed", "passed"), file("failed", "passed", "failed", "failed")],
        };
        expect(countVitest(report, 1)).toEqual({passed: 3, failed: 2});
    });

    it("counts a file that fails without a failed test", () => {
        expect(countVitest({success: false, testResults: [file("failed"), file("passed", "passed")]}, 1)).toEqual({
            passed: 1,
            failed: 1,
        });
    });

    it("counts a crash: no report, a signal, or an error outside every file", () => {
        expect(countVitest(undefined, 0)).toEqual({passed: 0, failed: 1});
        const good = {success: true, testResults: [file("passed", "passed")]};
        expect(countVitest(good, null)).toEqual({passed: 1, failed: 1});
        expect(countVitest(good, 1)).toEqual({passed: 1, failed: 1});
        expect(countVitest({...good, success: false}, 0)).toEqual({passed: 1, failed: 1});
        expect(countVitest(good, 0)).toEqual({passed: 1, failed: 0});
    });

    it("counts skipped tests neither way", () => {
        expect(countVitest({success: true, testResults: [file("passed", "passed", "skipped", "todo")]}, 0)).toEqual({
            passed: 1,
            failed: 0,
        });
    });
});
