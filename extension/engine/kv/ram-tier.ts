/**
 * Rows in main memory for devices that have a memory of their own: what is pushed out there comes back from here without
 * the disk. Copies are made when a segment is written or loaded, since its rows pass through main memory then anyway.
 * Holds a limit of its own, least recently used out first. On a CPU it stays empty: there main memory is the device's.
 */
import {LRUCache} from "lru-cache";
import type {SegmentIdentity} from "../store/identity.js";
import type {SegmentFacts} from "./segment.js";

export interface RamCopy {
    facts: SegmentFacts;
    counts: Uint32Array;
    rows: Buffer;
}

export class RamTier {
    readonly limitBytes: number;
    readonly #copies: LRUCache<SegmentIdentity, RamCopy>;

    /** @param limitBytes 0 keeps nothing */
    constructor(limitBytes: number, onChange: (identity: SegmentIdentity) => void = () => {}) {
        this.limitBytes = limitBytes;
        this.#copies = new LRUCache<SegmentIdentity, RamCopy>({
            // The library takes no limit of nothing.
            maxSize: Math.max(1, limitBytes),
            sizeCalculation: bytesOf,
            disposeAfter: (_copy, identity) => onChange(identity),
        });
    }

    get bytes(): number {
        return this.#copies.calculatedSize;
    }

    /** Whether a copy of so many bytes of rows would be kept: otherwise nobody needs to make one. */
    takes(rowBytes: number): boolean {
        return rowBytes < this.limitBytes;
    }

    has(identity: SegmentIdentity): boolean {
        return this.#copies.has(identity);
    }

    get(identity: SegmentIdentity): RamCopy | undefined {
        return this.#copies.get(identity);
    }

    /** Keeps the copy if it fits into the limit at all. */
    set(copy: RamCopy): void {
        if (bytesOf(copy) <= this.limitBytes) this.#copies.set(copy.facts.identity, copy);
    }

    delete(identity: SegmentIdentity): void {
        this.#copies.delete(identity);
    }

    identities(): SegmentIdentity[] {
        return [...this.#copies.keys()];
    }

    /** Facts without counting as a use. */
    peek(identity: SegmentIdentity): SegmentFacts | undefined {
        return this.#copies.peek(identity)?.facts;
    }

    clear(): void {
        this.#copies.clear();
    }
}

/** Of everything that a copy holds. */
function bytesOf({facts, counts, rows}: RamCopy): number {
    const {keep, evidence} = facts;
    const lists = keep.reduce((sum, list) => sum + list.byteLength, 0);
    const scores = (evidence?.scores?.byteLength ?? 0) + (evidence?.valueNorms?.byteLength ?? 0);
    return Math.max(1, rows.byteLength + counts.byteLength + lists + scores);
}
