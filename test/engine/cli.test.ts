import {readdirSync, readFileSync, writeFileSync} from "node:fs";
import {totalmem} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import type {
    AnswerReport,
    CacheReport,
    CompletionReport,
    DoctorReport,
    ReadReport,
} from "../../extension/protocol/engine.js";
import {modelsReport} from "../../extension/protocol/models.js";
import type {SpeedReport} from "../../extension/cli/bench/speed-report.js";
import {CliWorkspace} from "./cli-runs.js";

const spy = "src/core/spy.ts";
const annotation = "src/api/annotation.ts";
/** A policy that needs no head profile cuts at once. */
const cutting = ["--policy", "ahakv"];
/** f16, K and V, of 30 layers with 3 KV heads of 64. */
const bytesPerToken = 2 * 2 * 30 * 3 * 64;

let workspace: CliWorkspace;
beforeAll(() => {
    workspace = new CliWorkspace([spy, annotation, "package.json"]);
    writeFileSync(join(workspace.folder, ".env"), "TOKEN=1\n");
});
afterAll(() => workspace.remove());

test("doctor knows the machine and the model", async () => {
    const run = await workspace.run("doctor", "--json");
    const report = run.json<DoctorReport>();
    expect(report.checks.filter((check) => !check.ok)).toEqual([]);
    expect({code: run.code, ok: report.ok}).toEqual({code: 0, ok: true});
    expect(report.engine).toMatchObject({backend: "cpu", llamaRelease: expect.stringMatching(/^v\d/) as unknown});
    // The shape that SmolLM2-135M's authors publish.
    expect(report.model).toMatchObject({
        ...{architecture: "llama", layers: 30, kvHeads: 3, headDim: 64, window: 8192, supported: true},
    });
});

test("models: what fits into this machine, before anything is downloaded", async () => {
    const run = await workspace.run("models", "advise", "--json");
    const {machine, models} = modelsReport.parse(run.json());
    expect(machine).toMatchObject({backend: "cpu", ram: {total: totalmem()}});
    const small = models.find(({name}) => name === "SmolLM2-135M-Instruct.Q4_1");
    expect(small).toMatchObject({bytes: 98_362_432, quant: "Q4_1", window: 8192, isFim: false, isRecommended: false});
    // Two times f16 of 30 layers with 3 KV heads of 64, as it is when it is loaded.
    expect(small?.fit).toMatchObject({where: "cpu", bytesPerToken});
    expect(models.some(({id, fit}) => id === "qwen2.5-coder-1.5b" && fit !== undefined)).toBe(true);
});

