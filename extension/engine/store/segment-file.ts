/**
 * Reads one segment file. Nothing in the file is believed before it is checked: the sizes against the
 * real length before anything is allocated, the header and every chunk by check sum before a byte of
 * it is handed out. Damage is `store-corrupt`; what becomes of the file is the store's business.
 */
import {constants} from "node:fs";
import {type FileHandle, open} from "node:fs/promises";
import {endianness} from "node:os";
import {storeCorrupt} from "../../protocol/errors.js";
import type {SegmentIdentity} from "./identity.js";
import {type Hashes, loadHashes, xxh128Bytes} from "./load-hashes.js";
import {
    chunkBytes,
    chunkDigest,
    Damage,
    headDigest,
    parseHead,
    parsePrelude,
    preludeBytes,
    type ScoreType,
    type SegmentHeader,
} from "./segment-header.js";
import {errnoOf, isMissing, storeReadError} from "./store-errors.js";
import {checkKeepList} from "./write-segment.js";

export interface OpenSegmentOptions {
    /** The file must hold this segment. */
    identity?: SegmentIdentity | undefined;
    /** Called once, before `store-corrupt` is thrown, when damage is found, at opening or later. `file`: the open one, if it could be opened. */
    onDamage?: ((file: FileHandle | undefined, reason: string) => Promise<void>) | undefined;
}

/**
 * Opens a segment and checks its head.
 * @returns undefined when there is no such file: a miss.
 * @throws KvasirError `store-corrupt`; `busy` or `store-read-only` when it could not be read at all.
 */
export async function openSegmentFile(
    path: string,
    options: OpenSegmentOptions = {},
): Promise<SegmentFile | undefined> {
    const hashes = await loadHashes();
    let file: FileHandle;
    try {
        // Not blocking, so that a pipe put in a segment's place cannot hold us; not following links, which we never make.
        const {O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0} = constants as Partial<typeof constants> & {O_RDONLY: number};
        file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
        if (isMissing(error)) return undefined;
        if (errnoOf(error) === "ELOOP") {
            await options.onDamage?.(undefined, "it is a link");
            throw storeCorrupt(path, "it is a link");
        }
        throw storeReadError(path, error);
    }
    const source = new CheckedSource(path, file, options.onDamage);
    try {
        return await source.guarded(async () => {
            const status = await file.stat();
            if (!status.isFile()) throw new Damage("it is no plain file");
            const {headerBytes, bodyBytes} = parsePrelude(await source.read(0, preludeBytes), status.size);
            const head = await source.read(0, preludeBytes + headerBytes);
            const header = await parseHead(head, bodyBytes, hashes);
            if (options.identity !== undefined && header.identity !== options.identity)
                throw new Damage("it holds another segment");
            return new SegmentFile(source, header, status.size, bodyBytes, headDigest(head), head.length, hashes);
        });
    } catch (error) {
        await source.close();
        throw error;
    }
}

/** An open, checked segment. Stays readable while the store drops or replaces the file. Must be closed. */
export class SegmentFile {
    readonly header: SegmentHeader;
    readonly fileBytes: number;
    readonly #source: CheckedSource;
    readonly #bodyBytes: number;
    readonly #digest: Uint8Array;
    readonly #bodyAt: number;
    readonly #hashes: Hashes;

    /** Made by `openSegmentFile` alone. */
    constructor(
        source: CheckedSource,
        header: SegmentHeader,
        fileBytes: number,
        bodyBytes: number,
        digest: Uint8Array,
        bodyAt: number,
        hashes: Hashes,
    ) {
        this.header = header;
        this.fileBytes = fileBytes;
        this.#source = source;
        this.#bodyBytes = bodyBytes;
        this.#digest = digest;
        this.#bodyAt = bodyAt;
        this.#hashes = hashes;
    }

