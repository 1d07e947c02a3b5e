/**
 * Segments on disk, found again by the next run, shared by every process of the user. Needs no lock:
 * files appear and vanish whole (rename, unlink), an open file stays readable, two processes that evict
 * at once pick the same oldest files, and every check is repeated on what is read. A segment that
 * another process dropped is a miss. Never evicts or reads anything but its own files.
 */
import type {FileHandle} from "node:fs/promises";
import {stat} from "node:fs/promises";
import {isKvasirError, type KvasirError} from "../../protocol/errors.js";
import type {SegmentIdentity} from "./identity.js";
import {openSegmentFile, type SegmentFile} from "./segment-file.js";
import type {SegmentHeader} from "./segment-header.js";
import type {StoreKey} from "./segment-seal.js";
import {SegmentIndex, type StoredEntry} from "./segment-index.js";
import {storeWriteError} from "./store-errors.js";
import {type OtherFile, removeIfThere, StoreFolder} from "./store-folder.js";
import {type PreparedSegment, prepareSegment, type SegmentContent} from "./write-segment.js";

export interface DiskStoreOptions {
    /** Limit for all segment files together, over all repositories. */
    limitBytes: number;
    /** Encrypts what is stored. What was stored without one before is deleted; what has another key is not seen. */
    key?: StoreKey | undefined;
    /** Told of every damaged file that was found and taken away. */
    onDamage?: ((damage: StoreDamage) => void) | undefined;
}

export interface StoreDamage {
    identity: SegmentIdentity;
    path: string;
    reason: string;
    /** False when the file could not be moved or deleted, as on a read-only drive. */
    isRemoved: boolean;
}

/** `kept`: the store has this generation or a later one. `too-large`: larger than the whole limit. */
export type PutResult = "stored" | "kept" | "too-large";

export interface VerifyReport {
    nChecked: number;
    bytes: number;
    damaged: StoreDamage[];
}

/** After this quiet time the index is written to its hint file. */
const hintDelayMs = 1500;

export class DiskStore {
    readonly #folder: StoreFolder;
    readonly #index: SegmentIndex;
    readonly #onDamage: DiskStoreOptions["onDamage"];
    readonly #key: StoreKey | undefined;
    readonly limitBytes: number;
    /** Files of other keys and versions and of the quarantine, as of the last look: they count, and go like all others. */
    #others: OtherFile[] = [];
    /** The last write: one after another, so that together they cannot pass the limit. */
    #writing: Promise<unknown> = Promise.resolve();
    #hintTimer: NodeJS.Timeout | undefined;
    /** Why the last segment could not be written; gone with the next one that could. */
    #writeProblem: KvasirError | undefined;
    readonly #problemListeners = new Set<() => void>();

