import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {defaultTuning, SearchIndex} from "../../../extension/core/choose/bm25.js";
import {queryWords} from "../../../extension/core/choose/question.js";
import {wordsOf} from "../../../extension/core/choose/words.js";

const files: Record<string, [text: string, names: string[]]> = {
    "src/parser.ts": ["export function parseHeader(line) { throw new ParseError(line); }", ["parseHeader"]],
    "src/errors.ts": [
        "export class ParseError extends Error {}\nexport class NetError extends Error {}",
        ["ParseError", "NetError"],
    ],
    "src/net.ts": ["import {parseHeader} from './parser';\nfetch(url).then(parseHeader).catch(retry)", []],
    "test/parser.test.ts": [
        "test('parse header errors', () => parseHeader('')); parseHeader('a'); parseHeader('b');",
        [],
    ],
    "CHANGELOG.md": ["parseHeader parse header errors fixed, parse header errors again", []],
};

function index(entries = Object.entries(files)): SearchIndex {
    const made = new SearchIndex();
    for (const [path, [text, names]] of entries) made.set(path, text, names);
    return made;
}

const paths = (made: SearchIndex, question: string) => made.search(queryWords(question)).map(({path}) => path);

describe("searching a repository", () => {
    test("the file that declares a name comes before those that use it, sources before tests and records", () => {
        expect(paths(index(), "where is parseHeader implemented?")).toEqual([
            "src/parser.ts",
            "src/net.ts",
            "test/parser.test.ts",
            "CHANGELOG.md",
            "src/errors.ts",
        ]);
        expect(paths(index(), "which tests cover parseHeader?")[0]).toBe("test/parser.test.ts");
    });

    test("words in other forms are found, and told as the person wrote them", () => {
        const [first] = index().search(queryWords("How are parsing errors declared?"));
        expect(first?.path).toBe("src/errors.ts");
        expect(first?.words).toEqual(["errors", "parsing"]);
    });

    test("a question without a telling word finds nothing", () => {
        expect(index().search(queryWords("what is this?"))).toEqual([]);
        expect(new SearchIndex().search(queryWords("parser"))).toEqual([]);
    });

    test("scores are BM25+ summed over fields", () => {
        const plain = {...defaultTuning, prefixWeight: 0};
        const made = new SearchIndex(plain);
        const texts = {"a.ts": "alpha beta beta", "b.ts": "alpha gamma delta epsilon", "c.ts": "zeta"};
        for (const [path, text] of Object.entries(texts)) made.set(path, text, []);
        // Robertson and Zaragoza's BM25 with Lv and Zhai's lower bound (d), times the words found, written out here; a field's length counts different words.
        const documents = Object.entries(texts).map(([path, text]) => ({path, words: wordsOf(text)}));
        const {k, b, d} = plain.bm25;
        const length = (words: string[]) => new Set(words).size;
        const average = documents.reduce((sum, {words}) => sum + length(words), 0) / documents.length;
        const expected = documents
            .map(({path, words}) => {
                const score = ["alpha", "beta"].reduce((sum, word) => {
                    const tf = words.filter((other) => other === word).length;
                    const n = documents.filter((document) => document.words.includes(word)).length;
                    const idf = Math.log(1 + (documents.length - n + 0.5) / (n + 0.5));
                    return tf === 0
                        ? sum
                        : sum + idf * (d + (tf * (k + 1)) / (tf + k * (1 - b + (b * length(words)) / average)));
                }, 0);
                const nFound = ["alpha", "beta"].filter((word) => words.includes(word)).length;
                return {path, score: score * nFound};
            })
            .filter(({score}) => score > 0)
            .sort((x, y) => y.score - x.score);
        const found = made.search([
            {word: "alpha", weight: 1, surface: "alpha"},
            {word: "beta", weight: 1, surface: "beta"},
        ]);
        expect(found.map(({path}) => path)).toEqual(expected.map(({path}) => path));
        found.forEach(({score}, i) => expect(score).toBeCloseTo(expected[i]!.score, 10));
    });

    test("after any changes the index ranks as one built anew", () => {
        const word = fc.constantFrom("alpha", "beta", "gamma", "deltaEpsilon", "zeta");
        const text = fc.array(word, {minLength: 1, maxLength: 8}).map((words) => words.join(" "));
        const change = fc.record({path: fc.constantFrom("a.ts", "b.ts", "c.ts", "d.ts"), text: fc.option(text)});
        fc.assert(
            fc.property(fc.array(change, {maxLength: 20}), (changes) => {
                const changed = new SearchIndex();
                const final = new Map<string, string>();
                for (const {path, text: newText} of changes) {
                    if (newText === null) {
                        changed.delete(path);
                        final.delete(path);
                    } else {
                        changed.set(path, newText, []);
                        final.set(path, newText);
                    }
                }
                const anew = new SearchIndex();
                for (const [path, newText] of [...final].sort()) anew.set(path, newText, []);
                const query = queryWords("alpha deltaEpsilon zeta");
                const ranked = changed.search(query);
                const expected = anew.search(query);
                expect(ranked.map(({path, score}) => [path, score.toFixed(9)])).toEqual(
                    expected.map(({path, score}) => [path, score.toFixed(9)]),
                );
                expect(changed.size).toBe(final.size);
            }),
        );
    });
});
