import {createDecipheriv, hkdfSync} from "node:crypto";
import {readdir, readFile, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {DiskStore, type StoreDamage} from "../../../extension/engine/store/disk-store.js";
import {StoreKey} from "../../../extension/engine/store/segment-seal.js";
import {mutate, mutationKinds} from "./mutations.js";
import {readRows, sampleSegment, seededRandom} from "./sample-segments.js";
import {identityOf, limitBytes, rowsIn, segmentFiles, sizeOf, totalBytes} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

const hexKey = "0123456789abcdef".repeat(4);
const key = StoreKey.parse(hexKey);
const otherKey = StoreKey.parse("f".repeat(64));
/** Two chunks. */
const sample = sampleSegment({path: "src/secret-plan.ts", nTokens: 900, nLayers: 4, nKvHeads: 3, rowBytes: 200});

async function everyFile(root: string): Promise<string[]> {
    const entries = await readdir(root, {recursive: true, withFileTypes: true});
    return entries.filter((entry) => entry.isFile()).map(({parentPath, name}) => join(parentPath, name));
}

describe("a store with a key", () => {
    test("gives back what was put, also to the next process, and shows neither rows nor names to others", async () => {
        const root = await temporaryFolder();
        const store = await DiskStore.open(root, {limitBytes, key});
        await store.put(sample);
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
        await store.close();
        const again = await DiskStore.open(root, {limitBytes, key});
        expect((await again.list()).map(({path}) => path)).toEqual(["src/secret-plan.ts"]);
        const segment = await again.get(await identityOf(sample));
        expect(await segment?.readKeepLists()).toEqual(sample.keepLists);
        expect(
            Buffer.from((await segment?.readScores())?.data ?? []).equals(sample.scores?.data ?? Buffer.alloc(0)),
        ).toBe(true);
        await segment?.close();
        const row = Buffer.from(sample.rowData.subarray(0, 64));
        for (const file of await everyFile(root)) {
            const bytes = await readFile(file);
            expect(bytes.includes("secret-plan"), file).toBe(false);
            expect(bytes.includes(row), file).toBe(false);
        }
    });

    test("is AES-256-GCM with a key per file: a header decrypted by hand", async () => {
        const root = await temporaryFolder();
        await (await DiskStore.open(root, {limitBytes, key})).put(sample);
        const [file] = (await everyFile(root)).filter((name) => name.endsWith(".kvseg"));
        const bytes = await readFile(file ?? "");
        const identity = await identityOf(sample);
        const salt = bytes.subarray(24, 32);
        const fileKey = hkdfSync("sha256", Buffer.from(hexKey, "hex"), salt, `kvasir segment ${identity}`, 32);
        const decipher = createDecipheriv("aes-256-gcm", Buffer.from(fileKey), Buffer.alloc(12));
        decipher.setAAD(bytes.subarray(0, 32)).setAuthTag(bytes.subarray(32, 48));
        const json = decipher.update(bytes.subarray(48, 48 + bytes.readUInt32LE(12)));
        decipher.final();
        expect(JSON.parse(json.toString())).toMatchObject({identity, path: "src/secret-plan.ts", nTokens: 900});
    });

    test("the same segment twice is encrypted differently", async () => {
        const [a, b] = [await temporaryFolder(), await temporaryFolder()];
        const bodies = [];
        for (const root of [a, b]) {
            await (await DiskStore.open(root, {limitBytes, key})).put(sample);
            const [file] = (await everyFile(root)).filter((name) => name.endsWith(".kvseg"));
            bodies.push(await readFile(file ?? ""));
        }
        expect(bodies[0]?.length).toBe(bodies[1]?.length);
        expect(bodies[0]?.subarray(48).equals(bodies[1]?.subarray(48) ?? Buffer.alloc(0))).toBe(false);
    });

    test("another key, or none, sees nothing and destroys nothing; the right one still finds it", async () => {
        const root = await temporaryFolder();
        await (await DiskStore.open(root, {limitBytes, key})).put(sample);
        for (const options of [{limitBytes}, {limitBytes, key: otherKey}]) {
            const damages: StoreDamage[] = [];
            const other = await DiskStore.open(root, {...options, onDamage: (damage) => damages.push(damage)});
            expect(await other.list()).toEqual([]);
            expect(await other.get(await identityOf(sample))).toBeUndefined();
            expect((await other.verify()).damaged).toEqual([]);
            expect(damages).toEqual([]);
        }
        const store = await DiskStore.open(root, {limitBytes, key});
        expect((await rowsIn(store, sample))?.equals(sample.rowData)).toBe(true);
    });

    test("what was stored in the clear goes when a key comes", async () => {
        const root = await temporaryFolder();
        const plain = await DiskStore.open(root, {limitBytes});
        await plain.put(sample);
        await plain.close();
        expect(await segmentFiles(root)).toHaveLength(1);
        await DiskStore.open(root, {limitBytes, key});
        for (const file of await everyFile(root)) expect((await readFile(file)).includes("secret-plan")).toBe(false);
    });

    test("files of keys that nobody uses any more count to the limit, and go when they are the oldest", async () => {
        const root = await temporaryFolder();
        const size = await sizeOf(sampleSegment({path: "1"}));
        const limit = Math.floor(3.5 * size);
        const old = await DiskStore.open(root, {limitBytes: limit, key: otherKey});
        for (const path of ["1", "2", "3"]) await old.put(sampleSegment({path}));
        await old.close();
        const store = await DiskStore.open(root, {limitBytes: limit, key});
        expect(store.bytes).toBe(await totalBytes(root));
        for (const path of ["4", "5"]) {
            await store.put(sampleSegment({path}));
            expect(store.bytes).toBe(await totalBytes(root));
            expect(store.bytes).toBeLessThanOrEqual(limit);
        }
        expect((await store.list()).map(({path}) => path).sort()).toEqual(["4", "5"]);
        expect((await (await DiskStore.open(root, {limitBytes: limit, key: otherKey})).list()).length).toBe(1);
        // With more, all that is left of the other key goes first.
        await store.put(sampleSegment({path: "6"}));
        expect((await store.list()).map(({path}) => path).sort()).toEqual(["4", "5", "6"]);
        expect(await totalBytes(root)).toBe(store.bytes);
    });

    test("clear takes the files of every key", async () => {
        const root = await temporaryFolder();
        await (await DiskStore.open(root, {limitBytes, key})).put(sample);
        await (await DiskStore.open(root, {limitBytes, key: otherKey})).put(sample);
        await (await DiskStore.open(root, {limitBytes})).clear();
        expect((await everyFile(root)).filter((name) => name.endsWith(".kvseg"))).toEqual([]);
    });

    test("300 damaged files: the very rows or a miss", async () => {
        const random = seededRandom(20_261_122);
        const root = await temporaryFolder();
        const store = await DiskStore.open(root, {limitBytes, key});
        const small = sampleSegment({path: "small.ts"});
        await store.put(small);
        const [file = ""] = (await everyFile(root)).filter((name) => name.endsWith(".kvseg"));
        const original = await readFile(file);
        for (let n = 0; n < 300; n++) {
            const damaged = mutate(original, mutationKinds[n % mutationKinds.length] ?? "flip", random);
            await writeFile(file, damaged);
            const segment = await store.get(await identityOf(small));
            const rows = segment && (await readRows(segment).catch((error: {code: string}) => error.code));
            await segment?.close();
            if (damaged.equals(original)) expect(rows).toEqual(Buffer.from(small.rowData));
            else expect(rows === undefined || rows === "store-corrupt", `mutation ${n}`).toBe(true);
        }
    });

    test.each(["", "abc", "g".repeat(64), "0".repeat(63)])("%j is no key", (text) => {
        expect(() => StoreKey.parse(text)).toThrow(expect.objectContaining({code: "usage"}));
    });
});
