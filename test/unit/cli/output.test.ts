import {afterEach, beforeEach, describe, expect, test, vi} from "vitest";
import {ProgressLine, readProgressText} from "../../../extension/cli/output/progress-line.js";
import {reportFailure, reportResult} from "../../../extension/cli/output/report.js";
import {formatTable, shortenMiddle} from "../../../extension/cli/output/table.js";
import {createTerminal} from "../../../extension/cli/output/terminal.js";
import {cancelled, modelMissing, unknownPolicy} from "../../../extension/protocol/errors.js";
import {memoryTerminal} from "./memory-terminal.js";

const escape = "\u001b";

describe("colours", () => {
    const stream = (isTTY: boolean) => ({write: () => undefined, isTTY});
    const isColoured = (isTTY: boolean, env: Record<string, string>) =>
        createTerminal(stream(isTTY), stream(isTTY), env).colors.red("x").includes(escape);

    test("are for terminals", () => {
        expect(isColoured(true, {})).toBe(true);
        expect(isColoured(false, {})).toBe(false);
        expect(isColoured(false, {CI: "true"})).toBe(false);
        expect(isColoured(true, {TERM: "dumb"})).toBe(false);
    });

    test("obey NO_COLOR before FORCE_COLOR", () => {
        expect(isColoured(true, {NO_COLOR: "1"})).toBe(false);
        expect(isColoured(true, {NO_COLOR: ""})).toBe(true);
        expect(isColoured(false, {FORCE_COLOR: "1"})).toBe(true);
        expect(isColoured(true, {FORCE_COLOR: "0"})).toBe(false);
        expect(isColoured(true, {NO_COLOR: "1", FORCE_COLOR: "1"})).toBe(false);
    });

    test("of the two streams are apart", () => {
        const terminal = createTerminal(stream(false), stream(true), {});
        expect(terminal.colors.red("x")).toBe("x");
        expect(terminal.errColors.red("x")).not.toBe("x");
    });
});

test("a terminal without a width is written to as a log, in tables of a sensible width", () => {
    const stream = {write: () => undefined, isTTY: true, columns: 0};
    const {isErrLive, columns, errColumns} = createTerminal(stream, stream, {});
    expect({isErrLive, columns, errColumns}).toEqual({isErrLive: false, columns: 120, errColumns: 120});
    expect(createTerminal(stream, {...stream, columns: 90}, {})).toMatchObject({isErrLive: true, errColumns: 90});
});

describe("how a command ends", () => {
    test("a failure is one line on standard error, with the way out", () => {
        const terminal = memoryTerminal();
        expect(reportFailure(modelMissing("/m.gguf"), false, terminal)).toBe(1);
        expect(terminal.out()).toBe("");
        expect(terminal.err()).toBe(
            "error model-missing: there is no model file at /m.gguf. Choose a model: `Kvasir: Choose Model` in the editor, `kvasir models` on the command line.\n",
        );
    });

    test("with --json it is one object on standard output", () => {
        const terminal = memoryTerminal();
        expect(reportFailure(unknownPolicy("x", ["a", "b"]), true, terminal)).toBe(2);
        expect(terminal.err()).toBe("");
        expect(JSON.parse(terminal.out())).toEqual({
            error: {code: "unknown-policy", message: 'no policy is called "x". Choose one of: a, b.'},
        });
    });

    test("a failure stays on one line whatever its message holds, and a bug has a code too", () => {
        const terminal = memoryTerminal();
        expect(reportFailure(new Error("first\n  second\r\nthird"), false, terminal)).toBe(1);
        expect(terminal.err()).toMatch(/^error internal: first second third /);
        expect(terminal.err().trimEnd()).not.toContain("\n");
        expect(reportFailure(cancelled("the answer"), false, terminal)).toBe(1);
    });

    test("a result is one line of JSON, or its text", () => {
        const terminal = memoryTerminal();
        const result = {json: {a: [1, "\n"]}, text: "for people"};
        expect(reportResult(result, true, terminal)).toBe(0);
        expect(terminal.out()).toBe('{"a":[1,"\\n"]}\n');
        expect(reportResult({...result, exitCode: 1}, false, terminal)).toBe(1);
        expect(terminal.out()).toBe('{"a":[1,"\\n"]}\nfor people\n');
    });
});

describe("progress", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    test("in a log: nothing for quick work, then a line now and then", () => {
        const terminal = memoryTerminal();
        const progress = new ProgressLine(terminal);
        progress.show("a");
        vi.advanceTimersByTime(2999);
        progress.show("b");
        expect(terminal.err()).toBe("");
        vi.advanceTimersByTime(1);
        progress.show("c");
        progress.show("d");
        vi.advanceTimersByTime(9999);
        progress.show("e");
        vi.advanceTimersByTime(1);
        progress.show("f");
        progress.clear();
        expect(terminal.err()).toBe("c\nf\n");
    });

    test("says files, tokens, time left and the file", () => {
        const progress = {filesDone: 3, filesTotal: 12, tokensDone: 4100, tokensTotal: 20_300};
        expect(readProgressText(progress)).toBe("reading 3/12 files, 4.1k of 20.3k tokens");
        expect(readProgressText({...progress, measuredShare: 0.429})).toBe("measuring the head profile 42 %");
        expect(readProgressText({...progress, isRefining: true})).toBe("refining 3/12 files, 4.1k of 20.3k tokens");
        expect(readProgressText({...progress, path: "src/a.ts", secondsLeft: 52})).toBe(
            "reading 3/12 files, 4.1k of 20.3k tokens, 52.0 s left: src/a.ts",
        );
    });
});

describe("tables", () => {
    const look = {colors: memoryTerminal().colors, width: 60};

    test("line up without frames and without blanks at the end", () => {
        const text = formatTable(
            [{title: "file"}, {title: "tokens", align: "right"}, {title: "why"}],
            [
                ["src/a.ts", "7", "named"],
                ["b.ts", "1200", ""],
            ],
            look,
        );
        expect(text.split("\n")).toEqual(["file      tokens  why", "src/a.ts       7  named", "b.ts        1200"]);
    });

    test("a wide first column is shortened to the width, its end kept", () => {
        const path = `src/${"deep/".repeat(30)}file.ts`;
        const text = formatTable([{title: "file"}, {title: "tokens", align: "right"}], [[path, "12"]], look);
        for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
        expect(text).toMatch(/src\/.*….*file\.ts +12$/);
        expect(shortenMiddle("abcdefghij", 5)).toBe("a…hij");
        expect(shortenMiddle("abcde", 5)).toBe("abcde");
    });

    test("no rows, no table", () => expect(formatTable([{title: "file"}], [], look)).toBe(""));
});
