import {describe, expect, it} from "vitest";
import {composeTurn, keepEnd, keepFiles, maxLooseChars} from "../../../extension/core/chat/attachment.js";
import {parseCodeBlocks} from "../../../extension/core/chat/code-block.js";
import {parseSlash, slashCommands, slashQuestion} from "../../../extension/core/chat/slash-command.js";

describe("what a question brings along", () => {
    it("stands before the question, in blocks that its text cannot close", () => {
        const text = "a\n```\nb\n````\nc";
        const turn = composeTurn(" why? ", [
            {kind: "selection", path: "src/a.md", language: "markdown", startLine: 3, endLine: 7, text},
            {kind: "terminal", name: "bash", text: "failed\n"},
        ]);
        expect(turn.endsWith("\n\nwhy?")).toBe(true);
        expect(parseCodeBlocks(turn).map(({code}) => code)).toEqual([text, "failed"]);
        expect(turn).toContain("From src/a.md, lines 3 to 7:");
    });

    it("lists problems on one line each and counts those it leaves out", () => {
        const problem = {path: "a.ts", line: 2, severity: "error" as const, message: "no\nsuch name", source: "ts"};
        const turn = composeTurn("", [{kind: "problems", problems: Array.from({length: 50}, () => problem)}]);
        expect(turn.split("\n")[1]).toBe("- a.ts:2 error: no such name (ts)");
        expect(turn.endsWith("- and 10 more")).toBe(true);
    });

    it("keeps the end of a terminal and whole files of a diff, and says what is missing", () => {
        const lines = Array.from({length: 5000}, (_, index) => `line ${index}`).join("\n");
        const kept = keepEnd(lines, maxLooseChars);
        expect(kept.endsWith("line 4999")).toBe(true);
        const [, missing] = /^\[(\d+) earlier lines left out\]\n/.exec(kept) ?? [];
        expect(kept.split("\n")[1]).toBe(`line ${missing}`);
        const file = (name: string, size: number) => `diff --git a/${name} b/${name}\n${"+x\n".repeat(size)}`;
        const diff = keepFiles(file("a.ts", 10) + file("big.ts", 10_000) + file("c.ts", 10), 500);
        expect(diff).toContain("b/a.ts");
        expect(diff).toContain("b/c.ts");
        expect(diff.endsWith("[changes left out: big.ts]")).toBe(true);
    });
});

describe("slash commands", () => {
    it.each(slashCommands.map(({name}) => name))("/%s is known, alone and with more", (name) => {
        expect(parseSlash(`/${name}`).command?.name).toBe(name);
        const {command, rest} = parseSlash(` /${name.toUpperCase()}  in German`);
        expect(command?.name).toBe(name);
        expect(slashQuestion(command!, rest).endsWith("\n\nin German")).toBe(true);
    });

    it("paths and text are no commands; a wrong word is named", () => {
        expect(parseSlash("/src/a.ts is wrong")).toEqual({command: undefined, rest: "/src/a.ts is wrong"});
        expect(parseSlash("use /fix here").command).toBeUndefined();
        expect(parseSlash("/fxi this").unknown).toBe("fxi");
    });
});
