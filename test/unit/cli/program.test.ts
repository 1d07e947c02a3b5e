import {mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {Interrupt} from "../../../extension/cli/interrupt.js";
import {usage} from "../../../extension/protocol/errors.js";
import {answer, cacheReport, completion, doctorReport, readReport} from "./recording-engine.js";
import {type Ran, runProgram} from "./run-program.js";

let root: string;
let model: string;
let outside: string;
/** Flags that every run needs: a model file that is there (what it holds is the engine's business) and a folder for everything. */
let own: string[];

beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "cli-")));
    outside = realpathSync(mkdtempSync(join(tmpdir(), "cli-outside-")));
    model = join(outside, "model.gguf");
    writeFileSync(model, "GGUF");
    mkdirSync(join(root, "src"));
    writeFileSync(join(root, "a.ts"), "const a = 1;\nexport {a};\n");
    writeFileSync(join(root, "src/b.ts"), "const b = 2;\n");
    writeFileSync(join(root, "c.png"), "x");
    writeFileSync(join(root, ".env"), "SECRET=1\n");
    writeFileSync(join(root, "new.ts"), "");
    writeFileSync(join(outside, "far.ts"), "const far = 3;\n");
    own = ["--model", model, "--cache-dir", join(outside, "cache")];
});
afterAll(() => {
    rmSync(root, {recursive: true, force: true});
    rmSync(outside, {recursive: true, force: true});
});

const run = (...args: string[]): Promise<Ran> => runProgram(root, [...args, ...own]);

describe("wrong usage ends with 2, one line, and the way out", () => {
    test.each([
        [["ask", "q", "--frobnicate"], /^error unknown-flag: unknown option "--frobnicate"\. Run `kvasir --help`/],
        [["--frobnicate"], /^error unknown-flag: /],
        [["frobnicate"], /^error usage: unknown command 'frobnicate'/],
        [[], /^error usage: no command was given\./],
        [["bench"], /^error usage: no command was given\./],
        [["cache", "frobnicate"], /^error usage: /],
        [["read"], /^error usage: missing required argument 'path'/],
        [["ask"], /^error usage: ask needs a question\./],
        [["ask", "  "], /^error usage: ask needs a question\./],
        [["ask", "q", "extra"], /^error usage: too many arguments/],
        [["ask", "--context", "a.ts", "q"], /^error usage: ask needs a question\. Put it first/],
        [["ask", "q", "--max-tokens", "0"], /--max-tokens.*whole number from 1 to 1000000\./],
        [["ask", "q", "--max-tokens", "1.5"], /^error usage: /],
        [["ask", "q", "--temperature", "-1"], /^error usage: /],
        [["ask", "q", "--temperature", "warm"], /from 0 to 10\./],
        [["ask", "q", "--seed", "4294967296"], /from 0 to 4294967295\./],
        [["complete", "a.ts", "--column", "1"], /^error usage: required option '--line <l>' not specified/],
        [["complete", "a.ts", "--line", "0", "--column", "1"], /^error usage: /],
        [["read", "a.ts", "--budget", "0"], /above 0 and at most 1/],
        [["read", "a.ts", "--budget", "1.01"], /above 0 and at most 1/],
        [["read", "a.ts", "--budget", "25%"], /above 0 and at most 1/],
        [["read", "a.ts", "--gpu", "tpu"], /Allowed choices are auto, cpu, cuda, vulkan, metal\./],
        [["read", "a.ts", "--position", "up"], /Allowed choices are parallel, sequential\./],
        [["read", "a.ts", "--kv-mib", "0"], /^error usage: /],
        [["read", "a.ts", "--threads", "-1"], /^error usage: /],
        [["read", "a.ts", "--model"], /^error usage: option '--model <path>' argument missing/],
        [
            ["read", "a.ts", "--policy", "best"],
            /^error unknown-policy: no policy is called "best"\. Choose one of: full, /,
        ],
        [["bench", "speed", "--rows", "no-such-row"], /^error usage: no row is called "no-such-row"\. There are: /],
        [["bench", "speed", "--rounds", "0"], /^error usage: /],
    ])("%j", async (args, message) => {
        const rest = args.includes("--model") ? [] : own;
        const {code, out, err, recorded} = await runProgram(root, [...args, ...rest]);
        expect(err).toMatch(message);
        expect(err.trimEnd().split("\n")).toHaveLength(1);
        expect({code, out}).toEqual({code: 2, out: ""});
        expect(recorded.settings).toEqual([]);
    });

    test("a chat has no one object to print", async () => {
        const {code, out} = await run("ask", "-i", "--json");
        expect(code).toBe(2);
        expect(JSON.parse(out)).toEqual({
            error: {code: "usage", message: "--interactive and --json do not go together."},
        });
    });

    test("with --json the object of the failure, and nothing else", async () => {
        const {code, out, err} = await run("ask", "q", "--json", "--frobnicate");
        expect({code, err}).toEqual({code: 2, err: ""});
        expect(JSON.parse(out)).toEqual({
            error: {
                code: "unknown-flag",
                message: expect.stringMatching(/^unknown option "--frobnicate"\. Run /) as unknown,
            },
        });
    });
});

