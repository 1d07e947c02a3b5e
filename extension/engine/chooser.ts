/** From a client's wishes to the file parts that a question or completion sees, with the reason for each. */
import {chooseFiles} from "../core/choose/choose.js";
import type {ChatTurn, ContextChoice, LeftOutFile, WhyChosen} from "../protocol/engine.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

export interface ChosenPart {
    path: string;
    index: number;
    nTokens: number;
    why: WhyChosen;
    detail: string;
}

export interface Chosen {
    parts: ChosenPart[];
    leftOut: LeftOutFile[];
}

export interface ChooseFor {
    choice: ContextChoice | undefined;
    budgetTokens: number;
    /** The conversation, its last turn the question; or the buffer that is being completed. */
    turns?: readonly ChatTurn[];
    current?: {path: string; textBeforeCursor: string};
}

export function choose(workspace: KnownWorkspace, {choice = {}, budgetTokens, turns = [], current}: ChooseFor): Chosen {
    // What tools have said is no question: files are chosen by the one before it, and stay.
    const asked = turns.findLastIndex(
        ({role, text, results}) => role === "user" && (results === undefined || text !== ""),
    );
    const question = turns[asked]?.text ?? "";
    const pinned = [...new Set([...workspace.pinned, ...(choice.pinned ?? [])])];
    const excluded = [...workspace.excluded, ...(choice.exclude ?? []), ...(current ? [current.path] : [])];
    const request = {
        question,
        earlierTurns: turns
            .slice(0, Math.max(0, asked))
            .map(({text}) => text)
            .reverse(),
        pinned,
        context: choice.context ?? [],
        open: choice.onlyNamed ? [] : (choice.open ?? []),
        excluded,
        onlyAskedFor: choice.onlyNamed ?? false,
        ...(current ? {current} : {}),
    };
    const chosen = chooseFiles(request, workspace.index, {budgetTokens});
    return {
        parts: chosen.attended.flatMap(({path, why, detail, parts}) => {
            const all = workspace.parts(path);
            const indices = parts ?? all.map((_part, i) => i);
            return indices.map((index) => ({path, index, nTokens: all[index]!.tokens.length, why, detail}));
        }),
        leftOut: chosen.leftOut.map(({path, why, detail}) => ({path, why: why === "budget" ? "budget" : detail})),
    };
}
