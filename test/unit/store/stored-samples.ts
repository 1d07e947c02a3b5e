/** What the tests of the disk store share: samples, and where their files lie. */
import {readdir, stat} from "node:fs/promises";
import {join} from "node:path";
import type {DiskStore} from "../../../extension/engine/store/disk-store.js";
import {type SegmentIdentity, segmentIdentity} from "../../../extension/engine/store/identity.js";
import {prepareSegment} from "../../../extension/engine/store/write-segment.js";
import {readRows, type Sample} from "./sample-segments.js";

export const limitBytes = 2 ** 30;

export const identityOf = (sample: Sample): Promise<SegmentIdentity> => segmentIdentity(sample.info.fields);

export async function sizeOf(sample: Sample): Promise<number> {
    return (await prepareSegment(sample)).fileBytes;
}

export async function segmentFiles(root: string): Promise<string[]> {
    const entries = await readdir(root, {recursive: true}).catch(() => []);
    return entries
        .filter((name) => name.startsWith("segments-v2") && name.endsWith(".kvseg"))
        .map((name) => join(root, name));
}

export async function totalBytes(root: string): Promise<number> {
    let total = 0;
    for (const file of await segmentFiles(root)) total += (await stat(file)).size;
    return total;
}

export async function fileOf(root: string, sample: Sample): Promise<string> {
    const identity = await identityOf(sample);
    return join(root, "segments-v2", identity.charAt(0), identity.charAt(1), `${identity}.kvseg`);
}

/** The rows of a segment, undefined for a miss. */
export async function rowsIn(store: DiskStore, sample: Sample): Promise<Buffer | undefined> {
    const segment = await store.get(await identityOf(sample));
    if (segment === undefined) return undefined;
    try {
        return await readRows(segment);
    } finally {
        await segment.close();
    }
}