describe("help", () => {
    test("lists the commands and ends with 0", async () => {
        const {code, out, err} = await run("--help");
        expect({code, err}).toEqual({code: 0, err: ""});
        for (const command of ["doctor", "read", "ask", "complete", "calibrate", "cache", "bench"])
            expect(out).toMatch(new RegExp(`^  ${command}\\b`, "m"));
    });

    test("of a command shows its own flags and those of all", async () => {
        const {code, out} = await run("ask", "--help");
        expect(code).toBe(0);
        for (const flag of ["--context", "--session", "--max-tokens", "--temperature", "--seed", "--model", "--kv-mib"])
            expect(out).toContain(flag);
    });

    test("--version prints the version of the package", async () => {
        const {code, out} = await run("--version");
        expect(code).toBe(0);
        expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
    });
});

describe("settings", () => {
    test("defaults of the contract", async () => {
        const {recorded} = await run("doctor");
        expect(recorded.settings).toEqual([
            {
                modelPath: model,
                gpu: "auto",
                policy: "aha-echo",
                budget: 0.25,
                rowType: "f16",
                cacheDir: join(outside, "cache"),
                threads: 0,
                position: "parallel",
                attendedTokens: 8192,
                waitForReadsMs: 10_000,
            },
        ]);
    });

    test("flags before and behind the command count, and reach the engine", async () => {
        const {recorded} = await run(
            ...["--gpu", "cpu", "read", "a.ts", "--policy", "ahakv", "--budget", ".125", "--kv-mib", "300"],
            ...["--threads", "3", "--position", "sequential"],
        );
        expect(recorded.settings).toEqual([
            expect.objectContaining({
                gpu: "cpu",
                policy: "ahakv",
                budget: 0.125,
                kvMib: 300,
                threads: 3,
                position: "sequential",
            }),
        ]);
    });

    test("a model that is not there is said before anything is started", async () => {
        const {code, err, recorded} = await runProgram(root, ["read", "a.ts", "--model", "no/such.gguf"]);
        expect(code).toBe(1);
        expect(err).toContain(`error model-missing: there is no model file at ${join(root, "no/such.gguf")}.`);
        expect(recorded.settings).toEqual([]);
    });
});

