/** A segment in memory: native rows, and what chose them. */
import type {KeepLists} from "../../core/policy/head-rows.js";
import type {NativeSegment} from "../native/native.js";
import type {Resident} from "../store/memory-tier.js";
import type {SegmentIdentity} from "../store/identity.js";

export interface SegmentFacts {
    identity: SegmentIdentity;
    path: string;
    part: {index: number; count: number};
    nTokens: number;
    /** Kept token indices per layer * nKvHeads + head. */
    keep: KeepLists;
    /** 0 as first read; each refinement adds one. */
    generation: number;
    /** What chose the rows and could cut them again: attention received, [nLayers, nKvHeads, nTokens]. */
    evidence?: CutEvidence | undefined;
}

export interface CutEvidence {
    scores?: Float32Array | undefined;
    valueNorms?: Float32Array | undefined;
}

export class Segment implements Resident {
    readonly bytes: number;

    constructor(
        readonly native: NativeSegment,
        readonly facts: SegmentFacts,
    ) {
        this.bytes = native.bytes();
    }

    get nTokens(): number {
        return this.facts.nTokens;
    }

    /** Mean rows over layers and KV heads. */
    get keptRows(): number {
        const {keep} = this.facts;
        return keep.reduce((total, list) => total + list.length, 0) / Math.max(1, keep.length);
    }

    dispose(): void {
        this.native.dispose();
    }
}

/** Keep lists as the addon takes them: lengths, and all lists one behind the other. */
export function flatten(keep: KeepLists): {counts: Uint32Array; rows: Uint32Array} {
    const counts = Uint32Array.from(keep, (list) => list.length);
    const rows = new Uint32Array(counts.reduce((a, b) => a + b, 0));
    let at = 0;
    for (const list of keep) {
        rows.set(list, at);
        at += list.length;
    }
    return {counts, rows};
}

/** Keep lists that keep everything. */
export function keepAll(nRegions: number, nTokens: number): KeepLists {
    const all = Uint32Array.from({length: nTokens}, (_, i) => i);
    return Array.from({length: nRegions}, () => all);
}

/** A segment's rows in pieces, so that a large one never lies in JavaScript's memory as a whole. */
export async function* rowsOf(native: NativeSegment): AsyncGenerator<Uint8Array> {
    const pieceBytes = 4 * 2 ** 20;
    const total = native.rowBytes();
    for (let at = 0; at < total; at += pieceBytes) yield await native.download(at, Math.min(pieceBytes, total - at));
}

/** Fills a segment, straight into the device's buffer, piece by piece. */
export async function fillRows(
    native: NativeSegment,
    rows: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
    let at = 0;
    for await (const piece of rows) {
        await native.upload(at, Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
        at += piece.byteLength;
    }
}
