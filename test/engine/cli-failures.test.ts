import {closeSync, copyFileSync, openSync, readdirSync, readSync, rmSync, truncateSync, writeFileSync} from "node:fs";
import {totalmem} from "node:os";
import {dirname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import type {CacheReport, ReadReport} from "../../extension/protocol/engine.js";
import {patchGguf} from "../native/patched-gguf.js";
import {type CliRun, CliWorkspace} from "./cli-runs.js";

const models = resolve(dirname(fileURLToPath(import.meta.url)), "../../.kvasir/models");
const smallModel = join(
    models,
    readdirSync(models).find((name) => name.endsWith(".gguf"))!,
);
const annotation = "src/api/annotation.ts";
const cutting = ["--policy", "ahakv"];

let workspace: CliWorkspace;
beforeAll(() => {
    workspace = new CliWorkspace([annotation, "src/core"]);
});
afterAll(() => workspace.remove());

/** One line with a code and a sentence, nothing on standard output. */
function expectFailure({code, stdout, stderr}: CliRun, exitCode: number, errorCode: string): void {
    const last = stderr.trimEnd().split("\n").at(-1);
    expect(last).toMatch(new RegExp(`^error ${errorCode}: \\S.*\\.$`));
    expect({code, stdout}).toEqual({code: exitCode, stdout: ""});
}

describe("a model that cannot be used", () => {
    const put = (name: string, content: Uint8Array | string) => {
        const file = join(dirname(workspace.folder), name);
        writeFileSync(file, content);
        return file;
    };

    test("is missing", async () => {
        expectFailure(await workspace.run("read", annotation, "--model", "none.gguf"), 1, "model-missing");
        const doctor = await workspace.run("doctor", "--json", "--model", "none.gguf");
        expect(doctor.code).toBe(1);
        const {ok, checks} = doctor.json<{ok: boolean; checks: {id: string; ok: boolean; fix?: string}[]}>();
        expect(ok).toBe(false);
        expect(checks.find((check) => check.id === "model")).toMatchObject({
            ok: false,
            fix: expect.any(String) as unknown,
        });
    });

    test("is cut short", async () => {
        const head = Buffer.alloc(8 * 2 ** 20);
        const file = openSync(smallModel, "r");
        readSync(file, head);
        closeSync(file);
        const cut = put("cut-short.gguf", head);
        expectFailure(await workspace.run("read", annotation, "--model", cut), 1, "model-broken");
    });

    test("has an architecture that llama.cpp does not know", async () => {
        const other = join(dirname(workspace.folder), "other.gguf");
        patchGguf(smallModel, other, {set: {"general.architecture": {type: "string", value: "no-such-thing"}}});
        const run = await workspace.run("read", annotation, "--model", other);
        expectFailure(run, 1, "model-unsupported");
        expect(run.stderr).toContain("no-such-thing");
    });

    test("is larger than the memory", async () => {
        const huge = join(dirname(workspace.folder), "huge.gguf");
        copyFileSync(smallModel, huge);
        // A hole in a file takes no room on the disk.
        truncateSync(huge, totalmem() + 2 ** 30);
        expectFailure(await workspace.run("read", annotation, "--model", huge), 1, "model-too-large");
        rmSync(huge);
    });

    test("is no model", async () => {
        const text = put("text.gguf", "This is a text.\n");
        expectFailure(await workspace.run("ask", "Why?", "--model", text), 1, "model-broken");
    });
});

test("a question that is longer than the window is refused", async () => {
    const long = "Why is the sky blue? ".repeat(2000);
    expectFailure(await workspace.run("ask", long, "--context", annotation, ...cutting), 1, "question-too-long");
});

test("a KV limit that is too small is said, and nothing is written", async () => {
    const large = "src/core/derivation.ts";
    const run = await workspace.run("read", large, "--kv-mib", "8", "--json", ...cutting);
    expect(run.code).toBe(1);
    expect(run.json<{error: {code: string}}>().error.code).toBe("kv-limit");
    const {entries} = (await workspace.run("cache", "--json")).json<CacheReport>();
    expect(entries.map((entry) => entry.path)).not.toContain(large);
});

test("Ctrl-C during a read ends with one line, and what was read before is good", async () => {
    expect((await workspace.run("read", annotation, ...cutting)).code).toBe(0);
    const {child, ended} = workspace.start(["read", annotation, "src/core", ...cutting]);
    await new Promise<void>((reading) => {
        child.stderr!.on("data", (text: string) => text.includes("reading ") && reading());
        child.once("close", () => reading());
    });
    child.kill("SIGINT");
    expectFailure(await ended, 1, "cancelled");
    expect((await workspace.run("cache", "verify")).stdout).toContain("all of them good");
    const again = (await workspace.run("read", annotation, "--json", ...cutting)).json<ReadReport>();
    expect(again.files[0]!.source).toBe("disk");
});

test("two processes read the same file at once: both succeed and the cache is good", async () => {
    const copy = join(workspace.folder, "src/api/copied.ts");
    copyFileSync(join(workspace.folder, annotation), copy);
    const both = await Promise.all([1, 2].map(() => workspace.run("read", "src/api/copied.ts", "--json", ...cutting)));
    for (const run of both) {
        expect(run.code).toBe(0);
        expect(run.json<ReadReport>().files.map((file) => file.path)).toEqual(["src/api/copied.ts"]);
    }
    expect((await workspace.run("cache", "verify")).stdout).toContain("all of them good");
});
