/** What a process that dies in native code leaves behind: real processes, really killed by their signal. */
import {spawnSync} from "node:child_process";
import {existsSync, mkdtempSync, readFileSync, rmSync, statSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, describe, expect, it} from "vitest";
import {addonCandidates} from "../../extension/engine/native/addon.js";

const folder = mkdtempSync(path.join(tmpdir(), "kvasir-crash-"));
afterAll(() => rmSync(folder, {recursive: true, force: true}));
const addon = addonCandidates().find((candidate) => existsSync(candidate))!;

function die(name: string, how: string) {
    const file = path.join(folder, name);
    const script = `
        const addon = require(${JSON.stringify(addon)});
        if (!addon.reportCrashes(${JSON.stringify(file)})) process.exit(9);
        ${how}`;
    const {signal, status} = spawnSync(process.execPath, ["-e", script], {stdio: "ignore"});
    return {signal, status, file};
}

describe.skipIf(process.platform === "win32")("a crash in native code", () => {
    it.each([
        ["SIGABRT", "process.abort();"],
        ["SIGSEGV", 'process.kill(process.pid, "SIGSEGV"); setTimeout(() => {}, 60_000);'],
    ])("leaves its signal (%s) and its stack in the file, and ends as it would have", (signal, how) => {
        const died = die(signal, how);
        expect(died.signal).toBe(signal);
        const lines = readFileSync(died.file, "utf8").trim().split("\n");
        expect(lines[0]).toBe(signal);
        // Frames of our handler and of the program that ran.
        expect(lines.slice(1).join("\n")).toContain(path.basename(addon));
        expect(lines.length).toBeGreaterThan(4);
        expect(statSync(died.file).mode & 0o777).toBe(0o600);
    });

    it("is not reported of a process that ends in order", () => {
        const ended = die("none", "process.exit(0);");
        expect(ended.status).toBe(0);
        expect(readFileSync(ended.file, "utf8")).toBe("");
    });
});
