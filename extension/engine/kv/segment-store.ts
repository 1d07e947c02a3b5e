/**
 * Where segments are: on the device by identity, least recently used out first; copies in main memory where the device
 * has a memory of its own; all of them on disk. Moves rows between the three. Knows nothing of how rows are chosen.
 */
import {isKvasirError} from "../../protocol/errors.js";
import type {DiskStore} from "../store/disk-store.js";
import type {IdentityFields, SegmentIdentity} from "../store/identity.js";
import {MemoryLedger} from "../store/memory-ledger.js";
import {MemoryTier, type Pin} from "../store/memory-tier.js";
import type {KvContext} from "./kv-context.js";
import {RamTier} from "./ram-tier.js";
import {readEvidence, scoresOf} from "./stored-evidence.js";
import {fillRows, rowsOf, Segment, type SegmentFacts} from "./segment.js";

export interface SegmentStoreOptions {
    context: KvContext;
    disk: DiskStore | undefined;
    /** Limit of the copies in main memory; 0 where the device computes in main memory itself. */
    ramBytes?: number;
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
    readonly #ram: RamTier;
    readonly #log: SegmentStoreOptions["log"];
    readonly #onDidChange: SegmentStoreOptions["onDidChange"];
    readonly #memory: MemoryTier<SegmentIdentity, Segment>;
    /** Writes under way, so that closing waits for them. */
    readonly #writes = new Set<Promise<void>>();

    readonly #unsubscribe: (() => void) | undefined;
    /** Sum over resident segments of their mean rows, and what each has added to it. */
    #keptRows = 0;
    readonly #counted = new Map<SegmentIdentity, number>();

