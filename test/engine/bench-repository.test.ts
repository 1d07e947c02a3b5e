import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {afterAll, beforeAll, expect, test} from "vitest";
import {defaultPolicyName} from "../../extension/core/policy/presets.js";
import {CliWorkspace} from "./cli-runs.js";

/** A file with two functions that have comments and names that nobody guesses. */
const source = (noun: string, verb: string) => `/** Shared with all who work on ${noun}. */
export const ${noun}Version = 3;

/** Counts how often each word occurs in some lines of text. */
export function ${verb}Words(${noun}Lines: string[], isSorted: boolean): Map<string, number> {
    return new Map();
}

/** Tells whether two trees have leaves in the same places. */
export function ${verb}Leaves(${noun}Tree: Tree, otherTree: Tree): boolean {
    return true;
}
`;

const files = {
    "src/zebra.ts": source("zebra", "quibble"),
    "src/walrus.ts": source("walrus", "frobnicate").replace("each word", "each syllable").replace("leaves", "branches"),
    "src/magnet.ts": source("magnet", "twiddle").replace("each word", "each letter").replace("leaves", "roots"),
    "src/target.ts": `import {quibbleWords, quibbleLeaves, zebraVersion} from "./zebra.js";
import {frobnicateWords, frobnicateLeaves} from "./walrus.js";

export function run(lines: string[], one: Tree, two: Tree): boolean {
    const words = frobnicateWords(lines, true);
    const walrusLines = frobnicateLeaves(one, two);
    const zebraLines = quibbleWords(lines, false);
    const walrusTree = quibbleLeaves(one, two);
    return walrusLines && walrusTree && words.size === zebraLines.size && zebraVersion === 3;
}
`,
};

let workspace: CliWorkspace;
beforeAll(() => {
    workspace = new CliWorkspace([]);
    mkdirSync(join(workspace.folder, "src"));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(workspace.folder, path), text);
});
afterAll(() => workspace.remove());

const common = ["--threads", "1", "--kv-mib", "512", "--json"];

test("bench tasks: behind the files answers are likelier than without them, for all rows and for those that are kept", async () => {
    const run = await workspace.run(
        ...["bench", "tasks", "--repo", ".", "--n-sets", "1", "--context-tokens", "600", "--asked", "in-turn"],
        ...["--budgets", "0.5", "--per-task", "2", ...common],
    );
    expect(run.code, run.stderr).toBe(0);
    const {sets, rows} = run.json<{sets: number; rows: Record<string, number | string>[]}>();
    expect(sets).toBe(1);
    const of = (policy: string, task: string) => rows.find((row) => row.policy === policy && row.task === task)!;
    expect(rows.filter(({task}) => task === "all").map(({policy, budget}) => [policy, budget])).toEqual([
        ["none", 0],
        ["full", 1],
        [defaultPolicyName, 0.5],
    ]);
    for (const task of ["all", "constant", "function", "parameters"]) {
        expect(of("full", task).questions, task).toBeGreaterThan(0);
        expect(of("full", task).nll, task).toBeLessThan(of("none", task).nll as number);
        expect(of(defaultPolicyName, task).nll, task).toBeLessThan(of("none", task).nll as number);
    }
    expect(of("full", "all").kept === 1 || of("full", "all").kept === null).toBe(true);
});

test("bench choose: choosers on a target that uses its imports; all rows of hand-picked ones are 1", async () => {
    const run = await workspace.run(
        ...["bench", "choose", "--repo", ".", "--n-targets", "1", "--pool-tokens", "900", "--files", "2"],
        ...["--choosers", "hand-picked,imports,attention", "--budgets", "1,0.5", "--min-benefit", "0", ...common],
    );
    expect(run.code, run.stderr).toBe(0);
    const {targets, rows, each} = run.json<{
        targets: number;
        rows: {chooser: string; files: number | null; budget: number; recovered: number}[];
        each: {path: string; chosen: {chooser: string; budget: number; paths: string[]}[]}[];
    }>();
    expect(targets).toBe(1);
    const [target] = each;
    expect(target!.path).toBe("src/target.ts");
    const paths = (chooser: string) =>
        target!.chosen.find((row) => row.chooser === chooser && row.budget === 0.5)!.paths.toSorted();
    expect(rows.filter(({budget}) => budget === 0.5).map(({chooser, files: n}) => [chooser, n])).toEqual([
        ["hand-picked", null],
        ["imports", 2],
        ["attention", 2],
    ]);
    for (const row of rows) expect(Number.isFinite(row.recovered), row.chooser).toBe(true);
    expect(rows[0]).toMatchObject({chooser: "hand-picked", budget: 1});
    expect(rows[0]!.recovered).toBeCloseTo(1, 3);
    expect(paths("hand-picked")).toEqual(["src/walrus.ts", "src/zebra.ts"]);
    expect(paths("imports")).toEqual(["src/walrus.ts", "src/zebra.ts"]);
    // The model has seen no more than the three others, and picks two of them.
    expect(paths("attention")).toHaveLength(2);
    expect(paths("attention")).not.toContain("src/target.ts");
});
