/**
 * What the store holds, in memory. The files are the truth: a scan brings the index up to date with
 * them, cheaply when little has changed, and a hint file spares a start from opening every segment.
 * A hint that is missing, damaged or old costs time, never correctness.
 */
import {type Stats} from "node:fs";
import {readFile, stat, utimes} from "node:fs/promises";
import {z} from "zod";
import {isSegmentIdentity, type SegmentIdentity} from "./identity.js";
import {loadHashes} from "./load-hashes.js";
import type {SegmentHeader} from "./segment-header.js";
import type {StoreKey} from "./segment-seal.js";
import type {StoreFolder} from "./store-folder.js";
import {isMissing, storeReadError} from "./store-errors.js";
import {writeFileAtomically} from "./write-file-atomically.js";

const entrySchema = z.object({
    identity: z.string().refine(isSegmentIdentity),
    path: z.string(),
    workspace: z.string(),
    part: z.object({index: z.number(), count: z.number()}),
    modelHash: z.string(),
    nTokens: z.number(),
    /** Mean over layers and KV heads. */
    keptRows: z.number(),
    /** Of the whole file. */
    bytes: z.int().nonnegative(),
    generation: z.int().nonnegative(),
    createdAtMs: z.number(),
    lastUsedMs: z.number(),
    /** With `bytes`, tells whether the file is still the one described. */
    mtimeMs: z.number(),
    inode: z.number(),
});

export interface StoredEntry extends Readonly<Omit<z.infer<typeof entrySchema>, "identity">> {
    readonly identity: SegmentIdentity;
}

/** Opens the file and describes it: undefined when it is gone or was damaged (and has been taken away). */
export type ReadHeader = (identity: SegmentIdentity) => Promise<SegmentHeader | undefined>;

/** A folder changed within this time may change again without a new time stamp (FAT counts in 2 s), so it is read again. */
const stampDoubtMs = 3000;
/** `utimes` takes seconds as a double: setting a time to itself may move it by less than a microsecond. */
const stampToleranceMs = 1;
const useToleranceMs = 0.01;
const maxHintBytes = 2 ** 26;
const nOpenAtOnce = 16;
const hintPurpose = "index";

export class SegmentIndex {
    readonly #folder: StoreFolder;
    readonly #readHeader: ReadHeader;
    readonly #key: StoreKey | undefined;
    readonly #entries = new Map<SegmentIdentity, StoredEntry>();
    /** Time stamps of the folders when they were last read. */
    readonly #seen = new Map<string, {mtimeMs: number; inode: number; isDoubtful: boolean}>();
    #bytes = 0;
    #scanning: Promise<void> = Promise.resolve();
    #lastTick = 0;
    isChanged = false;
    readonly #listeners = new Set<(identity: SegmentIdentity) => void>();

    /** @param key encrypts the hint, which names files */
    constructor(folder: StoreFolder, readHeader: ReadHeader, key?: StoreKey) {
        this.#folder = folder;
        this.#key = key;
        this.#readHeader = readHeader;
    }

    /** Bytes of all segment files known of. */
    get bytes(): number {
        return this.#bytes;
    }

    /** Tells of every segment that has come or gone. @returns ends it */
    onDidChange(listener: (identity: SegmentIdentity) => void): () => void {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }

