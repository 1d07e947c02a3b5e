import {existsSync, readFileSync, writeFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {plannedCuts, type PlannedCut} from "../../extension/cli/bench/quality/quality-flags.js";
import {nReads} from "../../extension/cli/bench/quality/file-evidence.js";
import {prepareSamples, type PreparedSample} from "../../extension/cli/bench/quality/prepared-sample.js";
import {QualityLab} from "../../extension/cli/bench/quality/quality-lab.js";
import {SampleMeasurer} from "../../extension/cli/bench/quality/sample-measurer.js";
import type {PairFigures} from "../../extension/core/fidelity/measurements.js";
import {policyNames} from "../../extension/core/policy/presets.js";
import type {EngineSettings} from "../../extension/protocol/engine.js";
import {patchGguf} from "../native/patched-gguf.js";
import {openPlain, smallModelPath} from "../native/small-model.js";
import {CliWorkspace, demoRepository} from "./cli-runs.js";

const context = {
    path: "src/comparer.ts",
    text: readFileSync(join(demoRepository, "src/utils/comparer.ts"), "utf8"),
};
const target = {
    path: "src/use.ts",
    text: 'import {compareIdentity, compareShallow, compareStructural} from "./comparer";\n\nexport function isSame(a: any, b: any): boolean {\n    return compareStructural(a, b) || compareIdentity(a, b) || compareShallow(a, b);\n}\n',
};
const samples = [{...target, context: [context]}];
const budget = 0.25;
/** KV heads of all layers, and the bytes of K and V of a row in f16. */
const shape = {nRegions: 30 * 3, rowBytes: 64 * 2 * 2};

let workspace: CliWorkspace;
beforeAll(() => {
    workspace = new CliWorkspace([]);
    writeFileSync(join(workspace.folder, "pairs.json"), JSON.stringify({samples}));
});
afterAll(() => workspace.remove());

describe("every preset on one pair, at both places", () => {
    let lab: QualityLab;
    let sample: PreparedSample;
    let cuts: PlannedCut[];
    let missing: string[];
    let figures: Record<string, PairFigures>;

    beforeAll(async () => {
        const settings: EngineSettings = {
            modelPath: smallModelPath,
            gpu: "cpu",
            policy: "aha-file",
            budget,
            rowType: "f16",
            kvMib: 512,
            cacheDir: workspace.cacheDir,
            threads: 1,
            position: "parallel",
            attendedTokens: 8192,
            waitForReadsMs: 0,
        };
        lab = await QualityLab.open({
            settings,
            prefix: undefined,
            profile: undefined,
            calibrateOn: undefined,
            signal: new AbortController().signal,
            say: () => undefined,
        });
        const asked = plannedCuts({budgets: [String(budget)]});
        const possible = await lab.possible(asked);
        cuts = possible.cuts;
        missing = possible.missing.map(({policy}) => policy);
        const places = ["parallel", "sequential"] as const;
        [sample] = prepareSamples({samples}, "pairs", lab, {
            nPrefix: lab.bed.prefix.nTokens,
            filePositions: lab.filePositions,
            window: lab.window,
            places,
        }) as [PreparedSample];
        const measurer = new SampleMeasurer(lab, {
            plan: await lab.plan(cuts),
            places,
            nReads: nReads(cuts),
            onTokens: () => undefined,
        });
        const measured = await measurer.measure(sample);
        measurer.dispose();
        figures = Object.fromEntries(measured.map((pair) => [pair.place, pair]));
    });
    afterAll(() => lab.close());

    const of = (place: string, policy: string) => figures[place]!.cuts[cuts.findIndex((cut) => cut.policy === policy)]!;

    test("all presets", () => {
        expect(missing).toEqual([]);
        expect(cuts.map(({policy}) => policy)).toEqual(policyNames);
    });

    test("uncut rows are recovered whole, and every other policy keeps exactly its rows", () => {
        const nTokens = sample.contexts[0]!.tokens.length;
        for (const place of ["parallel", "sequential"]) {
            const {uncut, fullBytes} = figures[place]!;
            expect(fullBytes).toBe(nTokens * shape.nRegions * shape.rowBytes);
            const full = of(place, "full");
            expect(full.nll.identifiers).toBeCloseTo(uncut.identifiers!, 4);
            expect(full.nll.all).toBeCloseTo(uncut.all, 4);
            expect(full.kl).toBeLessThan(1e-5);
            expect(full.top1).toBe(1);
            expect(full.bytes).toBe(fullBytes);
            for (const {policy} of cuts.filter((cut) => cut.policy !== "full")) {
                const cut = of(place, policy);
                expect(cut.bytes, policy).toBe(Math.round(budget * nTokens * shape.nRegions) * shape.rowBytes);
                expect(cut.kl, policy).toBeGreaterThan(0);
                expect(Number.isFinite(cut.nll.identifiers), policy).toBe(true);
            }
        }
    });

    test("the file helps, and Kvasir's own cut keeps more of it than rows drawn by lot", () => {
        const {none, uncut} = figures.parallel!;
        expect(uncut.identifiers!).toBeLessThan(none.identifiers!);
        expect(of("parallel", "aha-replay").kl).toBeLessThan(of("parallel", "random").kl);
        expect(of("parallel", "aha-replay").nll.identifiers!).toBeLessThan(of("parallel", "random").nll.identifiers!);
    });

    test("one uncut file in sequence is one long prompt of llama.cpp", async () => {
        const file = sample.contexts[0]!.tokens;
        const plain = await openPlain(lab.model, 1024);
        await plain.decode(Uint32Array.from([...lab.bed.prefix.tokens, ...file]), "none");
        const logits = (await plain.decode(sample.target, "all"))!;
        await plain.close();
        const nll = likelihoods(logits, sample.target);
        // The prefix was decoded in a batch of its own: that rounds differently.
        expect(Math.abs(figures.sequential!.uncut.all - average(nll))).toBeLessThan(0.02);
        const named = nll.filter((_, i) => sample.marks[i + 1] === 1);
        expect(Math.abs(figures.sequential!.uncut.identifiers! - average(named))).toBeLessThan(0.04);
    });

    test("a cut by hand (first 4 and last rows) has the likelihood that is reported", async () => {
        const {context: kv, prefix} = lab.bed;
        const file = sample.contexts[0]!.tokens;
        const session = await kv.newSession();
        await session.compose([{segment: prefix.native, isAdjacent: true}]);
        await session.reserve(file.length);
        await session.decode(file, prefix.nTokens);
        const total = Math.round(budget * file.length * shape.nRegions);
        const counts = Uint32Array.from(
            {length: shape.nRegions},
            (_, region) => Math.floor(total / shape.nRegions) + (region < total % shape.nRegions ? 1 : 0),
        );
        const rows = [...counts].flatMap((count) => [
            ...[0, 1, 2, 3],
            ...Array.from({length: count - 4}, (_, i) => file.length - (count - 4) + i),
        ]);
        const segment = await session.gather(counts, Uint32Array.from(rows));
        session.dispose();
        const other = await kv.newSession();
        await other.compose([{segment: prefix.native}, {segment}]);
        await other.reserve(sample.target.length);
        const {logits} = await other.decode(sample.target, prefix.nTokens + 2048, {logits: "all"});
        other.dispose();
        segment.dispose();
        expect(of("parallel", "streaming-llm").nll.all).toBeCloseTo(average(likelihoods(logits!, sample.target)), 3);
    });

    test("marked are the tokens of names that the file has, at their first place", () => {
        const marked = [...sample.target].filter((_, i) => sample.marks[i] === 1);
        const text = lab.detokenize(Uint32Array.from(marked), new Uint32Array()).replaceAll(/[^A-Za-z]+/g, " ");
        // By hand: the words of four letters and more that both texts have; import, export, function, return are keywords.
        const words = [...target.text.matchAll(/[A-Za-z_$][\w$]{3,}/g)].map(([word]) => word);
        const shared = [...new Set(words)].filter(
            (word) =>
                !["import", "from", "export", "function", "boolean", "return"].includes(word) &&
                new RegExp(`(?<![\\w$])${word}(?![\\w$])`).test(`${context.path} ${context.text}`),
        );
        expect(shared.length).toBeGreaterThan(2);
        for (const word of shared) expect(text.replaceAll(" ", "")).toContain(word);
    });
});

test("the command prints the contract's fields and writes a page", async () => {
    const run = await workspace.run(
        ...["bench", "quality", "--pairs", "pairs.json", "--policies", "full,aha-file:stride=1"],
        ...["--budgets", "0.25", "--row-type", "q8_0", "--html", "out/page.html", "--threads", "1", "--json"],
    );
    expect(run.code, run.stderr).toBe(0);
    const {pairs, rows} = run.json<{pairs: number; rows: Record<string, unknown>[]}>();
    expect(pairs).toBe(1);
    expect(rows.map(({policy, budget: share, position}) => [policy, share, position])).toEqual([
        ["full", 1, "parallel"],
        ["aha-file:stride=1", 0.25, "parallel"],
    ]);
    expect(Object.keys(rows[0]!)).toEqual(
        "policy budget position recovered recoveredInterval recoveredAll kl top1 bytesShare".split(" "),
    );
    // 34 bytes of q8_0 stand for 64 of f16; what that costs is measured against f16.
    expect(rows[0]!.bytesShare).toBeCloseTo(34 / 64, 6);
    expect(rows[0]!.recovered).toBeGreaterThan(0.9);
    expect(rows[0]!.kl).toBeGreaterThan(0);
    expect(rows[0]!.kl).toBeLessThan(0.02);
    const page = readFileSync(join(workspace.folder, "out/page.html"), "utf8");
    expect(page).toContain("aha-file:stride=1");
    expect(page.match(/class="cell"/g)).toHaveLength(shape.nRegions);
});

test("a model that never holds what a policy shares by has rows for the others, and the reason", async () => {
    // Command R adds its feed-forward beside the attention, and has no norm before it.
    const model = join(workspace.folder, "command-r.gguf");
    patchGguf(smallModelPath, model, {
        hasNo: (tensor) => tensor.endsWith("ffn_norm.weight"),
        rename: (key) => key.replace(/^llama\./, "command-r."),
        set: {
            "general.architecture": {type: "string", value: "command-r"},
            "command-r.attention.layer_norm_epsilon": {type: "f32", value: 1e-5},
        },
    });
    const run = await workspace.run(
        ...["bench", "quality", "--model", model, "--pairs", "pairs.json", "--policies", "squeeze,h2o"],
        ...["--budgets", "0.25", "--threads", "1", "--json"],
    );
    expect(run.code, run.stderr).toBe(0);
    const {rows, missing} = run.json<{rows: {policy: string}[]; missing: {policy: string; why: string}[]}>();
    expect(rows.map(({policy}) => policy)).toEqual(["h2o"]);
    expect(missing.map(({policy}) => policy)).toEqual(["squeeze"]);
    expect(missing[0]!.why).toContain("never holds the state behind attention alone");
});

describe("what does not fit the model is refused, and no page is written", () => {
    test.each([
        [
            "a context file longer than the window",
            () => {
                const long = {...context, text: context.text.repeat(400)};
                writeFileSync(
                    join(workspace.folder, "long.json"),
                    JSON.stringify({samples: [{...target, context: [long]}]}),
                );
                return ["--pairs", "long.json"];
            },
            "pairs-invalid",
        ],
        [
            "a head profile of another model",
            () => {
                const shares = Array.from({length: 30}, () => [0.25, 0.25, 0.25]);
                writeFileSync(
                    join(workspace.folder, "profile.json"),
                    JSON.stringify({
                        ...{version: 1, modelHash: "0".repeat(64), format: "f16", nLayers: 30, nKvHeads: 3},
                        ...{policy: "aha-pooled", nFiles: 1, budgets: [{share: 0.25, perHead: shares}]},
                    }),
                );
                return ["--pairs", "pairs.json", "--profile", "profile.json"];
            },
            "profile-mismatch",
        ],
    ])("%s", async (_, prepare, code) => {
        const run = await workspace.run("bench", "quality", ...prepare(), "--html", "none.html", "--json");
        expect(run.code).toBe(1);
        expect(run.json<object>()).toMatchObject({error: {code}});
        expect(existsSync(join(dirname(workspace.folder), "workspace/none.html"))).toBe(false);
    });
});

/** -ln softmax of each next token, in plain loops. */
function likelihoods(logits: Float32Array, tokens: Uint32Array): number[] {
    const nVocab = logits.length / tokens.length;
    return Array.from({length: tokens.length - 1}, (_, i) => {
        const row = [...logits.subarray(i * nVocab, (i + 1) * nVocab)];
        const highest = row.reduce((a, b) => Math.max(a, b));
        const total = row.reduce((sum, x) => sum + Math.exp(x - highest), 0);
        return Math.log(total) + highest - row[tokens[i + 1]!]!;
    });
}

function average(values: readonly number[]): number {
    return values.reduce((a, b) => a + b, 0) / values.length;
}
