/**
 * The head of a segment file: its fixed prelude and its JSON header, and every rule that a header must
 * meet before anybody believes a size in it. Does no I/O.
 *
 *     0  8 bytes  magic
 *     8  u32      format version
 *    12  u32      bytes of the JSON header
 *    16  u64      bytes of the body (keep lists, scores, rows), without check sums
 *    24  8 bytes  salt of the file's key; zero without encryption
 *    32  16 bytes seal over bytes 0..32 and the JSON header
 *    48           JSON header (canonical, RFC 8785), then the body in chunks of 1 MiB, each
 *                 followed by a seal over (head seal, u64 chunk number, chunk)
 *
 * Integers are little-endian. A seal is XXH128; with a key, JSON and chunks are encrypted and it is the tag of AES-GCM.
 * It binds a chunk to its place and to this very header, so that chunks which changed places, or come from another
 * file, do not pass.
 */
import {z} from "zod";
import {canonicalJson, identityFieldsSchema, isSegmentIdentity, segmentIdentity, storeVersion} from "./identity.js";
import {type Seal, saltBytes, sealBytes} from "./segment-seal.js";

/** Not text, and broken by line-end conversion, like PNG's. */
export const segmentMagic = Uint8Array.of(0x89, 0x4b, 0x56, 0x53, 0x47, 0x0d, 0x0a, 0x1a);
export const preludeBytes = 48;
/** Large enough for one disk request, small enough that a reader may hold a few. */
export const chunkBytes = 2 ** 20;
/** The largest real header (100 layers of 128 heads) has about 100 KiB. */
export const maxHeaderBytes = 2 ** 20;

const saltAt = 24;
const sealAt = 32;
/** Of the head; the chunks come behind it. */
const headPlace = 0;
const count = (limit: number) => z.int().nonnegative().max(limit);

export const segmentHeaderSchema = z.strictObject({
    identity: z.custom<string>((value) => typeof value === "string" && isSegmentIdentity(value)),
    fields: identityFieldsSchema,
    /** Absolute folder of the repository that the file was read in: the first one, when several have the same file. */
    workspace: z.string().max(10_000),
    /** Path relative to the workspace, with forward slashes. */
    path: z.string().min(1).max(10_000),
    /** Which part of the file this is: files longer than the layout's M are cut into several segments. */
    part: z.strictObject({index: count(1e6), count: count(1e6).min(1)}),
    nTokens: count(2 ** 24),
    nLayers: count(4096).min(1),
    nKvHeads: count(4096).min(1),
    /** Rows kept per (layer, KV head), index layer * nKvHeads + head. */
    counts: z.array(count(2 ** 24)).max(2 ** 16),
    /** Bytes of one row (K and V together, padding included) of one KV head, per layer. */
    rowBytes: z.array(count(2 ** 24)).max(4096),
    scoreType: z.enum(["none", "f16", "f32"]),
    /** What the scores are, one array [nLayers, nKvHeads, nTokens] behind the other. */
    scoreKinds: z.array(z.enum(["attention", "valueNorms"])).max(2),
    /** 0 as first read; each refinement adds 1. */
    generation: count(1e9),
    createdAtMs: count(Number.MAX_SAFE_INTEGER),
    sectionBytes: z.strictObject({
        keepLists: count(Number.MAX_SAFE_INTEGER),
        scores: count(Number.MAX_SAFE_INTEGER),
        rows: count(Number.MAX_SAFE_INTEGER),
    }),
    /** What else the engine wants to find again, as JSON. */
    details: z.json(),
});

export type SegmentHeader = z.infer<typeof segmentHeaderSchema>;
/** What a writer has to say; the rest of the header follows from it and from the keep lists. */
export type SegmentInfo = Omit<SegmentHeader, "identity" | "counts" | "scoreType" | "scoreKinds" | "sectionBytes">;
export type ScoreType = SegmentHeader["scoreType"];
export type ScoreKind = SegmentHeader["scoreKinds"][number];

/** Why a file is not a good segment. Readers turn it into `store-corrupt` with the path. */
export class Damage extends Error {}

/** Header of a new segment. @throws Damage when the keep lists do not fit `info`: a bug of the caller. */
export async function completeHeader(
    info: SegmentInfo,
    keepLists: readonly Uint32Array[],
    {scoreType, scoreKinds}: Pick<SegmentHeader, "scoreType" | "scoreKinds">,
): Promise<SegmentHeader> {
    const counts = keepLists.map((list) => list.length);
    const shape = {...info, counts, scoreType, scoreKinds};
    const header = {...shape, identity: await segmentIdentity(info.fields), sectionBytes: sectionBytesOf(shape)};
    const checked = segmentHeaderSchema.safeParse(header);
    if (!checked.success) throw new Damage(`not a valid header: ${z.prettifyError(checked.error)}`);
    checkShapes(header);
    return header;
}

/** Prelude and JSON header as they stand in the file, and the seal that the chunks are bound to. */
export function encodeHead(header: SegmentHeader, seal: Seal): {head: Buffer; headSeal: Uint8Array} {
    const json = Buffer.from(canonicalJson(header));
    if (json.length > maxHeaderBytes) throw new Damage(`a header of ${json.length} bytes`);
    const head = Buffer.alloc(preludeBytes + json.length);
    head.set(segmentMagic, 0);
    head.writeUInt32LE(storeVersion, 8);
    head.writeUInt32LE(json.length, 12);
    head.writeBigUInt64LE(BigInt(bodyBytesOf(header)), 16);
    head.set(seal.salt, saltAt);
    head.set(json, preludeBytes);
    const headSeal = seal.close(head.subarray(preludeBytes), headPlace, head.subarray(0, sealAt));
    head.set(headSeal, sealAt);
    return {head, headSeal};
}

