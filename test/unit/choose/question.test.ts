import {describe, expect, test} from "vitest";
import {completionWords, queryWords, readQuestion} from "../../../extension/core/choose/question.js";

describe("what a question names", () => {
    test.each([
        ["What does src/core/split.ts do?", ["src/core/split.ts"]],
        ["Explain `paths.ts:12` and @engine/scan.ts, please.", ["paths.ts", "engine/scan.ts"]],
        ["Why is ./lib/a.test.js slow?", ["lib/a.test.js"]],
        ["Look into extension/core/ and the Makefile.", ["extension/core", "Makefile"]],
        ["compare a.py with (b.py)", ["a.py", "b.py"]],
        ["See app/[id]/page.tsx.", ["app/[id]/page.tsx"]],
        ["Is 3.5 better than 2.0? See https://example.org/a.html", []],
    ])("%s", (question, expected) => {
        expect(readQuestion(question).fileNames).toEqual(expected);
    });

    test.each([
        ["where is parseHeader implemented?", ["parseHeader"]],
        ["How does parse() handle errors?", ["parse"]],
        ["what is `store` for", ["store"]],
        ["MAX_SIZE and HTTPServer", ["MAX_SIZE", "HTTPServer"]],
        ["who calls Session.compose?", ["Session", "compose"]],
        ["who calls `Session.compose(a)`?", ["Session", "compose"]],
        ["std::move vs Foo::bar", ["std", "move", "Foo", "bar"]],
        ["Where is the scheduler?", []],
    ])("%s", (question, expected) => {
        expect(readQuestion(question).identifiers).toEqual(expected);
    });

    test("plain words may name a file, questions' own words do not", () => {
        expect(readQuestion("How does the scheduler use ignore-rules?").plainWords).toEqual([
            "scheduler",
            "ignore-rules",
        ]);
    });

    test("quoted code names nothing", () => {
        const question = "Why does this fail?\n```ts\nimport {a} from './a.js';\nfooBar();\n```\n";
        expect(readQuestion(question)).toEqual({fileNames: [], identifiers: [], plainWords: ["fail"]});
    });
});

describe("the words to search for", () => {
    const weights = (question: string, turns: string[] = []) =>
        Object.fromEntries(queryWords(question, turns).map(({word, weight}) => [word, weight]));

    test("the question's own words are left out, identifiers weigh most, their parts less", () => {
        expect(weights("Where is parseHeader implemented, and how are errors handled?")).toEqual({
            parseheader: 2,
            pars: 1,
            header: 1,
            error: 1,
            handl: 1,
        });
        expect(weights("`retry`")).toEqual({retry: 2});
    });

    test("earlier turns count less, the older the less, and only two of them", () => {
        expect(
            weights("and the tests?", ["How does the scheduler yield?", "What is a segment?", "What is a region?"]),
        ).toEqual({test: 1, scheduler: 0.35, yield: 0.35, segment: 0.15});
    });

    test("a completion looks for what is near the cursor", () => {
        const words = completionWords("import {far} from './far.js';\n\nfunction near() {\n    return open(");
        expect(words.slice(0, 3).map(({surface}) => surface)).toEqual(["return", "open", "near"]);
        const weight = (word: string) => words.find((found) => found.word === word)!.weight;
        expect(weight("open")).toBeGreaterThan(weight("near"));
        expect(weight("near")).toBeGreaterThan(weight("far"));
    });
});
