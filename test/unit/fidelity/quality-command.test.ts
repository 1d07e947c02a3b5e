import {existsSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {plannedCuts, type QualityFlags} from "../../../extension/cli/bench/quality/quality-flags.js";
import {nReads, scoreKey} from "../../../extension/cli/bench/quality/file-evidence.js";
import {prepareSamples, type Tokenizer} from "../../../extension/cli/bench/quality/prepared-sample.js";
import {qualityJson} from "../../../extension/cli/bench/quality/quality-text.js";
import {runProgram} from "../cli/run-program.js";

let root: string;
beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "kvasir-quality-"));
    const sample = {path: "a.ts", text: "const one = 1;", context: [{path: "b.ts", text: "const two = 2;"}]};
    writeFileSync(join(root, "pairs.json"), JSON.stringify({samples: [sample]}));
    writeFileSync(join(root, "empty.json"), "");
    writeFileSync(join(root, "none.json"), '{"samples": []}');
    writeFileSync(join(root, "broken.json"), '{"samples": [');
    writeFileSync(join(root, "list.json"), "[]");
    writeFileSync(join(root, "alone.json"), JSON.stringify({samples: [{...sample, context: []}]}));
});
afterAll(() => rmSync(root, {recursive: true, force: true}));

describe("what is wrong is told before anything is loaded, and no report is begun", () => {
    const pairs = ["--pairs", "pairs.json"];
    test.each([
        [[], 2, "usage"],
        [[...pairs, "--repo", "."], 2, "usage"],
        [[...pairs, "--write-pairs", "p.json"], 2, "usage"],
        [[...pairs, "--budgets", "0"], 2, "usage"],
        [[...pairs, "--budgets", "0.25,1"], 2, "usage"],
        [[...pairs, "--budgets", "1.5"], 2, "usage"],
        [[...pairs, "--budgets", "-0.5"], 2, "usage"],
        [[...pairs, "--budgets", "half"], 2, "usage"],
        [[...pairs, "--policies", "nobody"], 2, "unknown-policy"],
        [[...pairs, "--policies", "aha-file:stride=0"], 2, "unknown-policy"],
        [[...pairs, "--policies", "snapkv:stride=2"], 2, "usage"],
        [[...pairs, "--positions", "beside"], 2, "usage"],
        [[...pairs, "--profile", "p.json", "--calibrate-on", "."], 2, "usage"],
        [["--repo", ".", "--pairs-only"], 2, "usage"],
        [["--pairs", "gone.json"], 1, "file-missing"],
        [["--pairs", "."], 1, "pairs-invalid"],
        [["--pairs", "empty.json"], 1, "pairs-invalid"],
        [["--pairs", "none.json"], 1, "pairs-invalid"],
        [["--pairs", "broken.json"], 1, "pairs-invalid"],
        [["--pairs", "list.json"], 1, "pairs-invalid"],
        [["--pairs", "alone.json"], 1, "pairs-invalid"],
        [[...pairs, "--profile", "gone.json"], 1, "file-missing"],
        [[...pairs, "--profile", "."], 1, "profile-mismatch"],
        [[...pairs, "--budgets", ""], 2, "usage"],
        [[...pairs, "--policies", ""], 2, "usage"],
        [[...pairs, "--model", "gone.gguf"], 1, "model-missing"],
    ])("%j", async (args, exitCode, code) => {
        const ran = await runProgram(root, ["bench", "quality", ...args, "--json", "--html", "page.html"]);
        expect(ran.code).toBe(exitCode);
        expect(JSON.parse(ran.out)).toMatchObject({error: {code}});
        expect(existsSync(join(root, "page.html"))).toBe(false);
    });
});

