/** Segments for the tests: small, random from a seed, and with every byte known. */
import {createHash} from "node:crypto";
import {storeVersion, type IdentityFields} from "../../../extension/engine/store/identity.js";
import type {SegmentFile} from "../../../extension/engine/store/segment-file.js";
import type {SegmentInfo} from "../../../extension/engine/store/segment-header.js";
import type {SegmentContent} from "../../../extension/engine/store/write-segment.js";

/** mulberry32: numbers in [0, 1) that depend on the seed alone. */
export function seededRandom(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

export const sampleFields: IdentityFields = {
    modelHash: "a".repeat(64),
    tokenizer: "gpt-2",
    rowType: "f16",
    isRotated: false,
    storeVersion,
    layoutVersion: 1,
    policy: {preset: "aha-file", rows: "all", gain: "sg", pins: {first: 4, last: 8}},
    headProfileHash: null,
    budget: 0.25,
    prefixHash: "b".repeat(64),
    pathHeader: "// File: src/a.ts\n",
    contentHash: "c".repeat(64),
    placement: "parallel",
};

export interface SampleOptions {
    path?: string;
    workspace?: string;
    nTokens?: number;
    nLayers?: number;
    nKvHeads?: number;
    rowBytes?: number;
    scoreType?: "none" | "f16" | "f32";
    generation?: number;
    /** Changes rows and scores, not the identity. */
    seed?: number;
    /** Pieces that the rows come in. */
    pieceBytes?: number;
}

export interface Sample extends SegmentContent {
    rowData: Uint8Array;
}

/** A segment of `path`: other paths have other identities. */
export function sampleSegment(options: SampleOptions = {}): Sample {
    const {path = "src/a.ts", workspace = "/repo", nTokens = 40, nLayers = 3, nKvHeads = 2, rowBytes = 64} = options;
    const {scoreType = "f16", generation = 0, seed = 1, pieceBytes = 1000} = options;
    const random = seededRandom(seed);
    const keepLists = Array.from({length: nLayers * nKvHeads}, () => {
        const share = random();
        return Uint32Array.from(Array.from({length: nTokens}, (_, token) => token).filter(() => random() < share));
    });
    const nRows = keepLists.reduce((sum, list) => sum + list.length, 0);
    const rowData = randomBytes(nRows * rowBytes, random);
    const info: SegmentInfo = {
        fields: {
            ...sampleFields,
            pathHeader: `// File: ${path}\n`,
            contentHash: createHash("sha256").update(path).digest("hex"),
        },
        workspace,
        path,
        part: {index: 0, count: 1},
        nTokens,
        nLayers,
        nKvHeads,
        rowBytes: Array.from({length: nLayers}, () => rowBytes),
        generation,
        createdAtMs: 1_700_000_000_000,
        details: {note: "é"},
    };
    const width = {none: 0, f16: 2, f32: 4}[scoreType];
    const scores =
        scoreType === "none"
            ? undefined
            : {type: scoreType, data: randomBytes(nLayers * nKvHeads * nTokens * width, random)};
    return {
        info,
        keepLists,
        scores,
        rowData,
        *rows() {
            for (let at = 0; at < rowData.length; at += pieceBytes) yield rowData.subarray(at, at + pieceBytes);
        },
    };
}

export function randomBytes(nBytes: number, random: () => number): Uint8Array {
    return Uint8Array.from({length: nBytes}, () => Math.floor(random() * 256));
}

/** All rows of an open segment, copied piece by piece. */
export async function readRows(segment: SegmentFile): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of segment.rows()) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
}