    /** Token indices kept per (layer, KV head), ascending; index layer * nKvHeads + head. @throws KvasirError `store-corrupt` */
    async readKeepLists(): Promise<Uint32Array[]> {
        const bytes = await this.#collect(0, this.header.sectionBytes.keepLists);
        if (endianness() === "BE") bytes.swap32();
        let at = 0;
        return this.#source.guarded(async () =>
            this.header.counts.map((n) => {
                const list = new Uint32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * n));
                at += 4 * n;
                try {
                    checkKeepList(list, this.header.nTokens);
                } catch (error) {
                    throw new Damage((error as Error).message);
                }
                return list;
            }),
        );
    }

    /** The scores that chose the rows, [nLayers, nKvHeads, nTokens], little-endian; undefined when none were kept. @throws KvasirError `store-corrupt` */
    async readScores(): Promise<{type: Exclude<ScoreType, "none">; data: Uint8Array} | undefined> {
        const {scoreType, sectionBytes} = this.header;
        if (scoreType === "none") return undefined;
        return {type: scoreType, data: await this.#collect(sectionBytes.keepLists, sectionBytes.scores)};
    }

    /**
     * The rows as they were written, in checked pieces of at most 1 MiB. A piece is valid until the next
     * one is asked for: copy it to where it belongs. Damage found on the way throws, so rows are
     * complete only when the loop has ended by itself.
     * @throws KvasirError `store-corrupt`
     */
    rows(): AsyncGenerator<Uint8Array, void, undefined> {
        const {keepLists, scores, rows} = this.header.sectionBytes;
        return this.#range(keepLists + scores, rows);
    }

    /** Reads and checks everything. @throws KvasirError `store-corrupt` */
    async verify(): Promise<void> {
        await this.readKeepLists();
        for await (const _ of this.#range(0, this.#bodyBytes));
    }

    close(): Promise<void> {
        return this.#source.close();
    }

    async #collect(offset: number, length: number): Promise<Buffer> {
        const bytes = Buffer.alloc(length);
        let at = 0;
        for await (const piece of this.#range(offset, length)) {
            bytes.set(piece, at);
            at += piece.length;
        }
        return bytes;
    }

    async *#range(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
        const end = offset + length;
        const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, this.#bodyBytes) + xxh128Bytes);
        for (let at = offset; at < end;) {
            const index = Math.floor(at / chunkBytes);
            const chunkAt = index * chunkBytes;
            const nBytes = Math.min(chunkBytes, this.#bodyBytes - chunkAt);
            const chunk = buffer.subarray(0, nBytes);
            await this.#source.guarded(async () => {
                await this.#source.readInto(
                    buffer.subarray(0, nBytes + xxh128Bytes),
                    this.#bodyAt + chunkAt + index * xxh128Bytes,
                );
                const digest = chunkDigest(chunk, index, this.#digest, this.#hashes);
                if (!buffer.subarray(nBytes, nBytes + xxh128Bytes).equals(digest)) {
                    throw new Damage(`the check sum of chunk ${index} differs`);
                }
            });
            yield chunk.subarray(at - chunkAt, Math.min(end - chunkAt, nBytes));
            at = chunkAt + nBytes;
        }
    }
}

/** The open file and the one place where damage becomes an error. */
class CheckedSource {
    readonly #path: string;
    readonly #file: FileHandle;
    readonly #onDamage: OpenSegmentOptions["onDamage"];
    #isReported = false;
    #closing: Promise<void> | undefined;

    constructor(path: string, file: FileHandle, onDamage: OpenSegmentOptions["onDamage"]) {
        this.#path = path;
        this.#file = file;
        this.#onDamage = onDamage;
    }

    async guarded<T>(work: () => Promise<T>): Promise<T> {
        try {
            return await work();
        } catch (error) {
            // A file that the disk cannot read any more is as lost as one with a wrong check sum.
            const isUnreadable = errnoOf(error) === "EIO" || errnoOf(error) === "EISDIR";
            if (!(error instanceof Damage) && !isUnreadable) throw storeReadError(this.#path, error);
            const reason = error instanceof Damage ? error.message : "the disk cannot read it";
            if (!this.#isReported) {
                this.#isReported = true;
                await this.#onDamage?.(this.#file, reason);
            }
            throw storeCorrupt(this.#path, reason);
        }
    }

    async read(offset: number, nBytes: number): Promise<Buffer> {
        const bytes = Buffer.allocUnsafe(nBytes);
        await this.readInto(bytes, offset);
        return bytes;
    }

    async readInto(bytes: Buffer, offset: number): Promise<void> {
        for (let at = 0; at < bytes.length;) {
            const {bytesRead} = await this.#file.read(bytes, at, bytes.length - at, offset + at);
            if (bytesRead === 0) throw new Damage("it ends too early");
            at += bytesRead;
        }
    }

    close(): Promise<void> {
        this.#closing ??= this.#file.close();
        return this.#closing;
    }
}
