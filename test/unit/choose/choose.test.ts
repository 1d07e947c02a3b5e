import fc from "fast-check";
import {beforeEach, describe, expect, test} from "vitest";
import type {ChooseRequest} from "../../../extension/core/choose/candidates.js";
import {type ChooseLimits, chooseFiles} from "../../../extension/core/choose/choose.js";
import {RepositoryIndex} from "../../../extension/core/choose/repository-index.js";

const sources: Record<string, string> = {
    "src/main.ts":
        'import {loadConfig} from "./config.js";\nimport {startServer} from "./server/server.js";\nexport function main() { startServer(loadConfig()); }\n',
    "src/config.ts":
        'import {parseToml} from "./toml.js";\nexport function loadConfig() { return parseToml(readFile("app.toml")); }\n',
    "src/toml.ts": "export function parseToml(text: string) { /* tables, arrays, strings */ }\n",
    "src/server/server.ts":
        'import {Router} from "./router.js";\nexport function startServer(config: Config) { const router = new Router(); router.listen(config.port); }\n',
    "src/server/router.ts":
        'import {HttpError} from "./http-error.js";\nexport class Router {\n    dispatch(request: Request) {\n        throw new HttpError(404);\n    }\n}\n',
    "src/server/http-error.ts":
        "/** An error with a status for the client. */\nexport class HttpError extends Error { status = 500; }\n",
    "src/server/rate-limiter.ts":
        "/** Token bucket: refuses clients that ask too often. */\nexport class RateLimiter { take() {} }\n",
    "src/cache.ts": "export class Cache { get() {} set() {} evict() { /* least recently used */ } }\n",
    "test/cache.test.ts":
        'import {Cache} from "../src/cache.js";\ntest("evicts the least recently used", () => new Cache().evict());\n',
    "README.md": "# Little server\nA small server with a router, a cache and a rate limiter.\n",
    "package.json": '{"name": "little-server"}\n',
};

let index: RepositoryIndex;
beforeEach(() => {
    index = new RepositoryIndex();
    for (const [path, text] of Object.entries(sources)) index.set(path, text, 100);
    index.skip(".env", "secret");
    index.skip("dist/app.min.js", "minified");
});

const choose = (request: Partial<ChooseRequest>, limits?: Partial<ChooseLimits>) =>
    chooseFiles({question: "", ...request}, index, limits);
const attended = (request: Partial<ChooseRequest>, limits?: Partial<ChooseLimits>) =>
    choose(request, limits).attended.map(({path, why}) => `${why} ${path}`);

