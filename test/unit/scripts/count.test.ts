import {describe, expect, it} from "vitest";
import {countCommand, countHost, countVitest, sum} from "../../../scripts/test/count.mjs";

const file = (status: string, ...tests: string[]) => ({
    status,
    name: "a.test.ts",
    message: "it does not load",
    assertionResults: tests.map((test, i) => ({
        status: test,
        fullName: `${test} ${i}`,
        failureMessages: test === "failed" ? ["expected 1", "to be 2"] : [],
    })),
});
const names = ({failures}: ReturnType<typeof countVitest>) => failures.map(({name}) => name);

describe("countVitest", () => {
    it("adds up files, and says which tests failed and why", () => {
        const report = {
            success: false,
            testResults: [file("passed", "passed", "passed"), file("failed", "passed", "failed", "failed")],
        };
        const {passed, failures} = countVitest(report, 1);
        expect(passed).toBe(3);
        expect(failures).toEqual([
            {name: "failed 1", text: "expected 1\nto be 2"},
            {name: "failed 2", text: "expected 1\nto be 2"},
        ]);
    });

    it("counts a file that fails without a failed test", () => {
        const report = {success: false, testResults: [file("failed"), file("passed", "passed")]};
        expect(countVitest(report, 1)).toEqual({
            passed: 1,
            failures: [{name: "a.test.ts", text: "it does not load"}],
        });
    });

    it("counts a crash: no report, a signal, or an error outside every file", () => {
        expect(names(countVitest(undefined, 0))).toEqual(["vitest"]);
        const good = {success: true, testResults: [file("passed", "passed")]};
        expect(countVitest(good, null)).toEqual({
            passed: 1,
            failures: [{name: "vitest", text: "outside every test, ended by a signal"}],
        });
        expect(names(countVitest(good, 1))).toEqual(["vitest"]);
        expect(names(countVitest({...good, success: false}, 0))).toEqual(["vitest"]);
        expect(countVitest(good, 0)).toEqual({passed: 1, failures: []});
    });

    it("counts skipped tests neither way", () => {
        const report = {success: true, testResults: [file("passed", "passed", "skipped", "todo")]};
        expect(countVitest(report, 0)).toEqual({passed: 1, failures: []});
    });
});

describe("countHost", () => {
    it("counts the tests inside VS Code", () => {
        const results = [
            {title: "a", state: "passed"},
            {title: "b", state: "failed", error: "this did not come"},
        ] as const;
        expect(countHost(results, new Error("1 tests failed"))).toEqual({
            passed: 1,
            failures: [{name: "b", text: "this did not come"}],
        });
    });

    it("counts a VS Code that crashed, or ran nothing, as one that failed", () => {
        const good = [{title: "a", state: "passed"}] as const;
        expect(countHost(good, undefined)).toEqual({passed: 1, failures: []});
        expect(countHost(good, new Error("gone"))).toEqual({passed: 1, failures: [{name: "VS Code", text: "gone"}]});
        expect(countHost(undefined, undefined).failures).toHaveLength(1);
        expect(countHost([], undefined).failures).toHaveLength(1);
    });
});

it("a command is one test, and phases add up", () => {
    const lint = countCommand("lint", 0);
    const types = countCommand("types", 2);
    expect(sum(lint, types)).toEqual({passed: 1, failures: [{name: "types", text: "ended with 2"}]});
});