describe("a file is read once", () => {
    let first: ReadReport;

    test("reading cuts it to the budget and says what was left out", async () => {
        const run = await workspace.run("read", ".", "--json", ...cutting);
        expect(run.code).toBe(0);
        first = run.json<ReadReport>();
        expect(first.files.map((file) => file.path).sort()).toEqual([annotation, spy, "package.json"].sort());
        expect(first.skipped).toEqual([{path: ".env", reason: "secret"}]);
        for (const file of first.files) {
            expect(file.source).toBe("read");
            expect(file.fullBytes).toBe(file.tokens * bytesPerToken);
            expect(file.keptRows / file.tokens).toBeCloseTo(0.25, 2);
        }
        const long = first.files.filter((file) => file.tokens >= 500);
        expect(long).not.toEqual([]);
        for (const file of long) expect(file.bytes / file.fullBytes).toBeLessThanOrEqual(0.27);
        const sum = (pick: (file: ReadReport["files"][number]) => number) =>
            first.files.reduce((total, file) => total + pick(file), 0);
        expect(first.totals).toMatchObject({
            tokens: sum((file) => file.tokens),
            bytes: sum((file) => file.bytes),
            fullBytes: sum((file) => file.fullBytes),
        });
    });

    test("the next process finds it on disk, the same", async () => {
        const again = (await workspace.run("read", ".", "--json", ...cutting)).json<ReadReport>();
        const facts = ({files}: ReadReport) =>
            files.map(({path, tokens, keptRows, bytes}) => ({path, tokens, keptRows, bytes}));
        expect(again.files.map((file) => file.source)).toEqual(["disk", "disk", "disk"]);
        expect(facts(again)).toEqual(facts(first));
    });

    test("a question reuses it and prefills nothing of it, and the same question has the same answer", async () => {
        const question = [
            "ask",
            "What is a spy listener?",
            "--max-tokens",
            "12",
            ...cutting,
            "--context",
            spy,
            annotation,
        ];
        const run = await workspace.run(...question, "--json");
        const report = run.json<AnswerReport>();
        expect(run.code).toBe(0);
        const tokensOf = (path: string) => first.files.find((file) => file.path === path)!.tokens;
        expect(report.attended.map(({path, tokens, why}) => ({path, tokens, why}))).toEqual([
            {path: spy, tokens: tokensOf(spy), why: "context"},
            {path: annotation, tokens: tokensOf(annotation), why: "context"},
        ]);
        expect(report).toMatchObject({leftOut: [], readTokens: 0, reusedTokens: tokensOf(spy) + tokensOf(annotation)});
        expect(report.text.trim()).not.toBe("");
        expect(report.tokens).toBeLessThanOrEqual(12);
        expect(Object.keys(report).sort()).toEqual([
            "attended",
            "leftOut",
            "readTokens",
            "reusedTokens",
            "text",
            "tokens",
            "tokensPerSecond",
            "ttftMs",
        ]);
        const people = await workspace.run(...question);
        expect(people.code).toBe(0);
        expect(people.stdout.trimEnd()).toBe(report.text.trimEnd());
        expect(people.stderr).toContain("given as context");
    });

    test("without --context the engine finds the file that the question names", async () => {
        const run = await workspace.run(
            "ask",
            "What does isSpyEnabled in spy.ts do?",
            "--max-tokens",
            "4",
            "--json",
            ...cutting,
        );
        const report = run.json<AnswerReport>();
        expect(report.attended.find((file) => file.path === spy)?.why).toBe("named");
        expect(report.readTokens).toBe(0);
    });

    test("a changed file is read anew, the others are not", async () => {
        const file = join(workspace.folder, annotation);
        writeFileSync(file, `${readFileSync(file, "utf8")}\nexport const added = 1\n`);
        const {files} = (await workspace.run("read", ".", "--json", ...cutting)).json<ReadReport>();
        expect(Object.fromEntries(files.map(({path, source}) => [path, source]))).toEqual({
            [annotation]: "read",
            [spy]: "disk",
            "package.json": "disk",
        });
    });
});

test("a completion continues the text at the cursor", async () => {
    const lines = readFileSync(join(workspace.folder, spy), "utf8").split("\n");
    const at = lines.findIndex((line) => line.startsWith("export function spyReport("));
    expect(at).toBeGreaterThan(0);
    const place = ["--line", String(at + 1), "--column", String(lines[at]!.length + 1)];
    const run = await workspace.run("complete", spy, ...place, "--context", annotation, "--json", ...cutting);
    const report = run.json<CompletionReport>();
    expect(run.code).toBe(0);
    // The small model has no tokens for filling in.
    expect(report.mode).toBe("prefix");
    expect(report.text.trim()).not.toBe("");
    expect(report.attended.map((file) => file.path)).toEqual([annotation]);
    expect(report.ms).toBeGreaterThanOrEqual(report.ttftMs);
    expect(Object.keys(report).sort()).toEqual([
        "attended",
        "mode",
        "ms",
        "readTokens",
        "reusedTokens",
        "text",
        "ttftMs",
    ]);
});

