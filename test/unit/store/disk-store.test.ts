import {chmod, readdir, readFile, stat, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {DiskStore, type StoreDamage} from "../../../extension/engine/store/disk-store.js";
import {readRows, type Sample, sampleSegment} from "./sample-segments.js";
import {fileOf, identityOf, limitBytes, rowsIn, segmentFiles, sizeOf} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

describe("a disk store", () => {
    test("tells what comes and goes, also what another process has done, and knows it without looking", async () => {
        const root = await temporaryFolder();
        const [store, other] = [await DiskStore.open(root, {limitBytes}), await DiskStore.open(root, {limitBytes})];
        const sample = sampleSegment({path: "a.ts"});
        const identity = await identityOf(sample);
        const told: boolean[] = [];
        const end = store.onDidChange((changed) => void (changed === identity && told.push(store.knows(identity))));
        await other.put(sample);
        expect(store.knows(identity)).toBe(false);
        await store.list();
        await other.remove(identity);
        expect(store.knows(identity)).toBe(true);
        await store.list();
        expect(told).toEqual([true, false]);
        end();
        await store.put(sample);
        expect(told).toEqual([true, false]);
        await store.remove(identity);
        await store.remove(identity);
        expect([store.knows(identity), store.bytes]).toEqual([false, 0]);
    });

    test("gives back what was put, also to the next one to open it", async () => {
        const root = join(await temporaryFolder(), "a", "cache");
        const sample = sampleSegment();
        const store = await DiskStore.open(root, {limitBytes});
        expect(await rowsIn(store, sample)).toBeUndefined();
        expect(await store.has(await identityOf(sample))).toBe(false);
        expect(await store.put(sample)).toBe("stored");
        expect(await store.put(sample)).toBe("kept");
        expect(await store.has(await identityOf(sample))).toBe(true);
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
        const entries = await store.list();
        const nRows = sample.keepLists.reduce((sum, list) => sum + list.length, 0);
        expect(entries).toMatchObject([
            {
                path: "src/a.ts",
                workspace: "/repo",
                nTokens: 40,
                generation: 0,
                keptRows: nRows / 6,
                bytes: await sizeOf(sample),
            },
        ]);
        expect(store.bytes).toBe(await sizeOf(sample));
        const again = await DiskStore.open(root, {limitBytes});
        expect(again.bytes).toBe(store.bytes);
        expect((await rowsIn(again, sample))?.equals(sample.rowData)).toBe(true);
    });

    test("is private, and tagged as a cache", async () => {
        const root = join(await temporaryFolder(), "cache");
        const store = await DiskStore.open(root, {limitBytes});
        await store.put(sampleSegment());
        await store.close();
        const tag = await readFile(join(root, "CACHEDIR.TAG"), "utf8");
        expect(tag.startsWith("Signature: 8a477f597d28d172789f06886806bc55\n")).toBe(true);
        for (const name of ["", ...(await readdir(root, {recursive: true}))]) {
            const status = await stat(join(root, name));
            expect(status.mode & 0o777, name).toBe(status.isDirectory() ? 0o700 : 0o600);
        }
        expect(await segmentFiles(root)).toEqual([await fileOf(root, sampleSegment())]);
    });

    test("leaves a folder that was there, and foreign files in it, as they were", async () => {
        const root = await temporaryFolder();
        await chmod(root, 0o755);
        await writeFile(join(root, "notes.txt"), "mine");
        const store = await DiskStore.open(root, {limitBytes});
        const sample = sampleSegment();
        await store.put(sample);
        const beside = join(await fileOf(root, sample), "..", "notes.txt");
        await writeFile(beside, "mine too");
        expect(await store.clear()).toEqual({nSegments: 1, bytes: await sizeOf(sample)});
        expect((await stat(root)).mode & 0o777).toBe(0o755);
        expect(await readFile(join(root, "notes.txt"), "utf8")).toBe("mine");
        expect(await readFile(beside, "utf8")).toBe("mine too");
        expect(await segmentFiles(root)).toEqual([]);
        expect(store.bytes).toBe(0);
        expect(await rowsIn(store, sample)).toBeUndefined();
        expect(await store.put(sample)).toBe("stored");
    });

    test("replaces a segment by a later generation only", async () => {
        const root = await temporaryFolder();
        const damage: StoreDamage[] = [];
        const store = await DiskStore.open(root, {limitBytes, onDamage: (found) => damage.push(found)});
        const generations = [0, 1, 2].map((generation) => sampleSegment({generation, seed: 10 + generation}));
        const [first, second, third] = generations as [Sample, Sample, Sample];
        await store.put(first);
        const open = await store.get(await identityOf(first));
        expect(await store.put(third)).toBe("stored");
        expect(await store.put(second)).toBe("kept");
        expect((await rowsIn(store, first))?.equals(third.rowData)).toBe(true);
        expect(await store.list()).toMatchObject([{generation: 2}]);
        expect(store.bytes).toBe(await sizeOf(third));
        // Whoever was reading the old one reads it to its end.
        if (open === undefined) throw new Error("not found");
        expect((await readRows(open)).equals(first.rowData)).toBe(true);
        await open.close();
        expect(damage).toEqual([]);
    });

    test("being replaced by a later generation is no use: the oldest is still dropped first", async () => {
        const root = await temporaryFolder();
        const [old, young] = [sampleSegment({path: "old.ts"}), sampleSegment({path: "young.ts"})];
        const store = await DiskStore.open(root, {limitBytes});
        await store.put(old);
        await store.put(young);
        await store.put(sampleSegment({path: "old.ts", generation: 1, seed: 5}));
        expect(store.generationOf(await identityOf(old))).toBe(1);
        // Most recently used first, for this process and for those that look at the files.
        expect((await store.list()).map(({path}) => path)).toEqual(["young.ts", "old.ts"]);
        const other = await DiskStore.open(root, {limitBytes});
        expect((await other.list()).map(({path}) => path)).toEqual(["young.ts", "old.ts"]);
    });

    test("drops a file, a folder, or one repository's", async () => {
        const store = await DiskStore.open(await temporaryFolder(), {limitBytes});
        const paths = ["src/a.ts", "src/b/c.ts", "src/bc.ts", "src/b.ts"];
        for (const path of paths) await store.put(sampleSegment({path}));
        await store.put(sampleSegment({path: "src/b/d.ts", workspace: "/other"}));
        const remaining = async (): Promise<string[]> => (await store.list()).map(({path}) => path).sort();
        expect(await store.drop("src/none.ts")).toEqual({nSegments: 0, bytes: 0});
        expect((await store.drop("src/b.ts")).nSegments).toBe(1);
        expect((await store.drop("src/b", "/repo")).nSegments).toBe(1);
        expect(await remaining()).toEqual(["src/a.ts", "src/b/d.ts", "src/bc.ts"]);
        expect(await store.drop("src/b/")).toEqual({
            nSegments: 1,
            bytes: await sizeOf(sampleSegment({path: "src/b/d.ts", workspace: "/other"})),
        });
        expect(await remaining()).toEqual(["src/a.ts", "src/bc.ts"]);
    });

    test("a segment dropped while it is read is read to its end, and then a miss", async () => {
        const root = await temporaryFolder();
        const [store, other] = [await DiskStore.open(root, {limitBytes}), await DiskStore.open(root, {limitBytes})];
        const sample = sampleSegment();
        await store.put(sample);
        const segment = await store.get(await identityOf(sample));
        expect((await other.drop("src/a.ts")).nSegments).toBe(1);
        if (segment === undefined) throw new Error("not found");
        expect((await readRows(segment)).equals(sample.rowData)).toBe(true);
        await segment.close();
        expect(await rowsIn(store, sample)).toBeUndefined();
        expect(await store.list()).toEqual([]);
    });

    test("sees at once what another one has put", async () => {
        const root = await temporaryFolder();
        const [store, other] = [await DiskStore.open(root, {limitBytes}), await DiskStore.open(root, {limitBytes})];
        const sample = sampleSegment();
        await other.put(sample);
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
        await other.put(sampleSegment({path: "src/b.ts"}));
        expect((await store.list()).map(({path}) => path).sort()).toEqual(["src/a.ts", "src/b.ts"]);
    });
});
