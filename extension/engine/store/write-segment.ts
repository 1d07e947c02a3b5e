/**
 * Writes one segment file. The rows come as a stream, so that a segment of any size passes through one
 * chunk of memory on its way from the device to the disk.
 */
import type {FileHandle} from "node:fs/promises";
import {endianness} from "node:os";
import type {SegmentIdentity} from "./identity.js";
import {loadHashes} from "./load-hashes.js";
import {
    chunkBytes,
    closeChunk,
    completeHeader,
    encodeHead,
    type ScoreKind,
    type ScoreType,
    type SegmentHeader,
    type SegmentInfo,
    fileBytesOf,
    bodyBytesOf,
    preludeBytes,
} from "./segment-header.js";
import {plainSeal, type Seal, sealBytes, type StoreKey} from "./segment-seal.js";
import {writeFileAtomically} from "./write-file-atomically.js";

export interface SegmentContent {
    info: SegmentInfo;
    /** Token indices kept per (layer, KV head), ascending; index layer * nKvHeads + head. */
    keepLists: readonly Uint32Array[];
    /** Scores that chose the rows, [nLayers, nKvHeads, nTokens] for each kind, row-major, little-endian. Kinds: attention alone, unless given. */
    scores?: {type: Exclude<ScoreType, "none">; kinds?: ScoreKind[]; data: Uint8Array} | undefined;
    /**
     * Rows per (layer, KV head) in pieces of any size, `sectionBytes.rows` in all. A function, since the
     * writer starts again when the folder vanishes. A piece may be overwritten once the next is asked for.
     */
    rows: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface PreparedSegment {
    header: SegmentHeader;
    /** Size of the file to come, so that a store can make room first. */
    fileBytes: number;
    /** @throws KvasirError as `writeFileAtomically`; an error of the `rows` stream unchanged. */
    readonly write: (target: string) => Promise<void>;
}

/** Checks the content and computes identity and size. @throws Error when lists, scores and shapes disagree: a bug of the caller. */
export async function prepareSegment(content: SegmentContent, key?: StoreKey): Promise<PreparedSegment> {
    const hashes = await loadHashes();
    const header = await completeHeader(content.info, content.keepLists, {
        scoreType: content.scores?.type ?? "none",
        scoreKinds: content.scores === undefined ? [] : (content.scores.kinds ?? ["attention"]),
    });
    for (const list of content.keepLists) checkKeepList(list, header.nTokens);
    const nScoreBytes = content.scores?.data.byteLength ?? 0;
    if (nScoreBytes !== header.sectionBytes.scores) throw new Error(`${nScoreBytes} bytes of scores`);
    const headerBytes = encodeHead(header, plainSeal(hashes)).head.length - preludeBytes;
    return {
        header,
        fileBytes: fileBytesOf(headerBytes, bodyBytesOf(header)),
        async write(target) {
            await writeFileAtomically(target, async (file) => {
                // Another salt for every try: a key's nonces are used once.
                const seal = key?.sealFor(header.identity as SegmentIdentity) ?? plainSeal(hashes);
                const {head, headSeal} = encodeHead(header, seal);
                await writeAll(file, head);
                await writeBody(file, body(content), bodyBytesOf(header), headSeal, seal);
            });
        },
    };
}

/** @throws Error unless the indices ascend strictly below `nTokens`. */
export function checkKeepList(list: Uint32Array, nTokens: number): void {
    let previous = -1;
    for (const token of list) {
        if (token <= previous || token >= nTokens) throw new Error("a keep list does not ascend within the file");
        previous = token;
    }
}

/** The bytes of the list as they stand in the file; its own memory where that is little-endian already. */
export function toLittleEndian(list: Uint32Array): Uint8Array {
    const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
    return endianness() === "LE" ? bytes : Buffer.from(bytes).swap32();
}

async function* body({keepLists, scores, rows}: SegmentContent): AsyncGenerator<Uint8Array> {
    for (const list of keepLists) yield toLittleEndian(list);
    if (scores !== undefined) yield scores.data;
    yield* rows();
}

async function writeBody(
    file: FileHandle,
    pieces: AsyncIterable<Uint8Array>,
    bodyBytes: number,
    headSeal: Uint8Array,
    seal: Seal,
): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, bodyBytes) + sealBytes);
    let nFilled = 0;
    let nChunks = 0;
    let nLeft = bodyBytes;
    const flush = async (): Promise<void> => {
        buffer.set(closeChunk(buffer.subarray(0, nFilled), nChunks++, headSeal, seal), nFilled);
        await writeAll(file, buffer.subarray(0, nFilled + sealBytes));
        nFilled = 0;
    };
    for await (const piece of pieces) {
        nLeft -= piece.length;
        if (nLeft < 0) break;
        for (let at = 0; at < piece.length;) {
            const part = piece.subarray(at, at + chunkBytes - nFilled);
            buffer.set(part, nFilled);
            nFilled += part.length;
            at += part.length;
            if (nFilled === chunkBytes) await flush();
        }
    }
    if (nFilled > 0) await flush();
    if (nLeft !== 0) throw new Error(`the rows of a segment differ from its header by ${-nLeft} bytes`);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
        const {bytesWritten} = await file.write(bytes, at, bytes.length - at, null);
        at += bytesWritten;
    }
}
