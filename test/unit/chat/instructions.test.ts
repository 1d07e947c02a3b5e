import {describe, expect, it} from "vitest";
import {composeInstructions, instructionPaths, maxInstructionChars} from "../../../extension/core/chat/instructions.js";

describe("instruction files", () => {
    it("of the root and of the folders that a question is about", () => {
        const known = new Set([
            "AGENTS.md",
            ".github/copilot-instructions.md",
            "web/AGENTS.md",
            "web/app/CLAUDE.md",
            "api/AGENTS.md",
        ]);
        expect(instructionPaths(known, ["web/app/a.ts"])).toEqual([
            "AGENTS.md",
            ".github/copilot-instructions.md",
            "web/AGENTS.md",
            "web/app/CLAUDE.md",
        ]);
    });

    it("are joined under their names, each text once, the user's own first", () => {
        const {text, used} = composeInstructions("Be brief.", [
            {path: "AGENTS.md", text: "---\nx: 1\n---\nUse tabs.\n"},
            {path: "CLAUDE.md", text: "Use tabs."},
            {path: "web/AGENTS.md", text: " "},
        ]);
        expect(text).toBe("Be brief.\n\nInstructions of this repository (AGENTS.md):\nUse tabs.");
        expect(used).toEqual(["AGENTS.md"]);
    });

    it("have a limit, and what was cut is said", () => {
        const {text, used, cut} = composeInstructions("", [
            {path: "AGENTS.md", text: "a line of words\n".repeat(2000)},
            {path: "CLAUDE.md", text: "more"},
        ]);
        expect(text!.length).toBeLessThanOrEqual(maxInstructionChars + 2);
        expect(used[0]).toBe("AGENTS.md");
        expect(cut).toContain("AGENTS.md");
    });

    it("there may be none", () => {
        expect(composeInstructions(" ", []).text).toBeUndefined();
    });
});