describe("plannedCuts", () => {
    const flags = (policies: string[] | undefined, budgets: string[]) => ({policies, budgets}) as QualityFlags;

    test("every policy at every budget, full once, all presets when none is named", () => {
        const cuts = plannedCuts(flags(["full", "snapkv", "aha-file:stride=1"], ["0.25", "0.125"]));
        expect(cuts.map(({policy, budget}) => [policy, budget])).toEqual([
            ["full", 1],
            ["snapkv", 0.25],
            ["snapkv", 0.125],
            ["aha-file:stride=1", 0.25],
            ["aha-file:stride=1", 0.125],
        ]);
        expect(plannedCuts(flags(undefined, ["0.25"])).length).toBeGreaterThan(20);
    });

    test("a file is read once for all cuts with the same scores", () => {
        const cuts = plannedCuts(flags(["snapkv", "pyramidkv", "ada-snapkv"], ["0.25", "0.125"]));
        // One observation window, whatever the budget and its share.
        expect(nReads(cuts)).toBe(1);
        // The step gain hangs on the budget; two replays follow one read.
        expect(nReads(plannedCuts(flags(["aha-file"], ["0.25", "0.125"])))).toBe(2);
        expect(nReads(plannedCuts(flags(["aha-replay"], ["0.25", "0.125"])))).toBe(3);
        expect(nReads(plannedCuts(flags(["full", "random"], ["0.25"])))).toBe(1);
        const [one, other] = plannedCuts(flags(["aha-file:stride=1", "aha-file:stride=2"], ["0.25"]));
        expect(scoreKey(one!)).not.toBe(scoreKey(other!));
    });
});

describe("prepareSamples", () => {
    // One token per character.
    const tokenizer: Tokenizer = {
        tokenize: (text) => Uint32Array.from(text, (character) => character.codePointAt(0)!),
        detokenize: (tokens) => String.fromCodePoint(...tokens),
    };
    const context = [
        {path: "b.ts", text: "let shared = 1;"},
        {path: "c.ts", text: "x"},
    ];
    const pairs = {samples: [{path: "a.ts", text: "use(shared, shared);", context}]};
    const plan = {nPrefix: 10, filePositions: 100, window: 300, places: ["parallel", "sequential"] as const};

    test("files and target are read with their headers, at the places of the layout", () => {
        const [sample] = prepareSamples(pairs, "p.json", tokenizer, plan);
        const text = (tokens: Uint32Array) => tokenizer.detokenize(tokens, new Uint32Array());
        expect(sample!.contexts.map(({tokens}) => text(tokens))).toEqual([
            "// File: b.ts\nlet shared = 1;\n\n",
            "// File: c.ts\nx\n\n",
        ]);
        expect(text(sample!.target)).toBe("// File: a.ts\nuse(shared, shared);");
        const lengths = sample!.contexts.map(({tokens}) => tokens.length);
        expect(sample!.firstPosition).toEqual({parallel: 110, sequential: 10 + lengths[0]! + lengths[1]!});
        const marked = [...sample!.target].filter((_, i) => sample!.marks[i] === 1);
        expect(String.fromCodePoint(...marked)).toBe("shared");
        expect(sample!.marks.indexOf(1)).toBe("// File: a.ts\nuse(".length);
    });

    test.each([
        ["a context file", {window: 40}],
        ["a target behind the files", {window: 140}],
        ["files one behind the other", {window: 70, filePositions: 5, places: ["sequential"] as const}],
    ])("%s that is longer than the window is refused", (_, changes) => {
        expect(() => prepareSamples(pairs, "p.json", tokenizer, {...plan, ...changes})).toThrow(
            expect.objectContaining({code: "pairs-invalid", message: expect.stringContaining("samples.0") as unknown}),
        );
    });
});

test("the object of --json has the contract's fields, and says what is missing", () => {
    const row = {
        policy: "full",
        budget: 1,
        position: "parallel" as const,
        recovered: 1,
        recoveredInterval: [1, 1] as [number, number],
        recoveredAll: 1,
        kl: 0,
        klInterval: [0, 0] as [number, number],
        top1: 1,
        bytesShare: 1,
    };
    const {klInterval: _, ...fields} = row;
    expect(qualityJson({nPairs: 2, nNotMeasured: 0, rows: [row], missing: []})).toEqual({pairs: 2, rows: [fields]});
    expect(qualityJson({nPairs: 2, nNotMeasured: 3, rows: [], missing: [{policy: "squeeze", why: "x"}]})).toEqual({
        pairs: 2,
        rows: [],
        missing: [{policy: "squeeze", why: "x"}],
        interrupted: true,
        notMeasured: 3,
    });
});
