import {describe, expect, test} from "vitest";
import {RamTier} from "../../../extension/engine/kv/ram-tier.js";
import type {SegmentIdentity} from "../../../extension/engine/store/identity.js";
import {setUpStore} from "./memory-device.js";

describe("copies in main memory", () => {
    test("bring back what the device pushed out, without the disk", async () => {
        const {device, disk, store, put, evictAll, rowsOf} = await setUpStore(2 ** 20);
        const {identity, rows} = await put("a.ts");
        evictAll();
        expect(device.nAlive).toBe(0);
        expect([store.isResident(identity), store.isInMemory(identity)]).toEqual([false, true]);
        await disk.clear();
        expect(await rowsOf(identity)).toEqual(rows);
        expect(store.isResident(identity)).toBe(true);
    });

    test("are made when a segment is loaded, too, and one download serves memory and disk", async () => {
        const {device, store, put, evictAll, rowsOf, disk} = await setUpStore(2 ** 20);
        const {identity, rows} = await put("a.ts");
        expect(device.nDownloads).toBe(1);
        store.drop(identity);
        evictAll();
        expect(store.isInMemory(identity)).toBe(false);
        expect(await rowsOf(identity)).toEqual(rows);
        evictAll();
        await disk.clear();
        expect(await rowsOf(identity)).toEqual(rows);
    });

    test("never take more than their limit, and none at all without one", async () => {
        const none = await setUpStore(0);
        const {identity} = await none.put("a.ts");
        none.evictAll();
        expect(none.store.isInMemory(identity)).toBe(false);
        expect(none.store.ram.bytes).toBe(0);
        const {store, put, evictAll} = await setUpStore(20_000);
        const identities = [];
        for (const path of ["a", "bb", "ccc", "dddd", "eeeee"]) {
            identities.push((await put(path)).identity);
            expect(store.ram.bytes).toBeLessThanOrEqual(20_000);
        }
        evictAll();
        const there = identities.map((one) => store.isInMemory(one));
        expect(there[0]).toBe(false);
        expect(there.at(-1)).toBe(true);
    });

    test("go with the file that is dropped", async () => {
        const {store, put, evictAll} = await setUpStore(2 ** 20);
        const [a, b] = [await put("a.ts"), await put("bb.ts")];
        evictAll();
        store.dropPath("a.ts");
        expect([store.isInMemory(a.identity), store.isInMemory(b.identity)]).toEqual([false, true]);
        store.dropAll();
        expect(store.isInMemory(b.identity)).toBe(false);
    });

    test("a copy larger than the limit is not kept", () => {
        const tier = new RamTier(100);
        const facts = {
            identity: "i" as SegmentIdentity,
            path: "a",
            part: {index: 0, count: 1},
            nTokens: 1,
            keep: [],
            generation: 0,
        };
        tier.set({facts, counts: new Uint32Array(0), rows: Buffer.alloc(101)});
        expect(tier.has("i" as SegmentIdentity)).toBe(false);
        tier.set({facts, counts: new Uint32Array(0), rows: Buffer.alloc(100)});
        expect(tier.bytes).toBe(100);
    });
});
