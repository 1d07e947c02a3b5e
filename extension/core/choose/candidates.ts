/**
 * Owns which files could help with a question, and why, in the order of how sure the reason is. Must not
 * know the budget: choose.ts takes from these lists what fits.
 */
import type {Match, QueryWord} from "./bm25.js";
import {isAboutTheWhole, overviewFiles} from "./overview.js";
import {nearestPath} from "./path-index.js";
import {completionWords, type QuestionParts, queryWords, readQuestion} from "./question.js";
import type {RepositoryIndex} from "./repository-index.js";

/** Why a file is attended, the strongest reason first. */
export type Why = "pinned" | "context" | "named" | "open" | "imported" | "matched";

export interface Candidate {
    path: string;
    why: Why;
    /** One phrase for people: `imported by a.ts`, the words that matched. */
    detail: string;
    /** The file itself was asked for, not something in it: it is seen whole where it fits. */
    isAskedFor?: boolean;
    /** 1-based line that matters in it, where the reason says so. */
    line?: number;
    /** For `imported`: it also matches the question. */
    isMatched?: boolean;
    /** 1 or 2 for `imported`: how far away. */
    steps?: number;
}

export interface ChooseRequest {
    /** The question as written; empty when completing. */
    question: string;
    /** What was said before, the latest first. */
    earlierTurns?: readonly string[];
    /** Files that the user pinned. */
    pinned?: readonly string[];
    /** Files given with this question. */
    context?: readonly string[];
    /** Open files, the active one first. */
    open?: readonly string[];
    /** The file that is being completed: its text is in the prompt, so it is not attended, but its imports are wanted. */
    current?: {path: string; textBeforeCursor: string};
    /** Files that the user left out of this question. */
    excluded?: readonly string[];
    /** Only what is pinned or given as context, whatever else would be good to see. */
    onlyAskedFor?: boolean;
    /** 1-based line that matters in a file, by path: the cursor, or the line behind a name (`a.ts:12`). */
    lines?: ReadonlyMap<string, number>;
}

export interface Candidates {
    pinned: Candidate[];
    context: Candidate[];
    named: Candidate[];
    open: Candidate[];
    imported: Candidate[];
    importedFar: Candidate[];
    matched: Candidate[];
    /** The words searched for. */
    words: QueryWord[];
}

/** A name that so many files bear or declare names none of them; the search decides among them. */
const maxNamed = 3;
/** A matched file must reach this share of the best match's score: on measured questions 2 of 300 right files fell below it, and half of all matches. */
const minShare = 0.15;
/** And this share of the best score of all, files included that are attended anyway. */
const minShareOfAll = 0.03;
const maxMatched = 48;

/** All candidates for a question, without repeats: a file stands in the first list that wants it. */
export function findCandidates(request: ChooseRequest, index: RepositoryIndex): Candidates {
    const words =
        request.question === "" && request.current !== undefined
            ? completionWords(request.current.textBeforeCursor)
            : queryWords(request.question, request.earlierTurns);
    const taken = new Set<string>(request.current === undefined ? [] : [request.current.path]);
    const fresh = (candidates: readonly Candidate[]) =>
        candidates.filter(({path}) => !taken.has(path) && taken.add(path) !== undefined);

    const pinned = fresh(
        (request.pinned ?? []).map((path) => ({path, why: "pinned", detail: "pinned", isAskedFor: true})),
    );
    const context = fresh(
        (request.context ?? []).map((path) => ({
            path,
            why: "context",
            detail: "given with the question",
            isAskedFor: true,
        })),
    );
    // A search costs, and measuring what it finds means to tokenize it.
    if (request.onlyAskedFor)
        return {words, pinned, context, named: [], open: [], imported: [], importedFar: [], matched: []};
    const matches = index.search.search(words);
    const scores = new Map(matches.map(({path, score}) => [path, score]));
    const parts = readQuestion(request.question);
    const named = fresh([...namedFiles(parts, index, matches), ...pointedAt(request, parts)]);
    const open = fresh(
        (request.open ?? []).map((path, i) => ({
            path,
            why: "open",
            detail: i === 0 ? "the active editor" : "open in an editor",
            isAskedFor: true,
        })),
    );
    // A big folder given as context would pull in half of the repository: its files are what was asked for.
    const seeds = [
        ...(request.current === undefined ? [] : [request.current.path]),
        ...[...pinned, ...context, ...named, ...open].slice(0, 16).map(({path}) => path),
    ];
    const imported = fresh(importedBy(seeds, 1, index, scores));
    const importedFar = fresh(
        importedBy(
            imported.map(({path}) => path),
            2,
            index,
            scores,
        ),
    );
    const isOverview = request.question !== "" && (matches.length === 0 || isAboutTheWhole(request.question));
    const overview: Candidate[] = isOverview
        ? overviewFiles(index.paths).map((path) => ({
              path,
              why: "matched",
              detail: "introduces the repository",
              isAskedFor: true,
              line: 1,
          }))
        : [];
    const matched = fresh([...overview, ...matchedFiles(matches, taken)]);
    return {pinned, context, named, open, imported, importedFar, matched, words};
}