    entries(): StoredEntry[] {
        return [...this.#entries.values()];
    }

    get(identity: SegmentIdentity): StoredEntry | undefined {
        return this.#entries.get(identity);
    }

    delete(identity: SegmentIdentity): void {
        const entry = this.#entries.get(identity);
        if (entry === undefined) return;
        this.#entries.delete(identity);
        this.#bytes -= entry.bytes;
        this.isChanged = true;
        this.#tell(identity);
    }

    /**
     * Takes in a file that was just written or opened.
     * @param lastUsedMs when that was no use of it
     */
    async add(identity: SegmentIdentity, header: SegmentHeader, lastUsedMs?: number): Promise<void> {
        const status = await stat(this.#folder.pathOf(identity)).catch(() => undefined);
        if (status === undefined) return this.delete(identity);
        this.#set(describe(identity, header, status, lastUsedMs ?? status.atimeMs));
        if (lastUsedMs === undefined) await this.touch(identity);
        else await this.restoreUse(identity);
    }

    /** Marks a use, in memory and in the file's access time, which other processes see. */
    async touch(identity: SegmentIdentity): Promise<void> {
        const entry = this.#entries.get(identity);
        if (entry === undefined) return;
        const lastUsedMs = this.#tick();
        this.#set({...entry, lastUsedMs});
        // A clock that was set back must not put times of the future into the files.
        await this.#saveUse(identity, Math.min(lastUsedMs, Date.now() + 1), entry.mtimeMs);
    }

    /** Looks at the file again: true when it has been used, replaced or deleted since `entry` was made. */
    async isUsedSince(entry: StoredEntry): Promise<boolean> {
        await this.#scanFile(entry.identity, Date.now());
        return this.#entries.get(entry.identity)?.lastUsedMs !== entry.lastUsedMs;
    }

    /** Looking is no use: gives back the access time that reading may have moved. */
    async restoreUse(identity: SegmentIdentity): Promise<void> {
        const entry = this.#entries.get(identity);
        if (entry !== undefined) await this.#saveUse(identity, entry.lastUsedMs, entry.mtimeMs);
    }

    /** Brings the index up to date with the files. `isFull`: reads every folder, whatever its time stamp says. */
    async refresh({isFull = false} = {}): Promise<void> {
        // Never joins a scan that runs already: it may have passed the folder that the caller knows has changed.
        const scan = this.#scanning.then(() => {
            if (isFull) this.#seen.clear();
            return this.#scan();
        });
        this.#scanning = scan.catch(() => undefined);
        await scan;
    }