describe("read", () => {
    test("answers the engine's report, with what the scan left out", async () => {
        const {code, out, recorded} = await run("read", ".", "--json");
        expect(code).toBe(0);
        expect(JSON.parse(out)).toEqual({
            ...readReport,
            skipped: [
                {path: ".env", reason: "secret"},
                {path: "c.png", reason: "binary"},
                {path: "new.ts", reason: "empty"},
                ...readReport.skipped,
            ],
        });
        expect(recorded.updates).toEqual([
            {
                workspace: root,
                upsert: [
                    {path: "a.ts", text: "const a = 1;\nexport {a};\n", mtimeMs: expect.any(Number) as unknown},
                    {path: "src/b.ts", text: "const b = 2;\n", mtimeMs: expect.any(Number) as unknown},
                ],
            },
        ]);
        expect(recorded.calls).toEqual(["read a.ts src/b.ts"]);
        expect(recorded.nDisposed).toBe(1);
    });

    test("refines what it has read when it is told to, and says how long that took", async () => {
        const {code, out, recorded} = await run("read", "--refine", "a.ts", "--json");
        expect({code, calls: recorded.calls}).toEqual({code: 0, calls: ["read a.ts and refine"]});
        expect(JSON.parse(out)).toMatchObject({
            files: [{path: "a.ts", ms: 3100, refined: true, refineMs: 6400}],
            totals: {ms: 3100, refineMs: 6400},
        });
        const text = await run("read", "a.ts", "--refine");
        expect(text.out).toContain("refined in 6.4 s");
        const other = await run("read", "a.ts", "--refine", "--policy", "snapkv");
        expect(other.err).toMatch(/^error usage: files read with the policy snapkv are not refined\. Use aha-echo/);
        expect({code: other.code, settings: other.recorded.settings}).toEqual({code: 2, settings: []});
    });

    test("takes files outside the workspace by the path they were given", async () => {
        const {recorded} = await run("read", join(outside, "far.ts"), "src");
        expect(recorded.updates[0]!.upsert!.map((file) => file.path)).toEqual([join(outside, "far.ts"), "src/b.ts"]);
    });

    test("a path that is not there is a failure, not a skipped file", async () => {
        const {code, err, recorded} = await run("read", "a.ts", "no.ts");
        expect({code, nDisposed: recorded.nDisposed}).toEqual({code: 1, nDisposed: 1});
        expect(err).toMatch(/^error file-missing: there is no file no\.ts\. Check the path/);
        expect(recorded.calls).toEqual([]);
    });

    test("measures the head profile first when there is none and the policy asks for one", async () => {
        const read = (flags: string[], options: object) =>
            runProgram(root, ["read", "a.ts", "--json", ...flags, ...own], options);
        const first = await read([], {hasProfile: false});
        expect(first.recorded.calls).toEqual(["calibrate", "read a.ts"]);
        expect(first.err).toContain("note: this model has no head profile yet");
        const uniform = await read(["--policy", "ahakv"], {hasProfile: false});
        expect(uniform.recorded.calls).toEqual(["read a.ts"]);
        const little = await read([], {hasProfile: false, calibrateError: usage("there is too little text here.")});
        expect(little.recorded.calls).toEqual(["calibrate", "read a.ts"]);
        expect({code: little.code, err: little.err}).toEqual({
            code: 0,
            err: expect.stringContaining("note: there is too little text here. The files are kept whole.\n") as unknown,
        });
        const failed = await read([], {hasProfile: false, calibrateError: new Error("no")});
        expect({code: failed.code, calls: failed.recorded.calls}).toEqual({code: 1, calls: ["calibrate"]});
    });

    test("for people: a table, what was skipped, the totals", async () => {
        const {out} = await run("read", "a.ts");
        expect(out).toMatch(/^file +tokens +rows kept +kept +uncut +time\n/);
        expect(out).toMatch(/^a\.ts +1000 +250 \(25 %\) +2\.4 MiB +9\.5 MiB +read +3\.1 s$/m);
        expect(out).toMatch(/^ {2}c\.bin: changed$/m);
        expect(out).toMatch(/^1 file, 1\.0k tokens, 2\.4 MiB of 9\.5 MiB \(25 %\), 3\.1 s$/m);
    });
});