describe("what a question sees", () => {
    test("nothing but what is asked for when that is all it may see, and nothing else is measured", () => {
        const measured: string[] = [];
        const repository = new RepositoryIndex();
        for (const [path, text] of Object.entries(sources)) repository.set(path, text);
        repository.measure = (path) => measured.push(path);
        const request = {
            question: "how does the Router dispatch in src/toml.ts?",
            context: ["src/config.ts"],
            pinned: ["src/cache.ts"],
            open: ["src/main.ts"],
            onlyAskedFor: true,
        };
        const {attended: seen, leftOut} = chooseFiles(request, repository);
        expect(seen.map(({path, why}) => `${why} ${path}`)).toEqual(["pinned src/cache.ts", "context src/config.ts"]);
        expect(leftOut).toEqual([]);
        expect([...new Set(measured)].sort()).toEqual(["src/cache.ts", "src/config.ts"]);
    });

    test("files named by path, by name, without extension, by what they declare", () => {
        expect(attended({question: "What does src/toml.ts do?"})[0]).toBe("named src/toml.ts");
        expect(attended({question: "explain `cache.ts` please"})[0]).toBe("named src/cache.ts");
        expect(attended({question: "How does the rate-limiter refuse clients?"})[0]).toBe(
            "named src/server/rate-limiter.ts",
        );
        expect(attended({question: "how does the Router dispatch?"})[0]).toBe("named src/server/router.ts");
        const {
            attended: [first],
        } = choose({question: "where is parseToml implemented?"});
        expect(first).toEqual({path: "src/toml.ts", why: "named", detail: "declares parseToml", nTokens: 100});
    });

    test("a folder that is named brings its files, the best matches first", () => {
        const found = choose({question: "Which classes in src/server are about errors?"}).attended.filter(
            ({why}) => why === "named",
        );
        expect(found.map(({path}) => path)).toEqual([
            "src/server/http-error.ts",
            "src/server/server.ts",
            "src/server/router.ts",
            "src/server/rate-limiter.ts",
        ]);
        expect(found[0]!.detail).toBe("in src/server/, named in the question");
    });

    test("the order of the reasons: pinned, given, named, open, imported, matched", () => {
        const result = choose({
            question: "How does `startServer` use the cache?",
            pinned: ["README.md"],
            context: ["src/toml.ts"],
            open: ["src/main.ts"],
        });
        expect(result.attended.map(({path, why, detail}) => [why, path, detail])).toEqual([
            ["pinned", "README.md", "pinned"],
            ["context", "src/toml.ts", "given with the question"],
            ["named", "src/server/server.ts", "declares startServer"],
            ["named", "src/cache.ts", '"cache" in the question'],
            ["open", "src/main.ts", "the active editor"],
            ["imported", "src/server/router.ts", "imported by src/server/server.ts"],
            ["imported", "src/config.ts", "imported by src/main.ts"],
            ["imported", "src/server/http-error.ts", "imported by src/server/router.ts"],
            ["matched", "test/cache.test.ts", "cache"],
        ]);
        expect(result.nTokens).toBe(900);
    });

    test("words alone find the file, in other forms and in comments", () => {
        expect(attended({question: "what happens when clients ask too often?"})[0]).toBe(
            "matched src/server/rate-limiter.ts",
        );
        const [first] = choose({question: "how are errors with a status sent?"}).attended;
        expect(first).toMatchObject({path: "src/server/http-error.ts", why: "matched", detail: "status, errors"});
    });

    test("a question about the whole sees what introduces it", () => {
        expect(attended({question: "What does this project do?"}).slice(0, 3)).toEqual([
            "matched README.md",
            "matched package.json",
            "matched src/main.ts",
        ]);
    });

    test("a question that points is about the active editor", () => {
        expect(attended({question: "what does this do?", open: ["src/toml.ts", "src/cache.ts"]})[0]).toBe(
            "named src/toml.ts",
        );
        expect(attended({question: "what does this project do?", open: ["src/toml.ts"]})[0]).toBe("open src/toml.ts");
        expect(attended({question: "is this like `HttpError`?", open: ["src/toml.ts"]})[0]).toBe(
            "named src/server/http-error.ts",
        );
    });

    test("an earlier turn helps a short question along", () => {
        expect(attended({question: "and where is it tested?"})).not.toContain("matched src/cache.ts");
        expect(attended({question: "and where is it tested?", earlierTurns: ["How does the cache evict?"]})).toContain(
            "matched src/cache.ts",
        );
    });

    test("completing: the file itself is not attended, what it imports comes first", () => {
        const text = 'import {Router} from "./router.js";\n\nconst cache = new Cache();\ncache.evi';
        const found = attended({current: {path: "src/server/server.ts", textBeforeCursor: text}});
        expect(found[0]).toBe("imported src/server/router.ts");
        expect(found).toContain("matched src/cache.ts");
        expect(found.join()).not.toContain("server/server.ts");
    });
});

describe("what does not fit", () => {
    test("what is asked for and left out is told with the reason", () => {
        const result = choose(
            {
                question: "compare README.md with .env",
                pinned: ["src/cache.ts", "gone.ts"],
                open: ["dist/app.min.js"],
                excluded: ["README.md"],
            },
            {budgetTokens: 99},
        );
        expect(result.attended).toEqual([]);
        expect(result.leftOut.map(({path, why, wanted}) => [path, why, wanted])).toEqual([
            ["src/cache.ts", "budget", "pinned"],
            ["gone.ts", "unknown", "pinned"],
            ["README.md", "excluded", "named"],
            [".env", "unreadable", "named"],
            ["dist/app.min.js", "unreadable", "open"],
        ]);
        expect(result.leftOut.every(({detail}) => /^[A-Z].*\.$/.test(detail))).toBe(true);
        expect(result.leftOut.find(({path}) => path === ".env")?.detail).toContain("secrets");
    });

    test("one large open file leaves room for its imports and for the best match", () => {
        index.set("src/main.ts", sources["src/main.ts"]!, 450);
        const found = attended({question: "least recently used", open: ["src/main.ts"]}, {budgetTokens: 650});
        expect(found).toContain("matched src/cache.ts");
        index.set("src/cache.ts", sources["src/cache.ts"]!, 600);
        expect(attended({question: "least recently used", open: ["src/main.ts"]}, {budgetTokens: 650})).toContain(
            "open src/main.ts",
        );
    });

    test("of a file larger than the budget the best parts are seen", () => {
        const pieces = [
            "export function alpha() { /* nothing here */ }\n\n",
            "export function beta() { /* eviction of old rows */ }\n\n",
            "export function gamma() { /* more of nothing */ }\n\n",
            "export function delta() { /* rows again */ }\n",
        ];
        const text = pieces.join("");
        const parts = pieces.map((piece, i) => ({
            start: pieces.slice(0, i).join("").length,
            end: pieces.slice(0, i + 1).join("").length,
            startLine: 1 + i * 2,
            nTokens: 400,
        }));
        index.set("src/big.ts", text, 1600, parts);
        expect(
            choose({question: "How are old rows evicted?", pinned: ["src/big.ts"]}, {budgetTokens: 850}).attended[0],
        ).toEqual({path: "src/big.ts", why: "pinned", detail: "pinned", nTokens: 800, parts: [1, 3]});
        expect(
            choose({question: "what is this?", pinned: ["src/big.ts"]}, {budgetTokens: 850}).attended[0]?.parts,
        ).toEqual([0, 1]);
        expect(
            choose(
                {question: "tell me more", open: ["src/big.ts"], lines: new Map([["src/big.ts", 6]])},
                {budgetTokens: 600},
            ).attended[0]?.parts,
        ).toEqual([2]);
        // Matched only: half of the budget at most, and only the parts that match.
        expect(choose({question: "old rows eviction"}, {budgetTokens: 900}).attended[0]).toMatchObject({
            path: "src/big.ts",
            why: "matched",
            parts: [1],
        });
        // A file in one piece that does not fit is left out, and smaller ones behind it are not.
        index.set("src/big.ts", text, 1600);
        const result = choose({question: "old rows", context: ["src/big.ts", "src/cache.ts"]}, {budgetTokens: 850});
        expect(result.leftOut[0]).toMatchObject({path: "src/big.ts", why: "budget", wanted: "context"});
        expect(result.attended[0]?.path).toBe("src/cache.ts");
    });
});

