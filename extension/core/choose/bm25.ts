/**
 * Owns the index over the words of a repository: which files speak of what a question speaks of, ranked by
 * BM25+ over path, declared names and text. Must not know budgets: choose.ts decides how many are taken.
 */
import MiniSearch from "minisearch";
import {type PathKind, pathKind} from "./path-kind.js";
import {wordsOf} from "./words.js";

/** A word to look for, as words.ts makes them, with its weight in the question (1 for an ordinary word). */
export interface QueryWord {
    word: string;
    weight: number;
    /** As the person wrote it: for the reason that is shown. */
    surface: string;
}

export interface Match {
    path: string;
    /** Positive; comparable within one search only. */
    score: number;
    /** Words of the query that were found, the telling ones first, as the person wrote them. */
    words: string[];
}

interface IndexedFile {
    path: string;
    names: string;
    text: string;
}

export interface IndexTuning {
    /** How fast more occurrences of a word stop to count, how much long files are held back, and what any occurrence counts at least. */
    bm25: {k: number; b: number; d: number};
    /** What a word counts in a path, among the declared names, in the text. */
    boost: {path: number; names: number; text: number};
    /** What a word counts that only begins like the one looked for; 0 looks for whole words alone. */
    prefixWeight: number;
    /** What a file's score is multiplied by for its kind, unless the question asks for that kind. */
    kindWeight: Record<PathKind, number>;
}

// Chosen on six public repositories in TypeScript, JavaScript, Rust, Go, Python and C++: the first sentence
// of a doc comment, taken out of the text, had to find its file. The optimum is flat: k 0.8 to 2, b 0.4 to
// 0.9 and boosts of 1 to 2 differ by 2 % of the mean reciprocal rank; names at 4 or prefixes at 0.3 lose 4 %.
export const defaultTuning: IndexTuning = {
    bm25: {k: 1.2, b: 0.7, d: 0.5},
    boost: {path: 2, names: 2, text: 1},
    prefixWeight: 0.1,
    kindWeight: {source: 1, test: 0.7, prose: 0.8, record: 0.5},
};

/** What a test's score is multiplied by when the question speaks of tests. */
const askedForWeight = 1.5;
/** Text beyond this many UTF-16 units of a file is not indexed: it would be data, and indexing is linear in it. */
const maxIndexedText = 400_000;
/** Words shorter than this are looked for as they are: too many words begin with `get`. */
const minPrefixLength = 4;

export class SearchIndex {
    readonly #tuning: IndexTuning;
    readonly #index: MiniSearch<IndexedFile>;
    // Kept by reference for exact removal: discarding by id alone would leave stale counts in the ranking.
    readonly #files = new Map<string, IndexedFile>();

    constructor(tuning: IndexTuning = defaultTuning) {
        this.#tuning = tuning;
        this.#index = new MiniSearch<IndexedFile>({
            idField: "path",
            fields: ["path", "names", "text"],
            tokenize: wordsOf,
            processTerm: (word) => word,
        });
    }

    get size(): number {
        return this.#files.size;
    }

    /**
     * Adds a file or replaces what was known of it.
     * @param names names the file declares
     */
    set(path: string, text: string, names: readonly string[]): void {
        this.delete(path);
        const file = {path, names: names.join(" "), text: text.slice(0, maxIndexedText)};
        this.#files.set(path, file);
        this.#index.add(file);
    }

    delete(path: string): void {
        const file = this.#files.get(path);
        if (file === undefined) return;
        this.#files.delete(path);
        this.#index.remove(file);
    }

    /**
     * Files that hold any of the words, best first; equal scores by path. A score is the sum of BM25+ over
     * words and fields, times the number of different words found (MiniSearch's own reward for coverage).
     */
    search(query: readonly QueryWord[], limit = Infinity): Match[] {
        const byWord = new Map<string, QueryWord>();
        for (const word of query) {
            const before = byWord.get(word.word);
            if (before === undefined || before.weight < word.weight) byWord.set(word.word, word);
        }
        if (byWord.size === 0) return [];
        const {bm25, boost, prefixWeight, kindWeight} = this.#tuning;
        const asksForTests = byWord.has("test") || byWord.has("spec");
        const results = this.#index.search([...byWord.keys()].join(" "), {
            tokenize: (text) => text.split(" "),
            processTerm: (word) => word,
            combineWith: "OR",
            bm25,
            boost,
            boostTerm: (word) => byWord.get(word)?.weight ?? 1,
            prefix: prefixWeight > 0 ? (word) => word.length >= minPrefixLength : false,
            weights: {prefix: prefixWeight, fuzzy: 0},
        });
        const weightOf = (path: string) => {
            const kind = pathKind(path);
            return kind === "test" && asksForTests ? askedForWeight : kindWeight[kind];
        };
        const matches = results.map(({id, score, queryTerms}) => ({
            path: id as string,
            score: score * weightOf(id as string),
            words: this.#tellingFirst(queryTerms).map((word) => byWord.get(word)?.surface ?? word),
        }));
        matches.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
        return matches.slice(0, limit);
    }

    /** Longer words first: they tell more, and the order does not hang on the index's internals. */
    #tellingFirst(words: readonly string[]): string[] {
        return [...words].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    }
}