describe("ask", () => {
    test("answers the contract's object; notes go to standard error", async () => {
        const {code, out, err} = await run("ask", "Why?", "--json");
        expect(code).toBe(0);
        const {text, tokens, ttftMs, tokensPerSecond, leftOut, reusedTokens, readTokens} = answer;
        expect(JSON.parse(out)).toEqual({
            ...{text, tokens, ttftMs, tokensPerSecond, leftOut, reusedTokens, readTokens},
            attended: [{path: "a.ts", tokens: 100, keptRows: 25, why: "imported"}],
        });
        expect(err).toBe("note: rows of two earlier turns were cut\n");
    });

    test("without --context the whole workspace is known and the engine chooses", async () => {
        const {recorded} = await run("ask", "Why?", "--max-tokens", "7", "--temperature", "0.5", "--seed", "9");
        expect(recorded.updates[0]!.upsert!.map((file) => file.path)).toEqual(["a.ts", "src/b.ts"]);
        expect(recorded.asks).toEqual([
            {
                workspace: root,
                conversation: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
                turns: [{role: "user", text: "Why?"}],
                choice: {},
                maxTokens: 7,
                temperature: 0.5,
                seed: 9,
            },
        ]);
        expect(recorded.settings[0]!.waitForReadsMs).toBe(10_000);
    });

    test("with --context only those files are seen; the others are left out with the reason", async () => {
        const {recorded, out} = await run(
            "ask",
            "Why?",
            "--json",
            "--context",
            "src",
            "c.png",
            join(outside, "far.ts"),
        );
        expect(recorded.asks[0]!.choice).toEqual({context: ["src/b.ts", join(outside, "far.ts")], onlyNamed: true});
        expect((JSON.parse(out) as {leftOut: object[]}).leftOut).toEqual([
            ...answer.leftOut,
            {path: "c.png", why: "binary"},
        ]);
    });

    test("for people: the answer alone on standard output, its report on standard error", async () => {
        const {out, err} = await run("ask", "Why?");
        expect(out).toBe("Forty-two.\n");
        expect(err).toMatch(/^a\.ts +100 +25 \(25 %\) +imported: by b\.ts$/m);
        expect(err).toContain("left out: c.ts (budget)");
        expect(err).toContain("first token after 120 ms, 5 tokens at 40.0/s; file tokens: 100 reused, 0 read");
        expect(err).toContain("note: rows of two earlier turns were cut");
    });

    test("--session goes on with the conversation, in this workspace", async () => {
        const first = await run("ask", "One?", "--session", "talk", "--json");
        const second = await run("ask", "Two?", "--session", "talk", "--json");
        const other = await run("ask", "Three?", "--session", "other", "--json");
        const elsewhere = await runProgram(outside, ["ask", "Four?", "--session", "talk", "--json", ...own]);
        expect(first.recorded.asks[0]!.turns).toEqual([{role: "user", text: "One?"}]);
        expect(second.recorded.asks[0]!.turns).toEqual([
            {role: "user", text: "One?"},
            {role: "assistant", text: "Forty-two."},
            {role: "user", text: "Two?"},
        ]);
        expect(second.recorded.asks[0]!.conversation).toBe(first.recorded.asks[0]!.conversation);
        expect(other.recorded.asks[0]!.turns).toHaveLength(1);
        expect(elsewhere.recorded.asks[0]!.turns).toHaveLength(1);
        expect(readdirSync(join(outside, "cache", "conversations"))).toHaveLength(2);
    });

    test("a question that failed leaves no turn behind", async () => {
        const failing = () => Promise.reject(new Error("no"));
        const args = ["ask", "One?", "--session", "failed", "--json", ...own];
        expect((await runProgram(root, args, {onAsk: failing})).code).toBe(1);
        const next = await runProgram(root, args);
        expect(next.recorded.asks[0]!.turns).toHaveLength(1);
    });

    test("the engine gets the signal of the interrupt", async () => {
        const interrupt = new Interrupt();
        const ran = await runProgram(root, ["ask", "q", ...own], {
            interrupt,
            onAsk: async (_request, _text, signal) => {
                interrupt.trigger();
                signal!.throwIfAborted();
            },
        });
        expect({code: ran.code, nDisposed: ran.recorded.nDisposed}).toEqual({code: 1, nDisposed: 1});
    });
});