function namedFiles(
    {fileNames, identifiers, plainWords}: QuestionParts,
    index: RepositoryIndex,
    matches: readonly Match[],
): Candidate[] {
    const scores = new Map(matches.map(({path, score}) => [path, score]));
    const named = new Map<string, Candidate>();
    const add = (paths: readonly string[], detail: string, isAskedFor: boolean, most = maxNamed) => {
        for (const path of best(paths, scores).slice(0, most))
            if (!named.has(path)) named.set(path, {path, why: "named", detail, isAskedFor});
    };
    for (const name of fileNames) {
        const exact = index.paths.has(name) ? [name] : index.paths.endingWith(name);
        if (exact.length > 0) add(exact, `"${name}" in the question`, true);
        else {
            const folder = index.paths.hasFilesIn(name) ? name : nearestPath(index.paths.foldersEndingWith(name), "");
            if (folder !== undefined)
                add(index.paths.filesIn(folder), `in ${folder}/, named in the question`, true, Infinity);
        }
    }
    for (const name of identifiers) {
        const declaring = index.declaring(name);
        if (declaring.length > 0) add(declaring, `declares ${name}`, false);
    }
    const firstMatches = new Set(matches.slice(0, maxNamed).map(({path}) => path));
    for (const word of plainWords) {
        const declaring = /^[A-Z][a-z]/.test(word) ? index.declaring(word) : [];
        if (declaring.length > 0 && declaring.length <= maxNamed) add(declaring, `declares ${word}`, false);
        // `source` may be a word or source.ts: a plain word names a file only when the search agrees.
        const bearing =
            word.length < 4
                ? []
                : index.paths.withStem(word).filter((path) => /[-_]/.test(word) || firstMatches.has(path));
        if (bearing.length <= maxNamed) add(bearing, `"${word}" in the question`, false);
    }
    return [...named.values()];
}

const pointing = /\b(?:this|these|here|current(?:ly)?|above|below|selected|selection)\b/i;

/** "What does this do?" names nothing, but points at the active editor. */
function pointedAt({question, open = []}: ChooseRequest, {fileNames, identifiers}: QuestionParts): Candidate[] {
    const active = open[0];
    const isPointing =
        active !== undefined &&
        fileNames.length === 0 &&
        identifiers.length === 0 &&
        pointing.test(question) &&
        !isAboutTheWhole(question);
    return isPointing
        ? [{path: active, why: "named", detail: "the active editor, which the question points at", isAskedFor: true}]
        : [];
}

/** What the seeds import, the files that match the question first, then in the order of the seeds' imports. */
function importedBy(
    seeds: readonly string[],
    steps: number,
    index: RepositoryIndex,
    scores: ReadonlyMap<string, number>,
): Candidate[] {
    const found = new Map<string, Candidate>();
    for (const seed of seeds) {
        for (const path of index.imports.importsOf(seed)) {
            if (!found.has(path))
                found.set(path, {
                    path,
                    why: "imported",
                    detail: `imported by ${seed}`,
                    steps,
                    isMatched: (scores.get(path) ?? 0) > 0,
                });
        }
    }
    return [...found.values()].sort((a, b) => (scores.get(b.path) ?? 0) - (scores.get(a.path) ?? 0));
}

/** The best matches among the files that are not taken for a stronger reason: those would set the bar too high for what goes with them. */
function matchedFiles(matches: readonly Match[], taken: ReadonlySet<string>): Candidate[] {
    const free = matches.filter(({path}) => !taken.has(path)).slice(0, maxMatched);
    const bar = Math.max((free[0]?.score ?? 0) * minShare, (matches[0]?.score ?? 0) * minShareOfAll);
    return free
        .filter(({score}) => score >= bar)
        .map(({path, words}) => ({path, why: "matched", detail: [...new Set(words)].slice(0, 6).join(", ")}));
}

/** Best match first; files that match nothing keep their order. */
function best(paths: readonly string[], scores: ReadonlyMap<string, number>): string[] {
    return [...paths].sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0));
}
