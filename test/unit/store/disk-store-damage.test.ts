import {existsSync} from "node:fs";
import {mkdir, readdir, readFile, rm, symlink, unlink, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {DiskStore, type StoreDamage} from "../../../extension/engine/store/disk-store.js";
import {readRows, sampleSegment} from "./sample-segments.js";
import {fileOf, identityOf, limitBytes, rowsIn} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

describe("damage", () => {
    test("is a miss, is told once, and goes to a quarantine that stays small", async () => {
        const root = await temporaryFolder();
        const damage: StoreDamage[] = [];
        const store = await DiskStore.open(root, {limitBytes, onDamage: (found) => damage.push(found)});
        for (let n = 0; n < 12; n++) {
            const sample = sampleSegment({path: `src/${n}.ts`});
            await store.put(sample);
            await writeFile(await fileOf(root, sample), "not a segment");
            expect(await rowsIn(store, sample)).toBeUndefined();
            expect(damage).toHaveLength(n + 1);
            expect(damage[n]).toMatchObject({identity: await identityOf(sample), isRemoved: true});
            expect(await store.has(await identityOf(sample))).toBe(false);
        }
        expect((await readdir(join(root, "quarantine"))).length).toBe(8);
        expect(await store.list()).toEqual([]);
        expect(store.bytes).toBe(0);
    });

    test("in the rows throws from the stream, and the segment can be put again", async () => {
        const root = await temporaryFolder();
        const store = await DiskStore.open(root, {limitBytes});
        const sample = sampleSegment();
        await store.put(sample);
        const file = await fileOf(root, sample);
        const bytes = await readFile(file);
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
        await writeFile(file, bytes);
        await expect(rowsIn(store, sample)).rejects.toMatchObject({code: "store-corrupt"});
        expect(existsSync(file)).toBe(false);
        expect(await store.put(sample)).toBe("stored");
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
    });

    test("is found by verify, which removes it and reports it", async () => {
        const root = await temporaryFolder();
        const store = await DiskStore.open(root, {limitBytes});
        const samples = ["1", "2", "3", "4"].map((path) => sampleSegment({path}));
        for (const sample of samples) await store.put(sample);
        const files = await Promise.all(samples.map((sample) => fileOf(root, sample)));
        const [head, body, other] = files as [string, string, string, string];
        const flip = async (file: string, at: number): Promise<void> => {
            const bytes = await readFile(file);
            const place = at < 0 ? bytes.length + at : at;
            bytes.writeUInt8(bytes.readUInt8(place) ^ 0x10, place);
            await writeFile(file, bytes);
        };
        await flip(head, 60);
        await flip(body, -30);
        await writeFile(other, await readFile(files[3] as string));
        const progress: number[] = [];
        const report = await store.verify((nChecked) => progress.push(nChecked));
        expect(report.nChecked).toBe(4);
        expect(report.damaged.map(({path}) => path).sort()).toEqual([head, body, other].sort());
        expect(progress).toEqual([1, 2, 3, 4]);
        expect((await store.list()).map(({path}) => path)).toEqual(["4"]);
        expect((await store.verify()).damaged).toEqual([]);
    });

    test("of another kind than files is taken away too", async () => {
        const root = await temporaryFolder();
        const sample = sampleSegment();
        const store = await DiskStore.open(root, {limitBytes});
        const file = await fileOf(root, sample);
        await mkdir(join(file, "inside"), {recursive: true});
        expect(await rowsIn(store, sample)).toBeUndefined();
        expect(await store.put(sample)).toBe("stored");
        await unlink(file);
        await symlink("/etc/hostname", file);
        expect(await store.list()).toEqual([]);
        expect(await store.put(sample)).toBe("stored");
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
    });
});

describe("a folder that vanishes or was never right", () => {
    test("deleted while running: misses, then new segments", async () => {
        const root = join(await temporaryFolder(), "cache");
        const store = await DiskStore.open(root, {limitBytes});
        const sample = sampleSegment();
        await store.put(sample);
        const open = await store.get(await identityOf(sample));
        await rm(root, {recursive: true});
        if (open === undefined) throw new Error("not found");
        expect((await readRows(open)).equals(sample.rowData)).toBe(true);
        await open.close();
        expect(await rowsIn(store, sample)).toBeUndefined();
        expect(await store.list()).toEqual([]);
        expect(store.bytes).toBe(0);
        expect((await store.verify()).nChecked).toBe(0);
        await store.close();
        expect(existsSync(root)).toBe(false);
        expect(await store.put(sample)).toBe("stored");
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
        expect(existsSync(join(root, "CACHEDIR.TAG"))).toBe(true);
    });

    test("deleted in the middle of a write: the write starts again", async () => {
        const root = join(await temporaryFolder(), "cache");
        const store = await DiskStore.open(root, {limitBytes});
        const sample = sampleSegment();
        let nStarts = 0;
        const rows = async function* (): AsyncGenerator<Uint8Array> {
            nStarts++;
            yield sample.rowData.subarray(0, 100);
            if (nStarts === 1) await rm(root, {recursive: true});
            yield sample.rowData.subarray(100);
        };
        expect(await store.put({...sample, rows})).toBe("stored");
        expect(nStarts).toBe(2);
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
    });

    test("a file in its place: nothing is found, and writing says so", async () => {
        const root = join(await temporaryFolder(), "cache");
        await writeFile(root, "I am a file");
        const store = await DiskStore.open(root, {limitBytes});
        expect(await store.list()).toEqual([]);
        expect(await rowsIn(store, sampleSegment())).toBeUndefined();
        await expect(store.put(sampleSegment())).rejects.toMatchObject({code: "store-read-only"});
        expect(await readFile(root, "utf8")).toBe("I am a file");
    });
});