describe("ask --interactive", () => {
    const chat = (input: string[], ...args: string[]) =>
        runProgram(root, ["ask", "--interactive", ...args, ...own], {input});

    test("asks line by line in one conversation and leaves at /quit", async () => {
        const {code, out, err, recorded} = await chat(["One?", "", "/help", "/files", "Two?", "/quit", "Three?"]);
        expect(code).toBe(0);
        expect(recorded.asks.map((ask) => ask.turns.map((turn) => turn.text))).toEqual([
            ["One?"],
            ["One?", "Forty-two.", "Two?"],
        ]);
        expect(out).toBe("Forty-two.\nForty-two.\n");
        expect(err).toContain("/quit   leave");
        expect(err).toContain("0 files of 0 tokens known, 0 of them read");
        expect(recorded.nDisposed).toBe(1);
    });

    test("a question on the command line comes first; the end of the input ends the chat", async () => {
        const {code, recorded} = await chat(["Two?"], "One?");
        expect(code).toBe(0);
        expect(recorded.asks.map((ask) => ask.turns.at(-1)!.text)).toEqual(["One?", "Two?"]);
    });

    test("an unknown command is named, and not asked", async () => {
        const {err, recorded} = await chat(["/frobnicate"]);
        expect(err).toContain("There is no command /frobnicate");
        expect(recorded.asks).toEqual([]);
    });

    test("a stopped answer stays in the conversation as far as it came, and the chat goes on", async () => {
        const interrupt = new Interrupt();
        let nAsked = 0;
        const {code, err, recorded} = await runProgram(root, ["ask", "-i", ...own], {
            input: ["One?", "Two?"],
            interrupt,
            onAsk: async (_request, text, signal) => {
                if (nAsked++ > 0) return;
                text("Forty-");
                interrupt.trigger();
                signal!.throwIfAborted();
            },
        });
        expect(code).toBe(0);
        expect(err).toContain("stopped");
        expect(recorded.asks[1]!.turns).toEqual([
            {role: "user", text: "One?"},
            {role: "assistant", text: "Forty-"},
            {role: "user", text: "Two?"},
        ]);
    });

    test("a question that fails is told and the chat goes on", async () => {
        let nAsked = 0;
        const {code, err, recorded} = await runProgram(root, ["ask", "-i", ...own], {
            input: ["One?", "Two?"],
            onAsk: async () => {
                if (nAsked++ === 0) throw new Error("too long");
            },
        });
        expect(code).toBe(0);
        expect(err).toContain("error internal: too long");
        expect(recorded.asks[1]!.turns).toEqual([{role: "user", text: "Two?"}]);
    });
});

