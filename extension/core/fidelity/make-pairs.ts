/**
 * Makes pairs from a repository: targets that import at least two of its files, beside these files and distractors from
 * the same folder. The same files and seed give the same pairs.
 */
import {ImportGraph} from "../choose/import-graph.js";
import {languageOf} from "../choose/languages.js";
import {pathKind} from "../choose/path-kind.js";
import {folderOf} from "../files/paths.js";
import type {Sample} from "./pairs.js";
import {seededRandom, shuffled} from "./random.js";

export interface RepositoryFile {
    path: string;
    text: string;
    /** Header included. */
    nTokens: number;
}

export interface MakePairsOptions {
    nPairs: number;
    seed: number;
    /** Tokens of context to come close to. */
    contextTokens?: number;
    /** Of longer files the beginning is context, up to about this many tokens. */
    maxFileTokens?: number;
}

/** Long enough to hold several names, short enough to be decoded once per policy. */
const targetTokens = {min: 128, max: 768};
/** Files this short bring nothing. */
const minFileTokens = 48;
const minImports = 2;
/** Imported files take at most this share of the context, so that there are always distractors. */
const maxImportedShare = 0.75;

/** A target and what it could be written beside, by its imports. */
export interface Target {
    file: RepositoryFile;
    imports: RepositoryFile[];
}

/**
 * The beginning of a file that is longer than `maxTokens`, up to a blank line where there is one in its second half, else
 * up to a line's end; the file itself when it is not longer. Tokens of a beginning are estimated from the whole's.
 */
export function beginningOf(file: RepositoryFile, maxTokens: number): RepositoryFile {
    if (file.nTokens <= maxTokens) return file;
    // A tenth less: the beginning may be denser than the rest.
    const limit = Math.floor((file.text.length * maxTokens * 0.9) / file.nTokens);
    const blank = file.text.lastIndexOf("\n\n", limit);
    const end = blank >= limit / 2 ? blank + 1 : file.text.lastIndexOf("\n", limit) + 1 || limit;
    return {
        path: file.path,
        text: file.text.slice(0, end),
        nTokens: Math.ceil((file.nTokens * end) / file.text.length),
    };
}

/**
 * Targets of a repository, in random order: source files, or their beginnings, of middle length that import at least two
 * other source files of it and are more than a list of exports.
 */
export function targetsOf(files: readonly RepositoryFile[], random: () => number, maxFileTokens: number): Target[] {
    const graph = new ImportGraph();
    const sources = files.filter(({path}) => languageOf(path) !== undefined && pathKind(path) === "source");
    const byPath = new Map(sources.map((file) => [file.path, beginningOf(file, maxFileTokens)]));
    for (const {path, text} of sources) graph.set(path, text);
    return shuffled(sources, random).flatMap((whole) => {
        const file = beginningOf(whole, targetTokens.max);
        if (file.nTokens < targetTokens.min || isListOfExports(file.text)) return [];
        const imports = graph
            .importsOf(file.path)
            .map((path) => byPath.get(path))
            .filter((imported) => imported !== undefined)
            .filter(({path, nTokens}) => path !== file.path && nTokens >= minFileTokens);
        return imports.length < minImports ? [] : [{file, imports}];
    });
}

/** Up to `nPairs` samples; fewer when the repository has no more targets. */
export function makePairs(
    files: readonly RepositoryFile[],
    {nPairs, seed, contextTokens = 4096, maxFileTokens = 2048}: MakePairsOptions,
): Sample[] {
    const random = seededRandom(seed);
    // Two imported files and a distractor must have room.
    const maxTokens = Math.min(maxFileTokens, Math.floor(contextTokens / 3));
    const beginnings = files
        .filter(({path}) => pathKind(path) === "source")
        .map((file) => beginningOf(file, maxTokens))
        .filter(({nTokens}) => nTokens >= minFileTokens);
    const samples: Sample[] = [];
    for (const target of targetsOf(files, random, maxTokens)) {
        if (samples.length === nPairs) break;
        const context = contextOf(target, beginnings, random, contextTokens);
        if (context === undefined) continue;
        const {path, text} = target.file;
        samples.push({path, text, context: context.map((file) => ({path: file.path, text: file.text}))});
    }
    return samples;
}

function contextOf(
    {file, imports}: Target,
    files: readonly RepositoryFile[],
    random: () => number,
    contextTokens: number,
): RepositoryFile[] | undefined {
    const chosen: RepositoryFile[] = [];
    let nTokens = 0;
    const take = (list: readonly RepositoryFile[], limit: number): void => {
        for (const candidate of list) {
            if (nTokens + candidate.nTokens > limit || chosen.includes(candidate)) continue;
            chosen.push(candidate);
            nTokens += candidate.nTokens;
        }
    };
    take(imports, contextTokens * maxImportedShare);
    if (chosen.length < minImports) return undefined;
    const taken = new Set([file, ...imports].map(({path}) => path));
    const distractors = files.filter(({path}) => !taken.has(path));
    const folder = folderOf(file.path);
    const [near, far] = [true, false].map((isNear) =>
        shuffled(
            distractors.filter(({path}) => (folderOf(path) === folder) === isNear),
            random,
        ),
    ) as [RepositoryFile[], RepositoryFile[]];
    take(near, contextTokens);
    // A small folder is filled up from the others.
    take(far, contextTokens);
    return shuffled(chosen, random);
}

/** More than half of the text are imports and exports from elsewhere: there is nothing to write in it. */
function isListOfExports(text: string): boolean {
    const rest = text
        .replace(/^[ \t]*(?:import|export)\b[^;'"`]*(?:from\s*)?(['"])[^'"\n]+\1;?[ \t]*$/gm, "")
        .replace(/\s+/g, "");
    return rest.length < text.replace(/\s+/g, "").length / 2;
}
