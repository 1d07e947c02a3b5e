import {describe, expect, test} from "vitest";
import type {KvContext} from "../../../extension/engine/kv/kv-context.js";
import {RamTier} from "../../../extension/engine/kv/ram-tier.js";
import {Segment} from "../../../extension/engine/kv/segment.js";
import {SegmentStore} from "../../../extension/engine/kv/segment-store.js";
import type {NativeSegment} from "../../../extension/engine/native/native.js";
import {DiskStore} from "../../../extension/engine/store/disk-store.js";
import {type SegmentIdentity, segmentIdentity} from "../../../extension/engine/store/identity.js";
import {sampleSegment} from "../store/sample-segments.js";
import {limitBytes} from "../store/stored-samples.js";
import {temporaryFolder} from "../store/temporary-folder.js";

/** A device that is a piece of memory, and counts what passes its border. */
class Device {
    nDownloads = 0;
    nAlive = 0;
    readonly context: KvContext;

    constructor(shape: {nLayers: number; nKvHeads: number; rowBytes: number}) {
        const context = {
            shape,
            globalLayers: Array.from({length: shape.nLayers}, (_, i) => i),
            ofGlobalLayers: (values: Float32Array) => values,
            withRoom: <T>(work: () => Promise<T>) => work(),
            evictOne: () => false,
            native: {newSegment: async (counts: Uint32Array) => this.segment(counts)},
        };
        this.context = context as unknown as KvContext;
        this.rowBytes = shape.rowBytes * 2;
    }

    private readonly rowBytes: number;

    segment(counts: Uint32Array, content?: Uint8Array): NativeSegment {
        const memory = Buffer.alloc(counts.reduce((a, b) => a + b, 0) * this.rowBytes);
        if (content) memory.set(content);
        this.nAlive++;
        return {
            counts: () => counts,
            bytes: () => memory.length,
            rowBytes: () => memory.length,
            select: async () => Promise.reject(new Error("not here")),
            download: async (offset, size) => {
                this.nDownloads++;
                return Buffer.from(memory.subarray(offset, offset + size));
            },
            upload: async (offset, data) => void memory.set(data, offset),
            dispose: () => void this.nAlive--,
        };
    }
}

const shape = {nLayers: 3, nKvHeads: 2, rowBytes: 32};

async function setUp(ramBytes: number) {
    const device = new Device(shape);
    const root = await temporaryFolder();
    const disk = await DiskStore.open(root, {limitBytes});
    const store = new SegmentStore({context: device.context, disk, ramBytes, log: () => {}});
    const put = async (path: string) => {
        const sample = sampleSegment({path, rowBytes: 64, seed: path.length});
        const identity = await segmentIdentity(sample.info.fields);
        const {nTokens, part} = sample.info;
        const counts = Uint32Array.from(sample.keepLists, (list) => list.length);
        const facts = {identity, path, part, nTokens, keep: [...sample.keepLists], generation: 0};
        store.put(new Segment(device.segment(counts, sample.rowData), facts), {
            fields: sample.info.fields,
            workspace: "/r",
        });
        await store.flush();
        return {identity, rows: Buffer.from(sample.rowData)};
    };
    const evictAll = () => {
        while (device.context.evictOne());
    };
    const rowsOf = async (identity: SegmentIdentity) => {
        const segment = await store.load(identity);
        return segment && (await segment.native.download(0, segment.native.rowBytes()));
    };
    return {device, disk, store, put, evictAll, rowsOf};
}

describe("copies in main memory", () => {
    test("bring back what the device pushed out, without the disk", async () => {
        const {device, disk, store, put, evictAll, rowsOf} = await setUp(2 ** 20);
        const {identity, rows} = await put("a.ts");
        evictAll();
        expect(device.nAlive).toBe(0);
        expect([store.isResident(identity), store.isInMemory(identity)]).toEqual([false, true]);
        await disk.clear();
        expect(await rowsOf(identity)).toEqual(rows);
        expect(store.isResident(identity)).toBe(true);
    });

    test("are made when a segment is loaded, too, and one download serves memory and disk", async () => {
        const {device, store, put, evictAll, rowsOf, disk} = await setUp(2 ** 20);
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
        const none = await setUp(0);
        const {identity} = await none.put("a.ts");
        none.evictAll();
        expect(none.store.isInMemory(identity)).toBe(false);
        expect(none.store.ram.bytes).toBe(0);
        const {store, put, evictAll} = await setUp(20_000);
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
        const {store, put, evictAll} = await setUp(2 ** 20);
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
