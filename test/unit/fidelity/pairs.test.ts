import {describe, expect, test} from "vitest";
import {beginningOf, makePairs, type RepositoryFile} from "../../../extension/core/fidelity/make-pairs.js";
import {parsePairs} from "../../../extension/core/fidelity/pairs.js";
import {policyVariant} from "../../../extension/core/fidelity/policy-variant.js";

describe("parsePairs", () => {
    const sample = {path: "a.ts", text: "a", context: [{path: "b.ts", text: "b"}]};

    test("takes the form of the contract", () => {
        const pairs = {prefix: "// x\n", samples: [sample]};
        expect(parsePairs(JSON.stringify(pairs), "p.json")).toEqual(pairs);
        expect(parsePairs(JSON.stringify({samples: [sample]}), "p.json").prefix).toBeUndefined();
    });

    test.each([
        ["", "it is empty"],
        ["{", "it is not JSON"],
        ["[]", "it"],
        ["{}", "samples"],
        ['{"samples": []}', "samples"],
        [JSON.stringify({samples: [{...sample, text: ""}]}), "samples.0.text"],
        [JSON.stringify({samples: [sample, {...sample, context: []}]}), "samples.1.context"],
        [JSON.stringify({samples: [{...sample, context: [{path: "b.ts"}]}]}), "samples.0.context.0.text"],
        [JSON.stringify({prefix: 1, samples: [sample]}), "prefix"],
    ])("names what is wrong with %s", (text, place) => {
        expect(() => parsePairs(text, "p.json")).toThrow(
            expect.objectContaining({
                code: "pairs-invalid",
                message: expect.stringContaining(`p.json holds no usable pairs: ${place}`) as unknown,
            }),
        );
    });
});

describe("makePairs", () => {
    const code = (n: number) => Array.from({length: n}, (_, i) => `export const value${i} = ${i};\n`).join("");
    const file = (path: string, text: string, nTokens: number): RepositoryFile => ({path, text, nTokens});
    const imports = 'import {value1} from "./one.js";\nimport {value2} from "../lib/two.js";\n';
    const files = [
        file("src/target.ts", imports + code(40), 300),
        file("src/one.ts", code(20), 200),
        file("lib/two.ts", code(20), 200),
        file("src/barrel.ts", 'export * from "./one.js";\nexport * from "../lib/two.js";\n', 200),
        file("src/lonely.ts", `import "./one.js";\n${code(40)}`, 300),
        file("src/target.test.ts", imports + code(40), 300),
        ...Array.from({length: 8}, (_, i) => file(`src/near${i}.ts`, code(10), 100)),
        ...Array.from({length: 8}, (_, i) => file(`far/far${i}.ts`, code(10), 100)),
    ];

    test("targets import two files, are no tests, no lists of exports, and of middle length", () => {
        const pairs = makePairs(files, {nPairs: 10, seed: 1, contextTokens: 1000});
        expect(pairs.map(({path}) => path)).toEqual(["src/target.ts"]);
    });

    test("the imports are in the context, then the folder's files, then others, up to the tokens asked for", () => {
        const [pair] = makePairs(files, {nPairs: 1, seed: 1, contextTokens: 1500});
        const paths = pair!.context.map(({path}) => path);
        expect(paths).toEqual(expect.arrayContaining(["src/one.ts", "lib/two.ts"]));
        expect(paths.filter((path) => path.startsWith("src/near"))).toHaveLength(8);
        const tokens = files.filter(({path}) => paths.includes(path)).reduce((sum, {nTokens}) => sum + nTokens, 0);
        expect(tokens).toBeGreaterThan(1300);
        expect(tokens).toBeLessThanOrEqual(1500);
        expect(paths).not.toContain("src/target.ts");
        expect(new Set(paths).size).toBe(paths.length);
    });

    test("of long files the beginning is taken, up to a line's end", () => {
        const long = file("src/long.ts", `${imports}${code(100)}\n${code(300)}`, 4000);
        const pairs = makePairs([...files, long], {nPairs: 10, seed: 1, contextTokens: 1500});
        const {text, context} = pairs.find(({path}) => path === "src/long.ts")!;
        expect(long.text.startsWith(text)).toBe(true);
        // 768 of 4000 tokens are about a fifth.
        expect(text.length / long.text.length).toBeGreaterThan(0.15);
        expect(text.length / long.text.length).toBeLessThan(0.2);
        expect(text.endsWith(";\n")).toBe(true);
        expect(context.map(({path}) => path)).toEqual(expect.arrayContaining(["src/one.ts", "lib/two.ts"]));
        const blank = beginningOf(file("a.ts", `${code(50)}\n${code(10)}`, 600), 590);
        expect(blank.text).toBe(code(50));
        expect(blank.nTokens).toBeLessThan(590);
        expect(beginningOf(long, 4000)).toBe(long);
    });

    test("the seed decides", () => {
        const of = (seed: number) => makePairs(files, {nPairs: 1, seed, contextTokens: 700});
        expect(of(3)).toEqual(of(3));
        expect(of(3)).not.toEqual(of(4));
    });
});

describe("policyVariant", () => {
    test("changes the part that is named and keeps the name as written", () => {
        expect(policyVariant("aha-file:stride=1")).toMatchObject({
            name: "aha-file:stride=1",
            evidence: {rows: {kind: "all", stride: 1}},
        });
        expect(policyVariant("aha-replay:part=0.5")).toMatchObject({evidence: {rows: {kind: "replay", part: 0.5}}});
        expect(policyVariant("snapkv").name).toBe("snapkv");
        expect(policyVariant("aha-file:rows=mean:heads=max:gain=one:pool=3:prior=v2")).toMatchObject({
            evidence: {overRows: "mean", overHeads: "max", gain: "one", rows: {kind: "all", stride: 4}},
            pool: {kind: "max", width: 3},
            prior: {kind: "v2", width: 7},
            share: {kind: "profile"},
        });
        expect(policyVariant("aha-file:echo=2:rows=norm:pins=4/0")).toMatchObject({
            evidence: {rows: {kind: "echo", stride: 2}, overRows: "norm", gain: "sg"},
            pins: {first: 4, last: {rows: 0}, cap: 0.25},
        });
        expect(policyVariant("aha-pooled:guarantee=0.05")).toMatchObject({share: {kind: "pooled", guarantee: 0.05}});
        expect(policyVariant("snapkv:pool=none:prior=v")).toMatchObject({pool: {kind: "none"}, prior: {kind: "v"}});
    });

    test.each([
        ["nobody", "unknown-policy"],
        ["nobody:stride=1", "unknown-policy"],
        ["aha-file:stride=0", "unknown-policy"],
        ["aha-file:stride=x", "unknown-policy"],
        ["aha-replay:part=2", "unknown-policy"],
        ["aha-file:stride", "usage"],
        ["aha-file:width=3", "usage"],
        ["snapkv:stride=2", "usage"],
        ["full:stride=2", "usage"],
        ["full:pool=3", "usage"],
        ["streaming-llm:heads=max", "usage"],
        ["aha-file:pool=4", "unknown-policy"],
        ["aha-file:heads=sum", "usage"],
        ["aha-file:echo=0", "unknown-policy"],
        ["aha-file:echo=1:rows=mean", "unknown-policy"],
        ["knorm:echo=1", "usage"],
        ["aha-file:pins=4", "unknown-policy"],
        ["full:pins=4/0", "usage"],
        ["aha-file:guarantee=0.1", "usage"],
    ])("refuses %s with %s", (written, code) => {
        expect(() => policyVariant(written)).toThrow(expect.objectContaining({code}));
    });
});