    /**
     * Opens the store in `root`, and makes the folder where possible. A folder that cannot be written is
     * still read; one of another user is neither read nor written. Only `put`, `drop` and `clear` throw for that.
     */
    static async open(root: string, options: DiskStoreOptions): Promise<DiskStore> {
        const store = new DiskStore(root, options);
        await store.#folder.ensure().catch(() => undefined);
        if (!(await store.#isOurs())) return store;
        if (options.key !== undefined) await store.#folder.clearPlain().catch(() => undefined);
        await store.#index.loadHint();
        await store.#index.refresh().catch(() => undefined);
        await store.#lookAtOthers().catch(() => undefined);
        await store.#folder.removeDeadTemporaries().catch(() => undefined);
        return store;
    }

    private constructor(root: string, {limitBytes, key, onDamage}: DiskStoreOptions) {
        this.#folder = new StoreFolder(root, key?.id);
        this.#key = key;
        this.#index = new SegmentIndex(this.#folder, (identity) => this.#readHeader(identity), key);
        this.#onDamage = onDamage;
        this.limitBytes = limitBytes;
    }

    get root(): string {
        return this.#folder.root;
    }

    /** Bytes of all files that count to the limit, as of the last look at the folder. */
    get bytes(): number {
        return this.#index.bytes + this.#others.reduce((sum, {bytes}) => sum + bytes, 0);
    }

    /**
     * Tells of every segment that has come or gone, as far as this process has noticed.
     * @returns ends it
     */
    onDidChange(listener: (identity: SegmentIdentity) => void): () => void {
        return this.#index.onDidChange(listener);
    }

    get writeProblem(): KvasirError | undefined {
        return this.#writeProblem;
    }

    /**
     * Tells when segments begin to be lost to the disk, and when they are written again.
     * @returns ends it
     */
    onDidChangeProblem(listener: () => void): () => void {
        this.#problemListeners.add(listener);
        return () => void this.#problemListeners.delete(listener);
    }

    /** As of the last look at the folder, without looking again. */
    knows(identity: SegmentIdentity): boolean {
        return this.#index.get(identity) !== undefined;
    }

    /** Generation of a stored segment, as of the last look at the folder; undefined when it is not there. */
    generationOf(identity: SegmentIdentity): number | undefined {
        return this.#index.get(identity)?.generation;
    }

    /** As of the last look at the folder. */
    entryOf(identity: SegmentIdentity): StoredEntry | undefined {
        return this.#index.get(identity);
    }

    /** Segments of that very path, as of the last look at the folder. */
    entriesOf(path: string): StoredEntry[] {
        return this.#index.entries().filter((entry) => entry.path === path);
    }

    /** Segments whose path begins so, as of the last look at the folder, the last used first. */
    entriesUnder(prefix: string): StoredEntry[] {
        const entries = this.#index.entries().filter(({path}) => path.startsWith(prefix));
        return entries.sort((a, b) => b.lastUsedMs - a.lastUsedMs);
    }

    /** Looks at the file itself, so another process's segment counts. Says nothing about damage. */
    async has(identity: SegmentIdentity): Promise<boolean> {
        const status = await stat(this.#folder.pathOf(identity)).catch(() => undefined);
        return status !== undefined && (await this.#isOurs());
    }

    /**
     * Opens a segment, which counts as a use. The caller closes it. Damage found while its rows are read
     * throws `store-corrupt` from there; the file is then gone and the next `get` is a miss.
     * @returns undefined when it is not there or was damaged: read the file again.
     * @throws KvasirError `busy` or `store-read-only` when it cannot be opened at all.
     */
    async get(identity: SegmentIdentity): Promise<SegmentFile | undefined> {
        if (!(await this.#isOurs())) return undefined;
        const segment = await this.#open(identity);
        if (segment === undefined) {
            this.#index.delete(identity);
            return undefined;
        }
        if (this.#index.get(identity)?.generation !== segment.header.generation) {
            await this.#index.add(identity, segment.header);
        } else {
            await this.#index.touch(identity);
        }
        this.#saveHintSoon();
        return segment;
    }

    /**
     * Writes a segment, or replaces it by a later generation, atomically and synced to the disk; the least
     * recently used ones make room first. Concurrent readers keep what they have open.
     * Writes go one after another, and `content.rows` is called when its turn has come: keep the rows until this settles.
     * @throws KvasirError `disk-full`, `store-read-only`, `busy`; an error of the rows stream unchanged. Nothing half-written is left.
     */
    async put(content: SegmentContent): Promise<PutResult> {
        const prepared = await prepareSegment(content, this.#key);
        if (prepared.fileBytes > this.limitBytes) return "too-large";
        const write = this.#writing.then(() => this.#write(prepared));
        this.#writing = write.then(
            () => this.#setProblem(undefined),
            // What the rows' owner throws is none of the disk's.
            (error: unknown) => (isKvasirError(error) ? this.#setProblem(error) : undefined),
        );
        return write;
    }

    /** What is stored now, most recently used first. @throws KvasirError `busy` or `store-read-only` when the folder cannot be read. */
    async list(): Promise<StoredEntry[]> {
        if (!(await this.#isOurs())) return [];
        await this.#index.refresh({isFull: true});
        return this.#index.entries().sort((a, b) => b.lastUsedMs - a.lastUsedMs);
    }

    /**
     * Deletes the segments of a file or of everything under a folder.
     * @param path relative to its workspace, as in `StoredEntry.path`.
     * @param workspace only those of this repository.
     * @throws KvasirError `store-read-only`
     */
    async drop(path: string, workspace?: string): Promise<{nSegments: number; bytes: number}> {
        const under = path.endsWith("/") ? path : `${path}/`;
        const entries = (await this.list()).filter(
            (entry) =>
                (entry.path === path || entry.path.startsWith(under)) &&
                (workspace === undefined || entry.workspace === workspace),
        );
        let bytes = 0;
        for (const entry of entries) bytes += await this.#remove(entry);
        this.#saveHintSoon();
        return {nSegments: entries.length, bytes};
    }

    /** Deletes one segment. @throws KvasirError `store-read-only` */
    async remove(identity: SegmentIdentity): Promise<void> {
        const entry = this.#index.get(identity);
        if (entry !== undefined && (await this.#isOurs())) await this.#remove(entry);
        this.#saveHintSoon();
    }

    /** Deletes all segments, hints and quarantined files. @throws KvasirError `store-read-only` */
    async clear(): Promise<{nSegments: number; bytes: number}> {
        const entries = await this.list();
        if (!(await this.#isOurs())) await this.#folder.checkOwner();
        await this.#folder.clear();
        this.#others = [];
        for (const entry of entries) this.#index.delete(entry.identity);
        this.#index.isChanged = false;
        return {nSegments: entries.length, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0)};
    }

    /** Reads every segment and checks every sum; damaged ones are taken away and reported. Does not count as a use. */
    async verify(onProgress?: (nChecked: number, nTotal: number) => void): Promise<VerifyReport> {
        const report: VerifyReport = {nChecked: 0, bytes: 0, damaged: []};
        if (!(await this.#isOurs())) return report;
        const identities: SegmentIdentity[] = [];
        for (const prefix of await this.#folder.prefixes()) {
            identities.push(...(await this.#folder.identitiesIn(prefix)));
        }
        for (const [index, identity] of identities.entries()) {
            const nBytes = await this.#verifyOne(identity, report.damaged);
            if (nBytes !== undefined) report.nChecked++;
            report.bytes += nBytes ?? 0;
            onProgress?.(index + 1, identities.length);
        }
        await this.#index.refresh({isFull: true});
        this.#saveHintSoon();
        return report;
    }

    /** Writes the hint. The store may be used on; a process that ends without this only starts slower next time. */
    async close(): Promise<void> {
        clearTimeout(this.#hintTimer);
        await this.#index.saveHint().catch(() => undefined);
    }

    async #write({header, fileBytes, write}: PreparedSegment): Promise<PutResult> {
        const identity = header.identity as SegmentIdentity;
        await this.#folder.ensure();
        if (await this.#hasGeneration(identity, header.generation)) return "kept";
        await this.#index.refresh();
        await this.#evictTo(this.limitBytes - fileBytes);
        const before = this.#index.get(identity);
        await write(this.#folder.pathOf(identity));
        // To be replaced by a later generation is no use: the segment is as old as it was.
        await this.#index.add(identity, header, before?.lastUsedMs);
        // Others may have written meanwhile: whoever looks last sees all files and brings the sum below the limit.
        await this.#index.refresh();
        await this.#evictTo(this.limitBytes);
        this.#saveHintSoon();
        return "stored";
    }

    #setProblem(problem: KvasirError | undefined): void {
        if (problem?.code === this.#writeProblem?.code) return;
        this.#writeProblem = problem;
        for (const listener of this.#problemListeners) listener();
    }

    async #isOurs(): Promise<boolean> {
        return this.#folder.checkOwner().then(
            () => true,
            () => false,
        );
    }

    /** Bytes of the file; undefined when it vanished before it could be checked. */
    async #verifyOne(identity: SegmentIdentity, damaged: StoreDamage[]): Promise<number | undefined> {
        const nBefore = damaged.length;
        const segment = await this.#open(identity, damaged);
        if (segment === undefined) return damaged.length > nBefore ? 0 : undefined;
        try {
            await segment.verify();
        } catch (error) {
            if (!isKvasirError(error, "store-corrupt")) throw error;
        } finally {
            await segment.close();
        }
        await this.#index.restoreUse(identity);
        return segment.fileBytes;
    }

    /** undefined for a miss and for damage, which has been dealt with when this returns. */
    async #open(identity: SegmentIdentity, damaged?: StoreDamage[]): Promise<SegmentFile | undefined> {
        const path = this.#folder.pathOf(identity);
        const onDamage = async (file: FileHandle | undefined, reason: string): Promise<void> => {
            const inode = await file?.stat().then((status) => status.ino);
            const isRemoved = await this.#folder.quarantine(path, inode);
            this.#index.delete(identity);
            const damage = {identity, path, reason, isRemoved};
            damaged?.push(damage);
            this.#onDamage?.(damage);
        };
        try {
            return await openSegmentFile(path, {identity, key: this.#key, onDamage});
        } catch (error) {
            if (isKvasirError(error, "store-corrupt")) return undefined;
            throw error;
        }
    }

    async #readHeader(identity: SegmentIdentity): Promise<SegmentHeader | undefined> {
        const segment = await this.#open(identity);
        await segment?.close();
        return segment?.header;
    }

    async #hasGeneration(identity: SegmentIdentity, generation: number): Promise<boolean> {
        const header = await this.#readHeader(identity);
        // Looking was no use of it.
        await this.#index.restoreUse(identity);
        return header !== undefined && header.generation >= generation;
    }

    async #evictTo(limitBytes: number): Promise<void> {
        if (this.bytes <= limitBytes) return;
        await this.#lookAtOthers();
        while (this.bytes > limitBytes) {
            const oldestFirst = [...this.#index.entries(), ...this.#others].sort((a, b) => a.lastUsedMs - b.lastUsedMs);
            for (const entry of oldestFirst) {
                if (this.bytes <= limitBytes) break;
                if (!("identity" in entry)) await this.#removeOther(entry);
                // Another process may have used it since we looked; then it takes its new place in the next round.
                else if (!(await this.#index.isUsedSince(entry))) await this.#remove(entry);
            }
        }
    }

    async #lookAtOthers(): Promise<void> {
        this.#others = await this.#folder.others();
    }

    async #removeOther(file: OtherFile): Promise<void> {
        try {
            await removeIfThere(file.path);
        } catch (error) {
            throw storeWriteError(this.root, error);
        }
        this.#others = this.#others.filter((other) => other !== file);
    }

    /** Bytes freed: 0 when another process was quicker. */
    async #remove(entry: StoredEntry): Promise<number> {
        try {
            const isRemoved = await removeIfThere(this.#folder.pathOf(entry.identity));
            this.#index.delete(entry.identity);
            return isRemoved ? entry.bytes : 0;
        } catch (error) {
            throw storeWriteError(this.root, error);
        }
    }

    #saveHintSoon(): void {
        clearTimeout(this.#hintTimer);
        this.#hintTimer = setTimeout(() => void this.#index.saveHint().catch(() => undefined), hintDelayMs);
        this.#hintTimer.unref();
    }
}
