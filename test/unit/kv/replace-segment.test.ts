import {describe, expect, test} from "vitest";
import {setUpStore} from "./memory-device.js";

describe("a later generation", () => {
    test("takes the place of a resident segment, in memory and on disk", async () => {
        const {device, store, disk, put, replace, evictAll, rowsOf} = await setUpStore(0);
        const {identity} = await put("a.ts");
        const {rows} = await replace("a.ts", 1);
        expect(device.nAlive).toBe(1);
        expect([store.peek(identity)?.facts.generation, disk.generationOf(identity)]).toEqual([1, 1]);
        evictAll();
        expect(await rowsOf(identity)).toEqual(rows);
    });

    test("of what is on disk alone stays there alone", async () => {
        const {device, store, put, replace, evictAll, rowsOf} = await setUpStore(0);
        const {identity} = await put("a.ts");
        evictAll();
        const {rows} = await replace("a.ts", 1);
        expect([device.nAlive, store.isResident(identity), store.generationOf(identity)]).toEqual([0, false, 1]);
        expect(await rowsOf(identity)).toEqual(rows);
    });

    test("is the copy in main memory, too, where there was one", async () => {
        const {store, disk, put, replace, evictAll, rowsOf} = await setUpStore(2 ** 20);
        const {identity} = await put("a.ts");
        evictAll();
        const {rows} = await replace("a.ts", 1);
        expect([store.isResident(identity), store.isInMemory(identity)]).toEqual([false, true]);
        await disk.clear();
        expect(await rowsOf(identity)).toEqual(rows);
    });

    test("leaves whoever attends the segment its rows until it is done", async () => {
        const {device, store, put, replace} = await setUpStore(0);
        const {identity, rows} = await put("a.ts");
        const pin = store.pin(identity)!;
        await replace("a.ts", 1);
        expect(await pin.value.native.download(0, rows.length)).toEqual(rows);
        expect([device.nAlive, store.peek(identity)?.facts.generation]).toEqual([2, 1]);
        pin.release();
        expect(device.nAlive).toBe(1);
    });

    test("does not make the segment the last to be evicted", async () => {
        const {device, store, put, replace} = await setUpStore(0);
        const [a, b] = [await put("a.ts"), await put("bb.ts")];
        // What is written is in use until it is.
        store.get(b.identity);
        await replace("a.ts", 1);
        device.context.evictOne();
        expect([store.isResident(a.identity), store.isResident(b.identity)]).toEqual([false, true]);
    });

    test("is never replaced by an earlier one on disk, and a better one there is seen", async () => {
        const {store, disk, put, replace} = await setUpStore(0);
        const {identity} = await put("a.ts");
        await replace("a.ts", 2);
        // Read once more, by a process that knew of nothing better.
        await put("a.ts", 0);
        expect(disk.generationOf(identity)).toBe(2);
        expect([store.peek(identity)?.facts.generation, store.isBetterStored(identity)]).toEqual([0, true]);
        expect((await store.loadStored(identity))?.facts.generation).toBe(2);
        expect([store.generationOf(identity), store.isBetterStored(identity)]).toEqual([2, false]);
    });
});
