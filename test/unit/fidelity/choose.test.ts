import {describe, expect, test} from "vitest";
import {addAttention} from "../../../extension/cli/bench/choose/attention-pages.js";
import {cursorOf} from "../../../extension/cli/bench/choose/choose.js";
import {chooseRows} from "../../../extension/cli/bench/choose/choose-text.js";
import {plannedCuts} from "../../../extension/cli/bench/quality/quality-flags.js";
import {RepositoryIndex} from "../../../extension/core/choose/repository-index.js";
import {chosenFiles} from "../../../extension/core/fidelity/choosers.js";
import {makeChoosePool} from "../../../extension/core/fidelity/choose-pool.js";
import type {RepositoryFile} from "../../../extension/core/fidelity/make-pairs.js";
import {runProgram} from "../cli/run-program.js";

const code = (name: string) => Array.from({length: 12}, (_, i) => `export const ${name}${i} = ${i};\n`).join("");
const file = (path: string, text: string, nTokens: number): RepositoryFile => ({path, text, nTokens});
const imports = 'import {alpha1} from "./alpha.js";\nimport {beta2} from "./beta.js";\n';
const target = file("src/target.ts", `${imports}${code("target")}export const sum = gamma3 + alpha1 + beta2;\n`, 300);
const files = [
    target,
    file("src/alpha.ts", code("alpha"), 200),
    file("src/beta.ts", code("beta"), 200),
    file("src/gamma.ts", code("gamma"), 200),
    ...Array.from({length: 12}, (_, i) => file(`src/other${i}.ts`, code(`other${i}x`), 200)),
];

describe("makeChoosePool", () => {
    const options = {nTargets: 3, seed: 1, poolTokens: 1200, maxFileTokens: 2000};

    test("knows the targets' imports and others, up to the tokens asked for", () => {
        const pool = makeChoosePool(files, options);
        expect(pool.targets.map(({file: {path}}) => path)).toEqual(["src/target.ts"]);
        expect(pool.known.map(({path}) => path)).toEqual(expect.arrayContaining(["src/alpha.ts", "src/beta.ts"]));
        expect(pool.nTokens).toBeGreaterThanOrEqual(1200);
        expect(pool.nTokens).toBeLessThan(1200 + 300);
        expect(pool.nTokens).toBe(pool.known.reduce((sum, {nTokens}) => sum + nTokens, 0));
    });

    test("the seed decides, and a target whose imports fill the pool is none", () => {
        expect(makeChoosePool(files, options)).toEqual(makeChoosePool(files, options));
        expect(makeChoosePool(files, {...options, poolTokens: 600}).targets).toEqual([]);
    });
});

describe("chosenFiles", () => {
    const pool = makeChoosePool(files, {nTargets: 1, seed: 1, poolTokens: 10_000, maxFileTokens: 2000});
    const index = new RepositoryIndex();
    for (const {path, text, nTokens} of pool.known) index.set(path, text, nTokens);
    const textBeforeCursor = `${target.text.slice(0, target.text.indexOf("gamma3"))}gamma3 + `;
    index.set(target.path, textBeforeCursor, 200);
    const input = {
        ...{target: pool.targets[0]!, textBeforeCursor, index, known: pool.known.map(({path}) => path)},
        ...{nFiles: 4, budgetTokens: 10_000},
        looksAt: ["src/other3.ts", target.path, "src/gone.ts", "src/alpha.ts", "src/beta.ts"],
    };

    test("by hand: the imports of the whole target; everything: all but the target", () => {
        expect(chosenFiles("hand-picked", input).sort()).toEqual(["src/alpha.ts", "src/beta.ts"]);
        expect(chosenFiles("everything", input)).toHaveLength(files.length - 1);
    });

    test("imports are those before the cursor, at most as many as asked for", () => {
        expect(chosenFiles("imports", input)).toEqual(["src/alpha.ts", "src/beta.ts"]);
        expect(chosenFiles("imports", {...input, nFiles: 1})).toEqual(["src/alpha.ts"]);
        expect(chosenFiles("imports", {...input, textBeforeCursor: ""})).toEqual([]);
    });

    test("the search finds what the text speaks of, imported or not", () => {
        expect(chosenFiles("bm25", {...input, nFiles: 3})).toContain("src/gamma.ts");
        const both = chosenFiles("both", input);
        expect(both).toEqual(expect.arrayContaining(["src/alpha.ts", "src/beta.ts", "src/gamma.ts"]));
        expect(both.length).toBeLessThanOrEqual(4);
        for (const chooser of ["bm25", "both"] as const) expect(chosenFiles(chooser, input)).not.toContain(target.path);
    });
});