describe("the cache", () => {
    const list = async () => (await workspace.run("cache", "--json")).json<CacheReport>();

    test("lists what was read, with the bytes of its files", async () => {
        const {entries, bytes, limitBytes} = await list();
        expect(new Set(entries.map((entry) => entry.path))).toEqual(new Set([spy, annotation, "package.json"]));
        for (const entry of entries) expect(entry).toMatchObject({tier: "disk", refined: false});
        expect(bytes).toBe(entries.reduce((sum, entry) => sum + entry.bytes, 0));
        expect(bytes).toBeLessThanOrEqual(limitBytes);
    });

    test("verify finds a damaged segment, removes it, and the file is read again", async () => {
        const [file] = segmentFiles(workspace.cacheDir).sort();
        const content = readFileSync(file!);
        content[content.length >> 1]! ^= 0xff;
        writeFileSync(file!, content);
        const before = (await list()).entries;
        const run = await workspace.run("cache", "verify");
        expect(run.code).toBe(0);
        expect(run.stdout).toMatch(/1 damaged and removed/);
        const left = (await list()).entries.map((entry) => entry.path);
        expect(left).toHaveLength(before.length - 1);
        const {files} = (await workspace.run("read", ".", "--json", ...cutting)).json<ReadReport>();
        for (const {path, source} of files) expect(source).toBe(left.includes(path) ? "disk" : "read");
        expect((await workspace.run("cache", "verify")).stdout).toContain("all of them good");
    });

    test("drop forgets one file, clear all of them", async () => {
        const dropped = (await workspace.run("cache", "drop", spy, "--json")).json<CacheReport>();
        expect(dropped.entries.map((entry) => entry.path)).not.toContain(spy);
        const again = await workspace.run("cache", "drop", spy, "--json");
        expect(again.code).toBe(1);
        expect(again.json<{error: {code: string}}>().error.code).toBe("file-missing");
        const cleared = (await workspace.run("cache", "clear", "--json")).json<CacheReport>();
        expect(cleared).toMatchObject({entries: [], bytes: 0});
    });
});

test("a chat answers every line that is typed and leaves at the end", async () => {
    const args = ["ask", "--interactive", "--max-tokens", "4", ...cutting, "--context", annotation];
    const {code, stdout, stderr} = await workspace.start(args, "What is this?\n/files\nAnd why?\n").ended;
    expect(code).toBe(0);
    expect(stderr.match(/first token after/g)).toHaveLength(2);
    expect(stderr).toContain("1 file of");
    expect(stdout.trim()).not.toBe("");
});

test("bench speed measures the rows that are named, on real text", async () => {
    const named = ["bytes-per-file", "switch-4k"];
    const run = await workspace.run(
        ...["bench", "speed", "--rows", named.join(), "--rounds", "1", "--json"],
        ...cutting,
    );
    expect(run.code).toBe(0);
    const {machine, rows, missing} = run.json<SpeedReport>();
    expect(machine).toMatchObject({gpu: "none", llamaRelease: "v0.5.0"});
    expect(machine.cores).toBeGreaterThan(0);
    expect(Date.now() - Date.parse(machine.date)).toBeGreaterThan(0);
    expect(rows.map(({name, unit}) => [name, unit])).toEqual([
        ["bytes-per-file", "bytes"],
        ["switch-4k", "ms"],
    ]);
    for (const {kvasir, peer, peerName, ratio, spread, rounds} of rows) {
        expect(rounds).toBe(1);
        expect(peerName).toContain("plain llama.cpp");
        expect(kvasir).toBeGreaterThan(0);
        expect(ratio).toBeCloseTo(peer / kvasir, 9);
        expect(spread).toEqual([ratio, ratio]);
    }
    expect(rows[0]!.ratio).toBeGreaterThan(1 / 0.29);
    expect(missing).toEqual([]);
});

test("bench speed does not know a row that is not there", async () => {
    const run = await workspace.run("bench", "speed", "--rows", "bytes-per-file,decode-5k", "--json");
    expect(run.code).toBe(2);
    const {error} = run.json<{error: {code: string; message: string}}>();
    expect(error.code).toBe("usage");
    expect(error.message).toMatch(/"decode-5k".*decode-4k-cut/);
});

function segmentFiles(folder: string): string[] {
    return readdirSync(folder, {recursive: true, withFileTypes: true})
        .filter((entry) => entry.isFile() && entry.name.endsWith(".kvseg"))
        .map((entry) => join(entry.parentPath, entry.name));
}
