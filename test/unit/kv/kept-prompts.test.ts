import {expect, it} from "vitest";
import {type PromptPlace, promptsWithin, withPromptsOf} from "../../../extension/engine/kv/kept-turns.js";

/** Cuts at these places into pieces, as they lie on disk, and puts the prompts together again. */
function throughPieces(prompts: readonly PromptPlace[], attended: readonly string[], cuts: readonly number[]) {
    let found: PromptPlace[] = [];
    for (const [i, from] of cuts.slice(0, -1).entries()) {
        const to = cuts[i + 1]!;
        const piece = {
            ...{previous: null, kind: "whole" as const, turnStart: 0, attended: [...attended]},
            tokens: Array.from({length: to - from}, () => 1),
            prompts: promptsWithin(prompts, from, to),
        };
        found = withPromptsOf(found, piece, from);
    }
    return found;
}

it("finds prompts again where they were, also one that is longer than a piece", () => {
    const attended = ["a.0", "b.1"];
    const prompts = [
        {start: 0, end: 40, attended},
        {start: 60, end: 700, attended},
        {start: 720, end: 730, attended},
    ];
    expect(throughPieces(prompts, attended, [0, 512, 710, 740])).toEqual(prompts);
    expect(throughPieces(prompts, attended, [0, 50, 60, 572, 740])).toEqual(prompts);
});

it("keeps two prompts apart that saw other files, where one piece ends and the next begins", () => {
    const first = {prompts: [[0, 10]] as [number, number][], attended: ["a.0"]};
    const second = {prompts: [[0, 5]] as [number, number][], attended: ["b.0"]};
    const piece = {previous: null, kind: "whole" as const, turnStart: 0, tokens: []};
    const found = withPromptsOf(withPromptsOf([], {...piece, ...first}, 0), {...piece, ...second}, 10);
    expect(found).toEqual([
        {start: 0, end: 10, attended: ["a.0"]},
        {start: 10, end: 15, attended: ["b.0"]},
    ]);
});