describe("sizes on demand", () => {
    test("a file is measured when a choice hangs on it, once, and can then be seen in parts", () => {
        const measured: string[] = [];
        const long = new RepositoryIndex();
        const text = "export function alpha() {}\n".repeat(200) + "export function evict() {}\n";
        long.measure = (path) => {
            measured.push(path);
            const cut = text.indexOf("export function evict");
            const parts = [
                {start: 0, end: cut, startLine: 1, nTokens: 1000},
                {start: cut, end: text.length, startLine: 201, nTokens: 10},
            ];
            long.set(path, text, 1010, parts);
        };
        long.set("src/long.ts", text);
        const request = {question: "where is `evict`?"};
        const first = chooseFiles(request, long, {budgetTokens: 500});
        expect(first.attended).toMatchObject([{path: "src/long.ts", nTokens: 10, parts: [1]}]);
        long.set("src/long.ts", text);
        expect(chooseFiles(request, long, {budgetTokens: 500})).toEqual(first);
        expect(measured).toEqual(["src/long.ts"]);
    });
});

describe("always", () => {
    const path = fc.constantFrom(...Object.keys(sources), ".env", "gone.ts");
    const request = fc.record({
        question: fc.constantFrom(
            "",
            "where is the cache?",
            "how does Router dispatch errors?",
            "compare src/toml.ts and `loadConfig`",
            "what is this project?",
        ),
        pinned: fc.uniqueArray(path, {maxLength: 4}),
        context: fc.uniqueArray(path, {maxLength: 4}),
        open: fc.uniqueArray(path, {maxLength: 4}),
        excluded: fc.uniqueArray(path, {maxLength: 2}),
    });

    test("the budget holds, nothing asked for goes missing, no file appears twice", () => {
        fc.assert(
            fc.property(
                request,
                fc.integer({min: 0, max: 1200}),
                fc.infiniteStream(fc.integer({min: 1, max: 700})),
                (wanted, budgetTokens, sizes) => {
                    for (const [name, text] of Object.entries(sources))
                        index.set(name, text, sizes.next().value as number);
                    const result = choose(wanted, {budgetTokens});
                    expect(result.nTokens).toBeLessThanOrEqual(budgetTokens);
                    expect(result.attended.reduce((sum, {nTokens}) => sum + nTokens, 0)).toBe(result.nTokens);
                    const told = [...result.attended, ...result.leftOut].map((file) => file.path);
                    expect(new Set(told).size).toBe(told.length);
                    for (const name of [...wanted.pinned, ...wanted.context, ...wanted.open])
                        expect(told).toContain(name);
                    for (const {path: name} of result.attended) expect(wanted.excluded).not.toContain(name);
                },
            ),
            {numRuns: 150},
        );
    });

    test("the same files and request give the same answer, however the files came to be known", () => {
        fc.assert(
            fc.property(
                request,
                fc.shuffledSubarray(Object.keys(sources), {minLength: Object.keys(sources).length}),
                (wanted, order) => {
                    const other = new RepositoryIndex();
                    other.skip("dist/app.min.js", "minified");
                    for (const name of order) other.set(name, "old text, soon replaced", 1);
                    for (const name of [...order].reverse()) other.set(name, sources[name]!, 100);
                    other.skip(".env", "secret");
                    expect(chooseFiles(wanted, other, {budgetTokens: 500})).toEqual(
                        choose(wanted, {budgetTokens: 500}),
                    );
                },
            ),
            {numRuns: 100},
        );
    });
});
