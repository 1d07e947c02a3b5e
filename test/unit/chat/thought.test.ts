import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {splitThought, ThoughtSplitter} from "../../../extension/core/chat/thought.js";

describe("reasoning", () => {
    it.each([
        ["<think>why</think>\n\nBecause.", {thought: "why", text: "Because."}],
        ["\n <thinking>\nwhy\n</thinking>Because.", {thought: "why", text: "Because."}],
        ["[THINK]why[/THINK]Because.", {thought: "why", text: "Because."}],
        [
            "Because <think>tags</think> are text here.",
            {thought: "", text: "Because <think>tags</think> are text here."},
        ],
        ["<think>never ends", {thought: "never ends", text: ""}],
        ["<thi", {thought: "", text: "<thi"}],
        ["<thunk>", {thought: "", text: "<thunk>"}],
    ])("of %j", (answer, expected) => {
        expect(splitThought(answer)).toEqual(expected);
    });

    it("may be opened by the chat template", () => {
        expect(splitThought("why</think>Because.", {isOpen: true})).toEqual({thought: "why", text: "Because."});
    });

    it("is the same in whatever pieces it comes", () => {
        const answer = "<think>a < b </thin> c</think>\n\nText with </think> in it.";
        fc.assert(
            fc.property(fc.array(fc.integer({min: 1, max: 9}), {minLength: 40, maxLength: 80}), (sizes) => {
                const splitter = new ThoughtSplitter();
                let rest = answer;
                let thought = "";
                let text = "";
                for (const size of sizes) {
                    const piece = splitter.push(rest.slice(0, size));
                    rest = rest.slice(size);
                    thought += piece.thought;
                    text += piece.text;
                }
                const last = [splitter.push(rest), splitter.end()];
                for (const piece of last) {
                    thought += piece.thought;
                    text += piece.text;
                }
                expect({thought, text}).toEqual({thought: "a < b </thin> c", text: "Text with </think> in it."});
            }),
        );
    });
});
