import {rm, stat, utimes} from "node:fs/promises";
import {dirname, join} from "node:path";
import {describe, expect, test} from "vitest";
import {DiskStore} from "../../../extension/engine/store/disk-store.js";
import {sampleSegment} from "./sample-segments.js";
import {fileOf, limitBytes, rowsIn, segmentFiles, sizeOf, totalBytes} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

describe("the limit", () => {
    const names = ["1", "2", "3", "4", "5", "6"];

    test("evicts the least recently used, over all repositories and runs", async () => {
        const root = await temporaryFolder();
        const size = await sizeOf(sampleSegment({path: "1"}));
        const limit = Math.floor(4.5 * size);
        let store = await DiskStore.open(root, {limitBytes: limit});
        const keptPaths = async (): Promise<string> =>
            (await store.list())
                .map(({path}) => path)
                .sort()
                .join("");
        for (const path of ["1", "2", "3", "4"]) await store.put(sampleSegment({path, workspace: `/repo${path}`}));
        expect(await keptPaths()).toBe("1234");
        await rowsIn(store, sampleSegment({path: "1"}));
        // The next run knows of the use: it is in the file itself.
        await rm(join(root, "index.json"), {force: true});
        store = await DiskStore.open(root, {limitBytes: limit});
        await store.put(sampleSegment({path: "5"}));
        expect(await keptPaths()).toBe("1345");
        await store.put(sampleSegment({path: "6"}));
        expect(await keptPaths()).toBe("1456");
        expect(store.bytes).toBeLessThanOrEqual(limit);
        expect((await segmentFiles(root)).length).toBe(4);
    });

    test("refuses what is larger than all of it, and evicts nothing for it", async () => {
        const small = sampleSegment();
        const store = await DiskStore.open(await temporaryFolder(), {limitBytes: (await sizeOf(small)) + 10});
        await store.put(small);
        expect(await store.put(sampleSegment({path: "src/big.ts", nTokens: 4000}))).toBe("too-large");
        expect(await store.list()).toHaveLength(1);
    });

    test("holds when many are put at once", async () => {
        const root = await temporaryFolder();
        const limit = 3 * (await sizeOf(sampleSegment({path: "1"}))) + 100;
        const store = await DiskStore.open(root, {limitBytes: limit});
        await Promise.all([...names, ...names].map((path) => store.put(sampleSegment({path}))));
        const total = await totalBytes(root);
        expect(total).toBeLessThanOrEqual(limit);
        expect(total).toBe(store.bytes);
        expect(total).toBeGreaterThan(0);
    });

    test("counts files that appeared without it, and lowers with a new limit", async () => {
        const root = await temporaryFolder();
        const [big, small] = [
            await DiskStore.open(root, {limitBytes}),
            await DiskStore.open(root, {limitBytes: 2 * (await sizeOf(sampleSegment({path: "1"}))) + 100}),
        ];
        for (const path of ["1", "2", "3", "4"]) await big.put(sampleSegment({path}));
        await small.put(sampleSegment({path: "5"}));
        expect((await small.list()).map(({path}) => path)).toEqual(["5", "4"]);
    });

    test("knows of uses by another one that has the folder open", async () => {
        const root = await temporaryFolder();
        const limit = Math.floor(2.5 * (await sizeOf(sampleSegment({path: "1"}))));
        const store = await DiskStore.open(root, {limitBytes: limit});
        await store.put(sampleSegment({path: "1"}));
        await store.put(sampleSegment({path: "2"}));
        const day = 24 * 3600;
        for (const [path, age] of [
            ["1", 3],
            ["2", 2],
        ] as const) {
            const file = await fileOf(root, sampleSegment({path}));
            await utimes(file, Date.now() / 1000 - age * day, Date.now() / 1000 - 5 * day);
            // An old folder is not read again, so that the use can only be found at the file.
            await utimes(dirname(file), Date.now() / 1000 - 5 * day, Date.now() / 1000 - 5 * day);
        }
        const [ours, other] = [
            await DiskStore.open(root, {limitBytes: limit}),
            await DiskStore.open(root, {limitBytes: limit}),
        ];
        await rowsIn(other, sampleSegment({path: "1"}));
        await ours.put(sampleSegment({path: "3"}));
        expect((await ours.list()).map(({path}) => path)).toEqual(["3", "1"]);
    });

    test("a use in the future does not keep a segment for ever", async () => {
        const root = await temporaryFolder();
        const limit = Math.floor(2.5 * (await sizeOf(sampleSegment({path: "1"}))));
        const first = await DiskStore.open(root, {limitBytes: limit});
        await first.put(sampleSegment({path: "1"}));
        const {mtime} = await stat(await fileOf(root, sampleSegment({path: "1"})));
        await utimes(await fileOf(root, sampleSegment({path: "1"})), new Date("2100-01-01"), mtime);
        const store = await DiskStore.open(root, {limitBytes: limit});
        const entry = (await store.list())[0];
        expect(entry?.lastUsedMs).toBeLessThanOrEqual(Date.now());
        expect((await stat(await fileOf(root, sampleSegment({path: "1"})))).atimeMs).toBeLessThanOrEqual(Date.now());
        await store.put(sampleSegment({path: "2"}));
        await store.put(sampleSegment({path: "3"}));
        expect((await store.list()).map(({path}) => path)).toEqual(["3", "2"]);
    });
});