describe("complete", () => {
    test("finds the offset and answers the contract's object", async () => {
        const {code, out, recorded} = await run("complete", "a.ts", "--line", "2", "--column", "7", "--json");
        expect(code).toBe(0);
        const {text, ttftMs, ms, attended, reusedTokens, readTokens, mode} = completion;
        expect(JSON.parse(out)).toEqual({text, ttftMs, ms, attended, reusedTokens, readTokens, mode});
        expect(recorded.calls).toEqual(['complete a.ts 19 {"open":["a.ts"]}']);
    });

    test("several are asked for with --candidates", async () => {
        const place = ["complete", "a.ts", "--line", "2", "--column", "7", "--candidates"];
        const {out} = await run(...place, "3", "--json");
        expect(JSON.parse(out)).toMatchObject({text: completion.text, candidates: [completion.text, "return 43;"]});
        expect((await run(...place, "2")).out).toBe(`${completion.text}\n\n---\n\nreturn 43;\n`);
        expect(await run(...place, "5")).toMatchObject({code: 2});
    });

    test("files of --context are read first, and that read counts", async () => {
        const {code, out, recorded} = await run(
            ...["complete", "src/b.ts", "--line", "1", "--column", "1", "--json", "--context", "a.ts"],
        );
        expect(code).toBe(0);
        expect(recorded.calls).toEqual([
            "read a.ts",
            `complete src/b.ts 0 {"context":["a.ts"],"onlyNamed":true,"open":["src/b.ts"]}`,
        ]);
        expect(JSON.parse(out)).toMatchObject({
            ttftMs: completion.ttftMs + readReport.totals.ms,
            ms: completion.ms + readReport.totals.ms,
            reusedTokens: 0,
            readTokens: 100,
        });
    });

    test("works in a file that is still empty", async () => {
        const {code, out} = await run("complete", "new.ts", "--line", "1", "--column", "1");
        expect({code, out}).toEqual({code: 0, out: "return 42;\n"});
    });

    test.each([
        [
            ["a.ts", "--line", "9", "--column", "1"],
            1,
            /^error position-outside: line 9, column 1 is outside a\.ts: it has 3 lines\./,
        ],
        [["a.ts", "--line", "1", "--column", "14"], 1, /^error position-outside: .*line 1 ends at column 13\./],
        [["no.ts", "--line", "1", "--column", "1"], 1, /^error file-missing: there is no file no\.ts\./],
        [["c.png", "--line", "1", "--column", "1"], 2, /^error usage: c\.png cannot be completed\./],
        [
            [".env", "--line", "1", "--column", "1"],
            2,
            /^error usage: \.env cannot be completed\. The file looks like it holds secrets/,
        ],
    ])("%j is refused before anything is loaded", async (args, expected, message) => {
        const {code, err, recorded} = await run("complete", ...args);
        expect(err).toMatch(message);
        expect(code).toBe(expected);
        expect(recorded.settings).toEqual([]);
    });
});

describe("doctor, calibrate, cache", () => {
    test("doctor ends with 1 when something is wrong, its report whole", async () => {
        const {code, out} = await run("doctor", "--json");
        expect(code).toBe(1);
        expect(JSON.parse(out)).toEqual(doctorReport);
        const people = await run("doctor");
        expect(people.code).toBe(1);
        expect(people.out).toMatch(/^✘ model {2}it is missing\n {9}Run set-up\.$/m);
    });

    test("calibrate answers the profile", async () => {
        const {code, out} = await run("calibrate", "--json");
        expect(code).toBe(0);
        expect(JSON.parse(out)).toEqual({path: "/p.json", budgets: [{share: 0.25, perHead: [[0.5, 0.1]]}], ms: 5});
        expect((await run("calibrate")).out).toContain("/p.json");
    });

    test.each([
        [["cache"]],
        [["cache", "list"]],
        [["cache", "clear"]],
        [["cache", "verify"]],
        [["cache", "drop", "./a.ts"]],
    ])("%j answers what the store holds", async (args) => {
        const {code, out} = await run(...args, "--json");
        expect(code).toBe(0);
        expect(JSON.parse(out)).toEqual(cacheReport);
    });

    test("cache needs no model", async () => {
        const {code} = await runProgram(root, ["cache", "--model", "no.gguf", "--cache-dir", join(outside, "c2")]);
        expect(code).toBe(0);
    });

    test("cache drop takes the path as the store knows it, and a path that is not stored is a failure", async () => {
        expect((await run("cache", "drop", join(root, "a.ts"))).recorded.calls).toEqual(["drop a.ts"]);
        const {code, err} = await run("cache", "drop", "src/b.ts");
        expect(code).toBe(1);
        expect(err).toMatch(/^error file-missing: there is no file src\/b\.ts in the cache\./);
    });

    test("cache verify names what was damaged", async () => {
        const {out} = await run("cache", "verify");
        expect(out).toContain("3 segments checked, 1 damaged and removed\n  x.ts: checksum");
    });
});
