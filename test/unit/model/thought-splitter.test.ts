/** Reasoning parted from an answer, however the stream is cut into pieces. */
import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {openThought, ThoughtSplitter} from "../../../extension/engine/model/thought-splitter.js";

function split(pieces: readonly string[], opened?: string): {text: string; thought: string} {
    const got = {text: "", thought: ""};
    const splitter = new ThoughtSplitter(
        {text: (piece) => (got.text += piece), thought: (piece) => (got.thought += piece)},
        opened,
    );
    for (const piece of pieces) splitter.push(piece);
    splitter.end();
    expect({text: splitter.text, thought: splitter.thought}).toEqual(got);
    return got;
}

/** The same text cut at any places. */
const cuts = (text: string) =>
    fc.array(fc.nat(text.length), {maxLength: 6}).map((places) => {
        const sorted = [0, ...places.sort((a, b) => a - b), text.length];
        return sorted.slice(1).map((end, i) => text.slice(sorted[i], end));
    });

describe("an answer of a thinking model", () => {
    it.each([
        ["<think>why</think>\n\nBecause.", {thought: "why", text: "Because."}],
        ["\n<thinking>why</thinking>Because.", {thought: "why", text: "Because."}],
        ["[THINK]why[/THINK]Because.", {thought: "why", text: "Because."}],
        ["Because <think> is a tag.", {thought: "", text: "Because <think> is a tag."}],
        ["<think>never closed", {thought: "never closed", text: ""}],
        ["a < b", {thought: "", text: "a < b"}],
    ])("%j", (answer, expected) => {
        fc.assert(
            fc.property(cuts(answer), (pieces) => {
                const {thought, text} = split(pieces);
                expect({thought, text: text.trimStart()}).toEqual({...expected, text: expected.text.trimStart()});
            }),
        );
    });

    it("begins inside its reasoning when the template has opened it", () => {
        const opened = openThought("<|im_start|>assistant\n<think>\n");
        expect(opened).toBe("<think>");
        fc.assert(
            fc.property(cuts("why</think>Because."), (pieces) => {
                expect(split(pieces, opened)).toEqual({thought: "why", text: "Because."});
            }),
        );
    });

    it("is plain when the template opens nothing, or has closed it again", () => {
        expect(openThought("<|im_start|>assistant\n")).toBeUndefined();
        expect(openThought("<think>\n\n</think>\n\n")).toBeUndefined();
    });
});