/** Checks magic, version and the claimed sizes against the real size of the file: after it, both sizes may be trusted for reading. */
export function parsePrelude(prelude: Buffer, fileBytes: number): {headerBytes: number; bodyBytes: number} {
    if (prelude.length < preludeBytes) throw new Damage("it is shorter than a header");
    if (!prelude.subarray(0, segmentMagic.length).equals(segmentMagic)) throw new Damage("it is no segment file");
    const version = prelude.readUInt32LE(8);
    if (version !== storeVersion) throw new Damage(`format version ${version}, expected ${storeVersion}`);
    const headerBytes = prelude.readUInt32LE(12);
    const bodyBytes = prelude.readBigUInt64LE(16);
    if (headerBytes > maxHeaderBytes) throw new Damage(`it claims a header of ${headerBytes} bytes`);
    if (bodyBytes > BigInt(fileBytes)) throw new Damage("it is shorter than it claims");
    const expected = fileBytesOf(headerBytes, Number(bodyBytes));
    if (expected !== fileBytes) throw new Damage(`it has ${fileBytes} bytes, expected ${expected}`);
    return {headerBytes, bodyBytes: Number(bodyBytes)};
}

/** Salt of a file, from its prelude. */
export function saltOf(prelude: Buffer): Uint8Array {
    return prelude.subarray(saltAt, saltAt + saltBytes);
}

/** Checks the head's seal, the header's form, its shapes and its identity. `head` is prelude and JSON, decrypted in place. */
export async function parseHead(head: Buffer, bodyBytes: number, seal: Seal): Promise<SegmentHeader> {
    const json = head.subarray(preludeBytes);
    if (!seal.open(json, headSealOf(head), headPlace, head.subarray(0, sealAt)))
        throw new Damage("the header's check sum differs");
    let header: SegmentHeader;
    try {
        header = segmentHeaderSchema.parse(JSON.parse(json.toString("utf8")));
    } catch (error) {
        throw new Damage("its header has another form", {cause: error});
    }
    checkShapes(header);
    if (bodyBytesOf(header) !== bodyBytes) throw new Damage("its header and its size disagree");
    if ((await segmentIdentity(header.fields)) !== header.identity)
        throw new Damage("its identity does not match its fields");
    return header;
}

export function headSealOf(head: Buffer): Buffer {
    return head.subarray(sealAt, sealAt + sealBytes);
}

/** Seals a chunk in place, bound to its head. */
export function closeChunk(chunk: Uint8Array, index: number, headSeal: Uint8Array, seal: Seal): Uint8Array {
    return seal.close(chunk, headPlace + 1 + index, boundOf(index, headSeal));
}

/** False when the chunk is damaged. */
export function openChunk(
    chunk: Uint8Array,
    chunkSeal: Uint8Array,
    index: number,
    headSeal: Uint8Array,
    seal: Seal,
): boolean {
    return seal.open(chunk, chunkSeal, headPlace + 1 + index, boundOf(index, headSeal));
}

function boundOf(index: number, headSeal: Uint8Array): Uint8Array {
    const bound = Buffer.alloc(sealBytes + 8);
    bound.set(headSeal);
    bound.writeBigUInt64LE(BigInt(index), sealBytes);
    return bound;
}

export function bodyBytesOf({sectionBytes: {keepLists, scores, rows}}: Pick<SegmentHeader, "sectionBytes">): number {
    return keepLists + scores + rows;
}

/** Size of the whole file. */
export function fileBytesOf(headerBytes: number, bodyBytes: number): number {
    return preludeBytes + headerBytes + bodyBytes + sealBytes * Math.ceil(bodyBytes / chunkBytes);
}

type Shape = Pick<
    SegmentHeader,
    "counts" | "nTokens" | "nLayers" | "nKvHeads" | "rowBytes" | "scoreType" | "scoreKinds"
>;

/** Keep lists: u32 per kept row. Scores: [nLayers, nKvHeads, nTokens] per kind. Rows: per (layer, KV head), as the engine lays them out. */
function sectionBytesOf({
    counts,
    nTokens,
    nLayers,
    nKvHeads,
    rowBytes,
    scoreType,
    scoreKinds,
}: Shape): SegmentHeader["sectionBytes"] {
    let nRows = 0;
    let rows = 0;
    counts.forEach((n, index) => {
        nRows += n;
        rows += n * (rowBytes[Math.floor(index / nKvHeads)] ?? NaN);
    });
    const scoreBytes = {none: 0, f16: 2, f32: 4}[scoreType];
    return {keepLists: 4 * nRows, scores: scoreKinds.length * nLayers * nKvHeads * nTokens * scoreBytes, rows};
}

function checkShapes(header: SegmentHeader): void {
    const {counts, nTokens, nLayers, nKvHeads, rowBytes, sectionBytes, part, scoreType, scoreKinds} = header;
    if (counts.length !== nLayers * nKvHeads) throw new Damage("a keep list is missing or one too many");
    if (rowBytes.length !== nLayers) throw new Damage("row sizes are missing");
    if (counts.some((n) => n > nTokens)) throw new Damage("more rows kept than the file has tokens");
    if ((scoreType === "none") !== (scoreKinds.length === 0)) throw new Damage("its scores have no kind");
    if (part.index >= part.count) throw new Damage("its part is outside the file");
    const expected = sectionBytesOf(header);
    const isSame =
        expected.keepLists === sectionBytes.keepLists &&
        expected.scores === sectionBytes.scores &&
        expected.rows === sectionBytes.rows;
    if (!isSame || !Number.isSafeInteger(bodyBytesOf(header))) throw new Damage("its sizes and its shapes disagree");
}
