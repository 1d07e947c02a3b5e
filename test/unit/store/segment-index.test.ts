import {mkdir, readFile, rm, symlink, unlink, utimes, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {DiskStore} from "../../../extension/engine/store/disk-store.js";
import {sampleSegment} from "./sample-segments.js";
import {fileOf, limitBytes, totalBytes} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

describe("the index", () => {
    async function filled(): Promise<{root: string; listed: unknown}> {
        const root = await temporaryFolder();
        const store = await DiskStore.open(root, {limitBytes});
        for (const path of ["1", "2", "3"]) await store.put(sampleSegment({path}));
        await store.close();
        return {root, listed: (await store.list()).map(({path, bytes, generation}) => ({path, bytes, generation}))};
    }

    const hints: [string, (path: string, text: string) => Promise<void>][] = [
        ["missing", (path) => unlink(path)],
        ["empty", (path) => writeFile(path, "")],
        ["binary", (path) => writeFile(path, Buffer.alloc(5000, 0xfe))],
        ["cut", (path, text) => writeFile(path, text.slice(0, text.length / 2))],
        ["of a changed size", (path, text) => writeFile(path, text.replace(/"bytes":\d+/, '"bytes":7'))],
        ["a folder", async (path) => void (await unlink(path), await mkdir(path))],
        ["a dangling link", async (path) => void (await unlink(path), await symlink("/nowhere/at/all", path))],
    ];
    test.each(hints)("is rebuilt from the files when its hint is %s", async (_name, spoil) => {
        const {root, listed} = await filled();
        const path = join(root, "index.json");
        await spoil(path, await readFile(path, "utf8"));
        const store = await DiskStore.open(root, {limitBytes});
        expect((await store.list()).map(({path, bytes, generation}) => ({path, bytes, generation}))).toEqual(listed);
        await store.close();
    });

    test("follows files that were deleted, added and replaced since its hint", async () => {
        const {root} = await filled();
        const hint = await readFile(join(root, "index.json"), "utf8");
        const other = await DiskStore.open(root, {limitBytes});
        await other.drop("1");
        await other.put(sampleSegment({path: "2", generation: 4, seed: 99}));
        await other.put(sampleSegment({path: "4"}));
        await other.close();
        await writeFile(join(root, "index.json"), hint);
        const store = await DiskStore.open(root, {limitBytes});
        const listed = (await store.list()).map(({path, generation}) => `${path}:${generation}`).sort();
        expect(listed).toEqual(["2:4", "3:0", "4:0"]);
        expect(store.bytes).toBe(await totalBytes(root));
    });

    test("building it anew does not change the order of use", async () => {
        const {root} = await filled();
        const day = 24 * 3600;
        const now = Date.now() / 1000;
        for (const [path, age] of [
            ["2", 5],
            ["3", 9],
            ["1", 20],
        ] as const) {
            const file = await fileOf(root, sampleSegment({path}));
            await utimes(file, now - age * day, now - 30 * day);
        }
        for (let round = 0; round < 2; round++) {
            await rm(join(root, "index.json"), {force: true});
            const store = await DiskStore.open(root, {limitBytes});
            await store.verify();
            expect((await store.list()).map(({path}) => path)).toEqual(["2", "3", "1"]);
        }
    });
});
