import {readFileSync, readdirSync, writeFileSync} from "node:fs";
import path from "node:path";
import {describe, expect, it} from "vitest";
import {CrashRecord, suspectOf} from "../../../extension/engine/process/crash-record.js";
import {runtimeFolder} from "./engine-fixtures.js";

const bad = suspectOf("src/bad.ts", "bad");

/** A process that dies while it reads the text. */
const dieReading = (folder: string, suspect = bad) => new CrashRecord(folder).begin(suspect);

describe("the record of crashes", () => {
    it("leaves a text out after three crashes, not after two, and only that text", async () => {
        const folder = await runtimeFolder();
        dieReading(folder);
        dieReading(folder);
        expect(new CrashRecord(folder).isQuarantined(bad)).toBe(false);
        dieReading(folder);
        const record = new CrashRecord(folder);
        expect(record.isQuarantined(bad)).toBe(true);
        expect(record.quarantined()).toEqual(["src/bad.ts"]);
        expect(record.isQuarantined(suspectOf("src/bad.ts", "mended"))).toBe(false);
        expect(record.isQuarantined(suspectOf("src/other.ts", "bad"))).toBe(false);
    });

    it("a process that ends in order leaves no suspect", async () => {
        const folder = await runtimeFolder();
        for (let n = 0; n < 4; n++) {
            const record = new CrashRecord(folder);
            record.begin(bad);
            record.end(bad, false);
        }
        expect(new CrashRecord(folder).isQuarantined(bad)).toBe(false);
        expect(readdirSync(folder)).toEqual([]);
    });

    it("a text that comes through is cleared of earlier crashes", async () => {
        const folder = await runtimeFolder();
        dieReading(folder);
        dieReading(folder);
        const record = new CrashRecord(folder);
        record.begin(bad);
        record.end(bad, true);
        dieReading(folder);
        expect(new CrashRecord(folder).isQuarantined(bad)).toBe(false);
    });

    it("blames the text that was being read last", async () => {
        const folder = await runtimeFolder();
        for (let n = 0; n < 3; n++) {
            const record = new CrashRecord(folder);
            record.begin(suspectOf("a.ts", "fine"));
            record.end(suspectOf("a.ts", "fine"), true);
            record.begin(bad);
        }
        const next = new CrashRecord(folder);
        expect(next.quarantined()).toEqual(["src/bad.ts"]);
        // Said once, by the process that came next.
        expect(next.died).toMatchObject({path: "src/bad.ts", nCrashes: 3});
        expect(new CrashRecord(folder).died).toBeUndefined();
    });

    it("counts deaths while a text is scored again apart: it is read on, and not scored again after three", async () => {
        const folder = await runtimeFolder();
        const file = {path: "src/bad.ts", text: "bad"};
        for (let n = 0; n < 3; n++) {
            const record = new CrashRecord(folder);
            expect(record.isRefinable(file)).toBe(true);
            // It comes through the read of every start, which clears nothing.
            record.begin(bad);
            record.end(bad, true);
            record.beginRefining(file);
            // Somebody else's end is not its own.
            record.end(bad, false);
        }
        const next = new CrashRecord(folder);
        expect(next.died).toMatchObject({path: "src/bad.ts", nCrashes: 3, isRefining: true});
        expect(next.isRefinable(file)).toBe(false);
        expect(next.isQuarantined(bad)).toBe(false);
        expect(next.quarantined()).toEqual([]);
        expect(next.isRefinable({...file, text: "mended"})).toBe(true);
        // Given up in order is no crash.
        next.beginRefining({...file, text: "mended"})(false);
        expect(new CrashRecord(folder).died).toBeUndefined();
    });

    it.each(["", "[", '{"key": 1}', '[{"key": "x"}]', "null"])(
        "damaged files (%j) are as good as none",
        async (text) => {
            const folder = await runtimeFolder();
            writeFileSync(path.join(folder, "crashes.json"), text);
            writeFileSync(path.join(folder, "reading.json"), text);
            expect(new CrashRecord(folder).quarantined()).toEqual([]);
        },
    );

    it("keeps the newest of very many", async () => {
        const folder = await runtimeFolder();
        for (let n = 0; n < 205; n++) dieReading(folder, suspectOf(`${n}.ts`, "x"));
        for (let n = 0; n < 2; n++) dieReading(folder, suspectOf("204.ts", "x"));
        expect(new CrashRecord(folder).quarantined()).toEqual(["204.ts"]);
    });

    it("does not keep the texts", async () => {
        const folder = await runtimeFolder();
        dieReading(folder, suspectOf("a.ts", "very private words"));
        new CrashRecord(folder).begin(suspectOf("a.ts", "very private words"));
        const written = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), "utf8"));
        expect(written).toHaveLength(2);
        expect(written.join()).not.toContain("private");
    });
});