    /** Believes the hint file until `refresh` has compared it with the files. */
    async loadHint(): Promise<void> {
        try {
            if ((await stat(this.#folder.indexPath)).size > maxHintBytes) return;
            const bytes = await readFile(this.#folder.indexPath);
            const text = this.#key === undefined ? bytes.toString("utf8") : this.#key.decryptText(bytes, hintPurpose);
            if (text === undefined) return;
            const cut = text.indexOf("\n");
            const json = text.slice(cut + 1);
            if (text.slice(0, cut) !== (await hintSum(json))) return;
            for (const entry of z.array(entrySchema).parse(JSON.parse(json))) this.#set(entry);
        } catch {
            // Only a hint: whatever is wrong with it, the files say the same and more.
        }
        this.isChanged = false;
    }

    async saveHint(): Promise<void> {
        // A folder that somebody has deleted is not brought back for a hint.
        if (!this.isChanged || (await statOrMissing(this.#folder.root)) === undefined) return;
        this.isChanged = false;
        const json = JSON.stringify(this.entries());
        const text = `${await hintSum(json)}\n${json}`;
        const bytes = this.#key === undefined ? Buffer.from(text) : this.#key.encryptText(text, hintPurpose);
        await writeFileAtomically(this.#folder.indexPath, (file) => file.writeFile(bytes), {isDurable: false});
    }

    async #scan(): Promise<void> {
        const known = new Map<string, SegmentIdentity[]>();
        for (const identity of this.#entries.keys()) {
            const prefix = identity.slice(0, 2);
            const group = known.get(prefix);
            if (group === undefined) known.set(prefix, [identity]);
            else group.push(identity);
        }
        for (const prefix of new Set([...(await this.#folder.prefixes()), ...known.keys()])) {
            await this.#scanFolder(prefix, known.get(prefix) ?? []);
        }
    }

    async #scanFolder(prefix: string, known: readonly SegmentIdentity[]): Promise<void> {
        const folder = this.#folder.folderOf(prefix);
        const now = Date.now();
        let present: SegmentIdentity[] = [];
        try {
            const status = await statOrMissing(folder);
            if (status !== undefined) {
                const seen = this.#seen.get(folder);
                const isSame = seen?.mtimeMs === status.mtimeMs && seen.inode === status.ino;
                if (isSame && !seen.isDoubtful) return;
                present = await this.#folder.identitiesIn(prefix);
                const isDoubtful = Math.abs(now - status.mtimeMs) < stampDoubtMs;
                this.#seen.set(folder, {mtimeMs: status.mtimeMs, inode: status.ino, isDoubtful});
            }
            const here = new Set(present);
            for (const identity of known) {
                // One written since the folder was read is there, though the list lacks it.
                if (!here.has(identity) && (await statOrMissing(this.#folder.pathOf(identity))) === undefined)
                    this.delete(identity);
            }
            for (let at = 0; at < present.length; at += nOpenAtOnce) {
                await Promise.all(present.slice(at, at + nOpenAtOnce).map((identity) => this.#scanFile(identity, now)));
            }
        } catch (error) {
            this.#seen.delete(folder);
            throw storeReadError(folder, error);
        }
    }

    async #scanFile(identity: SegmentIdentity, now: number): Promise<void> {
        const path = this.#folder.pathOf(identity);
        const status = await statOrMissing(path);
        if (status === undefined) return this.delete(identity);
        // A use in the future is a clock that was wrong. It would keep the segment for ever: it counts as now.
        const isFuture = status.atimeMs > now + stampDoubtMs;
        const usedMs = isFuture ? now : status.atimeMs;
        const entry = this.#entries.get(identity);
        if (entry !== undefined && isSameFile(entry, status)) {
            const knownMs = entry.lastUsedMs > now + stampDoubtMs ? 0 : entry.lastUsedMs;
            const lastUsedMs = usedMs > knownMs + useToleranceMs ? usedMs : knownMs;
            if (lastUsedMs !== entry.lastUsedMs) this.#set({...entry, lastUsedMs});
        } else {
            const header = await this.#readHeader(identity);
            if (header === undefined) return this.delete(identity);
            this.#set(describe(identity, header, status, usedMs));
            await this.restoreUse(identity);
        }
        if (isFuture) await this.#saveUse(identity, now, status.mtimeMs);
    }

    #set(entry: StoredEntry): void {
        const before = this.#entries.get(entry.identity);
        this.#bytes += entry.bytes - (before?.bytes ?? 0);
        this.#entries.set(entry.identity, entry);
        this.isChanged = true;
        if (before === undefined) this.#tell(entry.identity);
    }

    #tell(identity: SegmentIdentity): void {
        for (const listener of this.#listeners) listener(identity);
    }

    async #saveUse(identity: SegmentIdentity, usedMs: number, mtimeMs: number): Promise<void> {
        // On a read-only drive the order of use is not kept, and nothing is evicted either.
        await utimes(this.#folder.pathOf(identity), usedMs / 1000, mtimeMs / 1000).catch(() => undefined);
    }

    /** Now, but later than any earlier call, so that a clock set back does not turn the order of use round. */
    #tick(): number {
        this.#lastTick = Math.max(Date.now(), this.#lastTick + 0.001);
        return this.#lastTick;
    }
}

function describe(identity: SegmentIdentity, header: SegmentHeader, status: Stats, lastUsedMs: number): StoredEntry {
    const nRows = header.counts.reduce((sum, n) => sum + n, 0);
    return {
        identity,
        path: header.path,
        workspace: header.workspace,
        part: header.part,
        modelHash: header.fields.modelHash,
        nTokens: header.nTokens,
        keptRows: nRows / header.counts.length,
        bytes: status.size,
        generation: header.generation,
        createdAtMs: header.createdAtMs,
        lastUsedMs,
        mtimeMs: status.mtimeMs,
        inode: status.ino,
    };
}

function isSameFile(entry: StoredEntry, status: Stats): boolean {
    const isSameTime = Math.abs(entry.mtimeMs - status.mtimeMs) <= stampToleranceMs;
    return isSameTime && entry.bytes === status.size && entry.inode === status.ino;
}

async function statOrMissing(path: string): Promise<Stats | undefined> {
    return stat(path).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
    });
}

async function hintSum(json: string): Promise<string> {
    const {xxh128} = await loadHashes();
    return `kvasir-index 1 ${Buffer.from(xxh128(Buffer.from(json))).toString("hex")}`;
}
