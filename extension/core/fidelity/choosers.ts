/** Ways of choosing the files that a target sees, from the text before the cursor, to be measured against each other. */
import {chooseFiles} from "../choose/choose.js";
import {ImportGraph} from "../choose/import-graph.js";
import {completionWords} from "../choose/question.js";
import type {RepositoryIndex} from "../choose/repository-index.js";
import type {Target} from "./make-pairs.js";

export interface ChooseInput {
    target: Target;
    textBeforeCursor: string;
    /** Holds the known files. */
    index: RepositoryIndex;
    known: readonly string[];
    nFiles: number;
    budgetTokens: number;
    /** Known files by how much the model looks at them from the text before the cursor, most first. */
    looksAt: readonly string[];
}

export const chooserNames = ["hand-picked", "everything", "imports", "bm25", "both", "attention"] as const;
export type ChooserName = (typeof chooserNames)[number];

/** Those whose choice does not hang on a number of files. */
export const wholeChoosers: readonly ChooserName[] = ["hand-picked", "everything"];

/** Paths of the chosen files, the target's own never among them. */
export function chosenFiles(chooser: ChooserName, input: ChooseInput): string[] {
    const {target, known, nFiles} = input;
    const own = target.file.path;
    const fitting = (paths: readonly string[]) => paths.filter((path) => path !== own && known.includes(path));
    switch (chooser) {
        case "hand-picked":
            return fitting(target.imports.map(({path}) => path));
        case "everything":
            return fitting(known);
        case "imports":
            return fitting(importsBefore(input)).slice(0, nFiles);
        case "bm25":
            return fitting(
                input.index.search.search(completionWords(input.textBeforeCursor)).map(({path}) => path),
            ).slice(0, nFiles);
        case "both":
            return fitting(
                chooseFiles(
                    {
                        question: "",
                        current: {path: own, textBeforeCursor: input.textBeforeCursor},
                        excluded: [own],
                    },
                    input.index,
                    {maxFiles: nFiles, budgetTokens: input.budgetTokens},
                ).attended.map(({path}) => path),
            );
        case "attention":
            return fitting(input.looksAt).slice(0, nFiles);
    }
}

function importsBefore({target, textBeforeCursor, known}: ChooseInput): readonly string[] {
    const graph = new ImportGraph();
    for (const path of known) graph.paths.add(path);
    graph.set(target.file.path, textBeforeCursor);
    return graph.importsOf(target.file.path);
}
