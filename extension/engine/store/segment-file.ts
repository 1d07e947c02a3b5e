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
import {loadHashes} from "./load-hashes.js";
import {
    chunkBytes,
    Damage,
    headSealOf,
    openChunk,
    parseHead,
    parsePrelude,
    preludeBytes,
    saltOf,
    type ScoreKind,
    type ScoreType,
    type SegmentHeader,
} from "./segment-header.js";
import {isPlainSalt, plainSeal, type Seal, sealBytes, type StoreKey} from "./segment-seal.js";
import {errnoOf, isMissing, storeReadError} from "./store-errors.js";
import {checkKeepList} from "./write-segment.js";

export interface OpenSegmentOptions {
    /** The file must hold this segment. */
    identity?: SegmentIdentity | undefined;
    /** Of the store. Files that were written without a key are damaged to one with a key, and the other way round. */
    key?: StoreKey | undefined;
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
    const sealOf = (salt: Uint8Array): Seal => {
        const {key, identity} = options;
        if (isPlainSalt(salt) !== (key === undefined)) throw new Damage("it belongs to a store of another key");
        if (key === undefined) return plainSeal(hashes);
        if (identity === undefined) throw new Error("an encrypted segment is opened by its identity");
        return key.sealFor(identity, salt);
    };
    try {
        return await source.guarded(async () => {
            const status = await file.stat();
            if (!status.isFile()) throw new Damage("it is no plain file");
            const {headerBytes, bodyBytes} = parsePrelude(await source.read(0, preludeBytes), status.size);
            const head = await source.read(0, preludeBytes + headerBytes);
            const headSeal = Uint8Array.from(headSealOf(head));
            const seal = sealOf(Uint8Array.from(saltOf(head)));
            const header = await parseHead(head, bodyBytes, seal);
            if (options.identity !== undefined && header.identity !== options.identity)
                throw new Damage("it holds another segment");
            return new SegmentFile(source, header, status.size, bodyBytes, headSeal, head.length, seal);
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
    readonly #headSeal: Uint8Array;
    readonly #bodyAt: number;
    readonly #seal: Seal;

    /** Made by `openSegmentFile` alone. */
    constructor(
        source: CheckedSource,
        header: SegmentHeader,
        fileBytes: number,
        bodyBytes: number,
        headSeal: Uint8Array,
        bodyAt: number,
        seal: Seal,
    ) {
        this.header = header;
        this.fileBytes = fileBytes;
        this.#source = source;
        this.#bodyBytes = bodyBytes;
        this.#headSeal = headSeal;
        this.#bodyAt = bodyAt;
        this.#seal = seal;
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

    /** The scores that chose the rows, [nLayers, nKvHeads, nTokens] for each kind, little-endian; undefined when none were kept. @throws KvasirError `store-corrupt` */
    async readScores(): Promise<
        {type: Exclude<ScoreType, "none">; kinds: readonly ScoreKind[]; data: Uint8Array} | undefined
    > {
        const {scoreType, scoreKinds, sectionBytes} = this.header;
        if (scoreType === "none") return undefined;
        return {
            type: scoreType,
            kinds: scoreKinds,
            data: await this.#collect(sectionBytes.keepLists, sectionBytes.scores),
        };
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

    /** Reads one chunk ahead, so that the disk works while the caller does. */
    async *#range(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
        const end = offset + length;
        if (length === 0) return;
        const bufferBytes = Math.min(chunkBytes, this.#bodyBytes) + sealBytes;
        const buffers = [Buffer.allocUnsafe(bufferBytes), Buffer.allocUnsafe(bufferBytes)] as const;
        const first = Math.floor(offset / chunkBytes);
        const last = Math.floor((end - 1) / chunkBytes);
        let next = this.#chunk(first, buffers[0]);
        for (let index = first; index <= last; index++) {
            const chunk = await next;
            if (index < last) {
                next = this.#chunk(index + 1, buffers[(index + 1 - first) % 2 === 0 ? 0 : 1]);
                // Whoever stops before it comes does not learn of its damage; whoever goes on awaits it above.
                next.catch(() => undefined);
            }
            const chunkAt = index * chunkBytes;
            try {
                yield chunk.subarray(Math.max(0, offset - chunkAt), Math.min(end - chunkAt, chunk.length));
            } finally {
                // The file may be closed once we are left.
                if (index < last) await next.catch(() => undefined);
            }
        }
    }

    /** A chunk, checked. */
    async #chunk(index: number, buffer: Buffer): Promise<Buffer> {
        const chunkAt = index * chunkBytes;
        const nBytes = Math.min(chunkBytes, this.#bodyBytes - chunkAt);
        const chunk = buffer.subarray(0, nBytes);
        await this.#source.guarded(async () => {
            const at = this.#bodyAt + chunkAt + index * sealBytes;
            await this.#source.readInto(buffer.subarray(0, nBytes + sealBytes), at);
            const seal = buffer.subarray(nBytes, nBytes + sealBytes);
            if (!openChunk(chunk, seal, index, this.#headSeal, this.#seal))
                throw new Damage(`the check sum of chunk ${index} differs`);
        });
        return chunk;
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