test("attention picks the known files that the model looks at most", () => {
    const pool = makeChoosePool(files, {nTargets: 1, seed: 1, poolTokens: 10_000, maxFileTokens: 2000});
    const picked = chosenFiles("attention", {
        ...{target: pool.targets[0]!, textBeforeCursor: "", index: new RepositoryIndex(), nFiles: 2},
        ...{
            known: pool.known.map(({path}) => path),
            budgetTokens: 1,
            looksAt: ["src/beta.ts", target.path, "src/alpha.ts"],
        },
    });
    expect(picked).toEqual(["src/beta.ts", "src/alpha.ts"]);
});

test("a row of attention, by hand", () => {
    // Logits q k / 2 of the rows that count: 0 of file 0, ln 3 of file 1; a sink and a row of the file left out do not.
    const keys = Float32Array.from([0, 0, 0, 0, 2 * Math.log(3), 0, 0, 0, 9, 9, 9, 9, 9, 0, 0, 0]);
    const mass = new Float64Array(3);
    addAttention(Float32Array.from([1, 0, 0, 0]), keys, Int32Array.from([0, 1, -1, 2]), 2, mass);
    expect([...mass]).toEqual([expect.closeTo(0.25, 6), expect.closeTo(0.75, 6), 0]);
    addAttention(Float32Array.from([1, 0, 0, 0]), keys, Int32Array.from([-1, 2, -1, 2]), 2, mass);
    expect(mass[2]).toBe(0);
});

test("the cursor stands behind the imports, at a line's end, a fifth of the text at least before it", () => {
    const body = "const x = 1;\n".repeat(10);
    const imports = 'import {a} from "./a";\nimport {\n    b,\n} from "./b";\n';
    expect(cursorOf(imports + body)).toBe(imports.length);
    expect(body.slice(0, cursorOf(body))).toBe("const x = 1;\n".repeat(3));
    expect(cursorOf("import {a} from './a';")).toBe(22);
});

test("R compares with the hand-picked imports, by hand", () => {
    const [cut] = plannedCuts({policies: ["full"], budgets: []});
    const nll = (identifiers: number, all: number) => ({identifiers, all});
    const measured = [
        {
            path: "a.ts",
            none: nll(4, 3),
            reference: nll(2, 2),
            choosings: [{nll: nll(2.5, 2.5), kl: 0.1, top1: 0.9, nTokens: 1000, files: []}],
        },
        {
            path: "b.ts",
            none: nll(2, 1),
            reference: nll(2, 1),
            choosings: [{nll: nll(1.5, 1), kl: 0.1, top1: 0.9, nTokens: 2001, files: []}],
        },
    ];
    const [row] = chooseRows({choosings: [{chooser: "bm25", nFiles: 4, cut: cut!}], measured});
    // Means: none 3, reference 2, chosen 2; over all tokens 2, 1.5, 1.75.
    expect(row).toMatchObject({chooser: "bm25", files: 4, policy: "full", budget: 1, recovered: 1, tokens: 1501});
    expect(row!.recoveredAll).toBeCloseTo(0.5, 12);
});

test.each([
    [["--choosers", "oracle"], "usage"],
    [["--files", "0"], "usage"],
    [["--budgets", "1.5"], "usage"],
    [["--min-benefit", "much"], "usage"],
    [["--policy", "nobody"], "unknown-policy"],
    [["--model", "gone.gguf"], "model-missing"],
])("bench choose refuses %j before anything is loaded", async (args, code) => {
    const ran = await runProgram(process.cwd(), ["bench", "choose", "--repo", ".", ...args, "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({error: {code}});
});
