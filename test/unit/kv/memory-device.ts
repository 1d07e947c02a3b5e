/** A segment store whose device is a piece of memory, for tests of where segments go. */
import type {KvContext} from "../../../extension/engine/kv/kv-context.js";
import {Segment} from "../../../extension/engine/kv/segment.js";
import {SegmentStore} from "../../../extension/engine/kv/segment-store.js";
import type {NativeSegment} from "../../../extension/engine/native/native.js";
import {DiskStore} from "../../../extension/engine/store/disk-store.js";
import {type SegmentIdentity, segmentIdentity} from "../../../extension/engine/store/identity.js";
import {sampleSegment} from "../store/sample-segments.js";
import {limitBytes} from "../store/stored-samples.js";
import {temporaryFolder} from "../store/temporary-folder.js";

/** A device that is a piece of memory, and counts what passes its border. */
export class Device {
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

/** What one generation of a file's segment is made of. */
async function segmentOf(device: Device, path: string, generation: number) {
    const sample = sampleSegment({path, rowBytes: 64, generation, seed: path.length + 100 * generation});
    const identity = await segmentIdentity(sample.info.fields);
    const {nTokens, part} = sample.info;
    const counts = Uint32Array.from(sample.keepLists, (list) => list.length);
    const facts = {identity, path, part, nTokens, keep: [...sample.keepLists], generation};
    return {
        segment: new Segment(device.segment(counts, sample.rowData), facts),
        place: {fields: sample.info.fields, workspace: "/r"},
        stored: {identity, rows: Buffer.from(sample.rowData)},
    };
}

/** A segment store on such a device, with a disk of its own. */
export async function setUpStore(ramBytes: number) {
    const device = new Device(shape);
    const root = await temporaryFolder();
    const disk = await DiskStore.open(root, {limitBytes});
    const store = new SegmentStore({context: device.context, disk, ramBytes, log: () => {}});
    const put = async (path: string, generation = 0) => {
        const {segment, place, stored} = await segmentOf(device, path, generation);
        store.put(segment, place);
        await store.flush();
        return stored;
    };
    const replace = async (path: string, generation: number) => {
        const {segment, place, stored} = await segmentOf(device, path, generation);
        store.replace(segment, place);
        await store.flush();
        return stored;
    };
    const evictAll = () => {
        while (device.context.evictOne());
    };
    const rowsOf = async (identity: SegmentIdentity) => {
        const segment = await store.load(identity);
        return segment && (await segment.native.download(0, segment.native.rowBytes()));
    };
    return {device, disk, store, put, replace, evictAll, rowsOf};
}
