import {readdir, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {expect, test} from "vitest";
import {DiskStore} from "../../../extension/engine/store/disk-store.js";
import {segmentIdentity} from "../../../extension/engine/store/identity.js";
import {buildChild, resultOf, runChild, startChild} from "./run-child.js";
import {sampleSegment, seededRandom} from "./sample-segments.js";
import {limitBytes, sizeOf, totalBytes} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

const patience = 120_000;

interface Counts {
    stored: number;
    hits: number;
    misses: number;
    wrong: number;
    damaged: number;
}

async function temporaryFiles(root: string): Promise<string[]> {
    return (await readdir(root, {recursive: true})).filter((name) => name.endsWith(".tmp"));
}

test("four processes on one folder: right rows or a miss, and the limit holds", {timeout: patience}, async () => {
    const folder = await temporaryFolder();
    const root = join(folder, "cache");
    const program = await buildChild("hammer-store", folder);
    // Seven of twelve fit.
    const limit = Math.floor(7.5 * (await sizeOf(sampleSegment())));
    const ends = await Promise.all([1, 2, 3, 4].map((seed) => runChild(program, root, `${limit}`, `${seed}`, "150")));
    const counts = ends.map((end) => resultOf<Counts>(end));
    for (const {wrong, damaged, stored, hits} of counts) {
        expect({wrong, damaged}).toEqual({wrong: 0, damaged: 0});
        expect(stored).toBeGreaterThan(10);
        expect(hits).toBeGreaterThan(5);
    }
    expect(await totalBytes(root)).toBeLessThanOrEqual(limit);
    expect(await totalBytes(root)).toBeGreaterThan(0);
    expect(await temporaryFiles(root)).toEqual([]);
    const store = await DiskStore.open(root, {limitBytes: limit});
    const report = await store.verify();
    expect(report.damaged).toEqual([]);
    expect(report.bytes).toBe(await totalBytes(root));
});

test(
    "killed in the middle of writes: what was acknowledged is there, nothing half-written is",
    {timeout: patience},
    async () => {
        const folder = await temporaryFolder();
        const root = join(folder, "cache");
        const program = await buildChild("write-for-ever", folder);
        const random = seededRandom(5);
        const acknowledged: string[] = [];
        let nLeftTemporaries = 0;
        for (let round = 0; round < 10; round++) {
            const child = startChild(process.execPath, [program, root]);
            // Not by the clock: how much is written in a time depends on who else uses the disk.
            const nLines = 2 + Math.floor(random() * 4);
            let seen = "";
            await new Promise<void>((resolve) =>
                child.process.stdout?.on("data", (data: Buffer) => {
                    seen += data.toString();
                    if (seen.split("\n").length > nLines) resolve();
                }),
            );
            await new Promise((resolve) => setTimeout(resolve, random() * 15));
            child.process.kill("SIGKILL");
            const {lines} = await child.ended;
            acknowledged.push(...lines.filter((line) => line.startsWith("src/")));
            nLeftTemporaries += (await temporaryFiles(root)).length;
            const store = await DiskStore.open(root, {limitBytes});
            expect(await temporaryFiles(root)).toEqual([]);
            const report = await store.verify();
            expect(report.damaged).toEqual([]);
        }
        const store = await DiskStore.open(root, {limitBytes});
        const {fields} = sampleSegment({nTokens: 600, nLayers: 4, nKvHeads: 3, rowBytes: 256}).info;
        for (const path of acknowledged) {
            expect(await store.has(await segmentIdentity({...fields, pathHeader: path})), path).toBe(true);
        }
        expect(acknowledged.length).toBeGreaterThan(10);
        // Otherwise no kill met a write, and nothing was shown.
        expect(nLeftTemporaries).toBeGreaterThan(0);
    },
);

test("another process's write under way is left alone when the store opens", async () => {
    const root = join(await temporaryFolder(), "cache");
    const store = await DiskStore.open(root, {limitBytes});
    await store.put(sampleSegment());
    const ours = join(root, `.index.json.${process.pid}.0123456789ab.tmp`);
    const dead = join(root, ".index.json.4194304.0123456789ab.tmp");
    await writeFile(ours, "");
    await writeFile(dead, "");
    await DiskStore.open(root, {limitBytes});
    expect(await temporaryFiles(root)).toEqual([`.index.json.${process.pid}.0123456789ab.tmp`]);
});
