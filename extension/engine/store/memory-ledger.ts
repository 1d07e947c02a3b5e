/**
 * The one limit for all KV memory: segments, regions, reading workspace, compute buffers. Whoever
 * allocates asks here first; the ledger makes room by evicting what may go, or says no. It counts
 * bytes and knows nothing of what they hold.
 */
import {kvLimit} from "../../protocol/errors.js";

export const memoryKinds = ["segments", "regions", "workspace", "compute"] as const;
export type MemoryKind = (typeof memoryKinds)[number];

/** Frees the least valuable thing it holds, releasing its reservations before it returns. False when nothing more may go. */
export type Evictor = () => boolean;

/** A right to hold that many bytes. Released exactly once; releasing again does nothing. */
export interface Reservation {
    readonly kind: MemoryKind;
    readonly bytes: number;
    /** Growing may evict, or throw `kv-limit` and leave the reservation as it was. */
    resize(bytes: number): void;
    release(): void;
}

export interface MemoryReport {
    limitBytes: number;
    usedBytes: number;
    byKind: Record<MemoryKind, number>;
}

export class MemoryLedger {
    readonly limitBytes: number;
    readonly #byKind: Record<MemoryKind, number> = {segments: 0, regions: 0, workspace: 0, compute: 0};
    readonly #evictors: Evictor[] = [];
    #usedBytes = 0;

    constructor(limitBytes: number) {
        this.limitBytes = checkBytes(limitBytes);
    }

    get usedBytes(): number {
        return this.#usedBytes;
    }

    get freeBytes(): number {
        return this.limitBytes - this.#usedBytes;
    }

    /** Adds a source of memory to take back. Asked in the order of adding. */
    addEvictor(evictor: Evictor): void {
        this.#evictors.push(evictor);
    }

    /**
     * Reserves bytes, evicting until they fit. Call it before allocating.
     * @throws KvasirError `kv-limit` when what may not be evicted leaves too little room; nothing is
     * evicted for a request that is larger than the whole limit.
     */
    reserve(kind: MemoryKind, bytes: number, what: string = kind): Reservation {
        this.#makeRoom(checkBytes(bytes), what);
        this.#add(kind, bytes);
        let held = bytes;
        let isReleased = false;
        return {
            kind,
            get bytes() {
                return held;
            },
            resize: (newBytes) => {
                if (isReleased) throw new Error("a released reservation cannot be resized");
                this.#makeRoom(checkBytes(newBytes) - held, what);
                // Making room may have run the owner's own code: look again.
                if (isReleased) throw new Error("a reservation was evicted while it grew");
                this.#add(kind, newBytes - held);
                held = newBytes;
            },
            release: () => {
                if (isReleased) return;
                isReleased = true;
                this.#add(kind, -held);
                held = 0;
            },
        };
    }

    report(): MemoryReport {
        return {limitBytes: this.limitBytes, usedBytes: this.#usedBytes, byKind: {...this.#byKind}};
    }

    #makeRoom(bytes: number, what: string): void {
        if (bytes > this.limitBytes) throw kvLimit(bytes, this.limitBytes, what);
        while (bytes > this.freeBytes) {
            if (!this.#evictors.some((evict) => evict())) throw kvLimit(bytes, this.limitBytes, what);
        }
    }

    #add(kind: MemoryKind, bytes: number): void {
        this.#byKind[kind] += bytes;
        this.#usedBytes += bytes;
    }
}

function checkBytes(bytes: number): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`${bytes} is no number of bytes`);
    return bytes;
}