    constructor({context, disk, ramBytes = 0, log, onDidChange}: SegmentStoreOptions) {
        this.#context = context;
        this.#disk = disk;
        this.#ram = new RamTier(ramBytes, onDidChange);
        this.#log = log;
        this.#onDidChange = onDidChange;
        // The native budget is the limit that counts, since it knows every byte; this ledger only keeps the tier's order.
        this.#memory = new MemoryTier({
            ledger: new MemoryLedger(Number.MAX_SAFE_INTEGER),
            onChange: (identity) => {
                this.#recount(identity);
                onDidChange?.(identity);
            },
        });
        // The store on disk outlives a model, and with it this one.
        this.#unsubscribe = onDidChange && disk?.onDidChange(onDidChange);
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

    /** In main memory only, or on disk as far as this process knows: there without reading. */
    isStored(identity: SegmentIdentity): boolean {
        return this.#ram.has(identity) || (this.#disk?.knows(identity) ?? false);
    }

    get ram(): {bytes: number; limitBytes: number} {
        return this.#ram;
    }

    /** In the device's memory or in main memory. */
    isInMemory(identity: SegmentIdentity): boolean {
        return this.isResident(identity) || this.#ram.has(identity);
    }

    /** Of what a question would see: the segment in memory, else the copy in main memory, else the file; undefined when there is none. */
    generationOf(identity: SegmentIdentity): number | undefined {
        const facts = this.peek(identity)?.facts ?? this.#ram.peek(identity);
        return facts?.generation ?? this.#disk?.generationOf(identity);
    }

    /** Whether the disk has a later generation than memory: another process has refined it. */
    isBetterStored(identity: SegmentIdentity): boolean {
        const stored = this.#disk?.generationOf(identity);
        return stored !== undefined && stored > (this.generationOf(identity) ?? stored);
    }

    isOnDisk(identity: SegmentIdentity): Promise<boolean> {
        return this.#disk?.has(identity) ?? Promise.resolve(false);
    }

    /** Loads a segment from main memory or disk onto the device. A damaged file is a miss: the store has put it away. */
    async load(identity: SegmentIdentity): Promise<Segment | undefined> {
        const copy = this.#ram.get(identity);
        if (copy !== undefined) return this.#upload(copy.facts, copy.counts, [copy.rows]);
        const file = await this.#disk?.get(identity);
        if (file === undefined) return undefined;
        try {
            const {header} = file;
            const {shape} = this.#context;
            if (header.nLayers !== shape.nLayers || header.nKvHeads !== shape.nKvHeads) return undefined;
            const {path, part, nTokens, generation} = header;
            const keep = await file.readKeepLists();
            const evidence = await readEvidence(file, this.#context);
            const facts = {identity, path, part, nTokens, keep, generation, evidence};
            const counts = Uint32Array.from(header.counts);
            const rowBytes = header.sectionBytes.rows;
            if (!this.#ram.takes(rowBytes)) return await this.#upload(facts, counts, file.rows());
            const rows = Buffer.alloc(rowBytes);
            let at = 0;
            for await (const chunk of file.rows()) {
                rows.set(chunk, at);
                at += chunk.byteLength;
            }
            this.#ram.set({facts, counts, rows});
            return await this.#upload(facts, counts, [rows]);
        } catch (error) {
            if (!isKvasirError(error, "store-corrupt")) throw error;
            this.#log("warn", error.message);
            return undefined;
        } finally {
            await file.close();
        }
    }

    /** Loads a segment from disk, whatever of it is in memory. */
    loadStored(identity: SegmentIdentity): Promise<Segment | undefined> {
        this.#ram.delete(identity);
        return this.load(identity);
    }

    async #upload(
        facts: SegmentFacts,
        counts: Uint32Array,
        rows: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    ): Promise<Segment> {
        const native = await this.#context.withRoom(() => this.#context.native.newSegment(counts));
        try {
            await fillRows(native, rows);
        } catch (error) {
            native.dispose();
            throw error;
        }
        const segment = new Segment(native, facts);
        this.#memory.set(facts.identity, segment);
        return segment;
    }

    /**
     * Takes a segment in. With a place it is also written to disk in the background; that it could not be written is
     * logged, and the segment is used all the same.
     */
    put(segment: Segment, place: SegmentPlace | undefined): void {
        const {identity} = segment.facts;
        this.#memory.set(identity, segment);
        // An older generation of the same segment is nobody's any more.
        this.#ram.delete(identity);
        if (place === undefined || (this.#disk === undefined && this.#ram.limitBytes === 0)) return;
        const pin = this.#memory.pin(identity)!;
        // Dropped or replaced meanwhile: nobody looks for this one any more.
        this.#writeSoon(segment, place, {isWanted: () => this.peek(identity) === segment, done: () => pin.release()});
    }

    /**
     * Puts a later generation in the place of a segment: on disk first, in the background, then in memory if it is there.
     * Counts as a use of neither. Sessions keep the rows that they were composed of.
     */
    replace(segment: Segment, place: SegmentPlace): void {
        const {identity} = segment.facts;
        this.#writeSoon(segment, place, {
            isWanted: () => this.isInMemory(identity),
            done: () => {
                if (!this.#memory.replace(identity, segment)) segment.dispose();
                // A file that took another's place is no news to the disk, though it is to those who count.
                this.#onDidChange?.(identity);
            },
        });
    }

    #writeSoon(
        segment: Segment,
        place: SegmentPlace,
        {isWanted, done}: {isWanted: () => boolean; done: () => void},
    ): void {
        const write: Promise<void> = this.#write(segment, place, isWanted)
            .catch((error: unknown) => this.#log("warn", `a segment was not written: ${(error as Error).message}`))
            .finally(() => {
                done();
                this.#writes.delete(write);
            });
        this.#writes.add(write);
    }

    drop(identity: SegmentIdentity): void {
        this.#memory.delete(identity);
        this.#ram.delete(identity);
    }

    /** Drops the segments of a file from memory. */
    dropPath(path: string): void {
        for (const {key} of this.#memory.entries()) if (this.peek(key)?.facts.path === path) this.drop(key);
        for (const identity of this.#ram.identities()) if (this.#ram.peek(identity)?.path === path) this.drop(identity);
    }

    /** Drops everything from memory. */
    dropAll(): void {
        this.#memory.clear();
        this.#ram.clear();
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
        this.#unsubscribe?.();
        this.dropAll();
    }

    #recount(identity: SegmentIdentity): void {
        const rows = this.#memory.peek(identity)?.keptRows ?? 0;
        this.#keptRows += rows - (this.#counted.get(identity) ?? 0);
        if (rows === 0) this.#counted.delete(identity);
        else this.#counted.set(identity, rows);
        // Sums of fractions drift; nothing is nothing.
        if (this.#counted.size === 0) this.#keptRows = 0;
    }

    /** @param isWanted whether main memory should hold a copy */
    async #write(
        segment: Segment,
        {fields, workspace, replaces}: SegmentPlace,
        isWanted: () => boolean,
    ): Promise<void> {
        const {shape} = this.#context;
        const {path, part, nTokens, keep, generation} = segment.facts;
        const copy = await this.#copy(segment, isWanted);
        if (this.#disk === undefined) return;
        const result = await this.#disk.put({
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
            rows: () => (copy === undefined ? rowsOf(segment.native) : [copy]),
        });
        if (replaces !== undefined && result !== "too-large") await this.#disk.remove(replaces);
    }

    /** Into main memory, where that has a tier of its own. */
    async #copy(segment: Segment, isWanted: () => boolean): Promise<Buffer | undefined> {
        const rowBytes = segment.native.rowBytes();
        if (!this.#ram.takes(rowBytes)) return undefined;
        const rows = Buffer.alloc(rowBytes);
        let at = 0;
        for await (const piece of rowsOf(segment.native)) {
            rows.set(piece, at);
            at += piece.byteLength;
        }
        if (isWanted()) this.#ram.set({facts: segment.facts, counts: segment.native.counts(), rows});
        return rows;
    }
}
