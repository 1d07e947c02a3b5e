import {execFileSync} from "node:child_process";
import {appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {loadText} from "../../../extension/engine/workspace/load-text.js";

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "load-"));
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

const load = (name: string, limits?: {maxFileBytes: number}) =>
    loadText(join(folder, name), limits ? {path: name, limits} : {path: name});

describe("reading a file as text", () => {
    test("byte order mark off, line ends and characters kept", async () => {
        writeFileSync(join(folder, "a.ts"), "\uFEFFlet a = '𝕏';\r\nlet b;\n");
        expect(await load("a.ts")).toMatchObject({text: "let a = '𝕏';\r\nlet b;\n", sizeBytes: 27});
    });

    test("what is not readable text has a reason", async () => {
        writeFileSync(join(folder, "bad.ts"), Uint8Array.of(0x61, 0xff, 0x62));
        writeFileSync(join(folder, "nul.txt"), "a\0b");
        writeFileSync(join(folder, "long.txt"), "x".repeat(50));
        symlinkSync(join(folder, "long.txt"), join(folder, "link.txt"));
        expect(await load("bad.ts")).toEqual({reason: "not-utf8"});
        expect(await load("nul.txt")).toEqual({reason: "binary"});
        expect(await load("long.txt", {maxFileBytes: 49})).toEqual({reason: "huge"});
        expect(await load("link.txt")).toEqual({reason: "symlink"});
        expect(await load("gone.txt")).toEqual({reason: "missing"});
        expect(await load("long.txt/x")).toEqual({reason: "missing"});
        expect(await load(".")).toEqual({reason: "not-a-file"});
    });

    test("a secret is judged by the path it goes by, and not opened", async () => {
        writeFileSync(join(folder, "plain.txt"), "A=1\n");
        expect(await loadText(join(folder, "plain.txt"), {path: "app/.env.local"})).toEqual({reason: "secret"});
    });

    test.skipIf(process.platform === "win32")("a pipe does not make the reader wait", async () => {
        execFileSync("mkfifo", [join(folder, "pipe")]);
        expect(await load("pipe")).toEqual({reason: "not-a-file"});
    });

    test("a file that grows all the time is either whole at one moment or given up", async () => {
        const path = join(folder, "log.txt");
        writeFileSync(path, "line\n");
        let isWriting = true;
        const writer = (async () => {
            while (isWriting) {
                appendFileSync(path, "line\n".repeat(50));
                await new Promise((done) => setImmediate(done));
            }
        })();
        for (let i = 0; i < 30; i++) {
            const result = await load("log.txt", {maxFileBytes: 1 << 26});
            if (result.reason === undefined) {
                expect(result.text.length).toBe(result.sizeBytes);
                expect(result.text).toMatch(/^(line\n)+$/);
            } else expect(result.reason).toBe("changing");
        }
        isWriting = false;
        await writer;
    });
});
