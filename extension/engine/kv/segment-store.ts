/**
 * Where segments are: resident ones by identity, least recently used out first, and all of them on disk. Moves rows
 * between the two. Knows nothing of how rows are chosen.
 */
import {isKvasirError} from "../../protocol/errors.js";
import type {DiskStore} from "../store/disk-store.js";
import type {IdentityFields, SegmentIdentity} from "../store/identity.js";
import {MemoryLedger} from "../store/memory-ledger.js";
import {MemoryTier, type Pin} from "../store/memory-tier.js";
import type {KvContext} from "./kv-context.js";
import {readEvidence, scoresOf} from "./stored-evidence.js";
import {Segment} from "./segment.js";

export interface SegmentStoreOptions {
    context: KvContext;
    disk: DiskStore | undefined;
    log: (level: "error" | "warn" | "info", message: string) => void;
    /** Told of every segment that has come or gone, in memory or on disk. */
    onDidChange?: ((identity: SegmentIdentity) => void) | undefined;
}

/** What names a segment on disk beside its identity. */
export interface SegmentPlace {
    fields: IdentityFields;
    /** Absolute folder of the repository. */
    workspace: string;
    /** A segment that this one takes the place of: it goes from the disk once this one is there. */
    replaces?: SegmentIdentity | undefined;
}

export class SegmentStore {
    readonly #context: KvContext;
    readonly #disk: DiskStore | undefined;
    readonly #log: SegmentStoreOptions["log"];
    readonly #memory: MemoryTier<SegmentIdentity, Segment>;
    /** Writes under way, so that closing waits for them. */
    readonly #writes = new Set<Promise<void>>();

    /** Sum over resident segments of their mean rows, and what each has added to it. */
    #keptRows = 0;
    readonly #counted = new Map<SegmentIdentity, number>();

    constructor({context, disk, log, onDidChange}: SegmentStoreOptions) {
        this.#context = context;
        this.#disk = disk;
        this.#log = log;
        // The native budget is the limit that counts, since it knows every byte; this ledger only keeps the tier's order.
        this.#memory = new MemoryTier({
            ledger: new MemoryLedger(Number.MAX_SAFE_INTEGER),
            onChange: (identity) => {
                this.#recount(identity);
                onDidChange?.(identity);
            },
        });
        if (disk !== undefined) disk.onDidChange = onDidChange;
        context.evictOne = () => this.#memory.evictOne();
    }

    get nResident(): number {
        return this.#memory.size;
    }

    /** Rows of all resident segments, each as the mean over its layers and KV heads. */
    get keptRows(): number {
        return this.#keptRows;
    }

    isResident(identity: SegmentIdentity): boolean {
        return this.#memory.has(identity);
    }

    /** A resident segment, which counts as a use. */
    get(identity: SegmentIdentity): Segment | undefined {
        return this.#memory.get(identity);
    }

    /** A resident segment, which does not count as a use. */
    peek(identity: SegmentIdentity): Segment | undefined {
        return this.#memory.peek(identity);
    }

    /** Keeps a resident segment in memory until the pin is released. */
    pin(identity: SegmentIdentity): Pin<Segment> | undefined {
        return this.#memory.pin(identity);
    }

    /** On disk as far as this process knows, without looking. */
    isKnownOnDisk(identity: SegmentIdentity): boolean {
        return this.#disk?.knows(identity) ?? false;
    }

    isOnDisk(identity: SegmentIdentity): Promise<boolean> {
        return this.#disk?.has(identity) ?? Promise.resolve(false);
    }

    /** Loads a segment from disk into memory. A damaged file is a miss: the store has put it away. */
    async load(identity: SegmentIdentity): Promise<Segment | undefined> {
        const file = await this.#disk?.get(identity);
        if (file === undefined) return undefined;
        try {
            const {header} = file;
            const {shape} = this.#context;
            if (header.nLayers !== shape.nLayers || header.nKvHeads !== shape.nKvHeads) return undefined;
            const keep = await file.readKeepLists();
            const native = await this.#context.withRoom(() =>
                this.#context.native.newSegment(Uint32Array.from(header.counts)),
            );
            try {
                let at = 0;
                for await (const chunk of file.rows()) {
                    await native.upload(at, Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
                    at += chunk.byteLength;
                }
            } catch (error) {
                native.dispose();
                throw error;
            }
            const {path, part, nTokens, generation} = header;
            const evidence = await readEvidence(file, this.#context);
            const segment = new Segment(native, {identity, path, part, nTokens, keep, generation, evidence});
            this.#memory.set(identity, segment);
            return segment;
        } catch (error) {
            if (!isKvasirError(error, "store-corrupt")) throw error;
            this.#log("warn", error.message);
            return undefined;
        } finally {
            await file.close();
        }
    }

    /**
     * Takes a segment in. With a place it is also written to disk in the background; that it could not be written is
     * logged, and the segment is used all the same.
     */
    put(segment: Segment, place: SegmentPlace | undefined): void {
        const {identity} = segment.facts;
        this.#memory.set(identity, segment);
        if (this.#disk === undefined || place === undefined) return;
        const pin = this.#memory.pin(identity)!;
        const write: Promise<void> = this.#write(segment, place)
            .catch((error: unknown) => this.#log("warn", `a segment was not written: ${(error as Error).message}`))
            .finally(() => {
                pin.release();
                this.#writes.delete(write);
            });
        this.#writes.add(write);
    }

    drop(identity: SegmentIdentity): void {
        this.#memory.delete(identity);
    }

    entries(): {key: SegmentIdentity; bytes: number; isPinned: boolean}[] {
        return this.#memory.entries();
    }

    /** Everything is on disk. */
    async flush(): Promise<void> {
        await Promise.all(this.#writes);
    }

    async close(): Promise<void> {
        await this.flush();
        this.#memory.clear();
    }

    #recount(identity: SegmentIdentity): void {
        const rows = this.#memory.peek(identity)?.keptRows ?? 0;
        this.#keptRows += rows - (this.#counted.get(identity) ?? 0);
        if (rows === 0) this.#counted.delete(identity);
        else this.#counted.set(identity, rows);
        // Sums of fractions drift; nothing is nothing.
        if (this.#counted.size === 0) this.#keptRows = 0;
    }

    async #write(segment: Segment, {fields, workspace, replaces}: SegmentPlace): Promise<void> {
        const {shape} = this.#context;
        const {path, part, nTokens, keep, generation} = segment.facts;
        const result = await this.#disk!.put({
            info: {
                fields,
                workspace,
                path,
                part,
                nTokens,
                nLayers: shape.nLayers,
                nKvHeads: shape.nKvHeads,
                rowBytes: Array.from({length: shape.nLayers}, () => shape.rowBytes * 2),
                generation,
                createdAtMs: Date.now(),
                details: null,
            },
            keepLists: keep,
            scores: scoresOf(segment, this.#context),
            rows: () => rowsOf(segment),
        });
        if (replaces !== undefined && result !== "too-large") await this.#disk!.remove(replaces);
    }
}

/** A segment's rows in pieces, so that a large one never lies in JavaScript's memory as a whole. */
async function* rowsOf({native}: Segment): AsyncGenerator<Uint8Array> {
    const pieceBytes = 4 * 2 ** 20;
    const total = native.rowBytes();
    for (let at = 0; at < total; at += pieceBytes) yield await native.download(at, Math.min(pieceBytes, total - at));
}
