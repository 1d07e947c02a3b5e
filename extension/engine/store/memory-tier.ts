/**
 * What is resident: values by identity, least recently used out first, pinned ones never. Every value
 * holds a reservation in the ledger, so that the tier shares one limit with all other KV memory. It
 * owns the values (disposes each exactly once) and knows nothing of what they are.
 */
import {LRUCache} from "lru-cache";
import type {MemoryLedger, Reservation} from "./memory-ledger.js";

export interface Resident {
    /** Of the memory that `dispose` gives back. Must not change. */
    readonly bytes: number;
    dispose(): void;
}

/** A value that cannot be evicted until it is released. Releasing again does nothing. */
export interface Pin<V> {
    readonly value: V;
    release(): void;
}

export interface MemoryTierOptions<K> {
    ledger: MemoryLedger;
    /** Told of what the limit pushed out: not of what was removed or replaced by the caller. */
    onEvict?: ((key: K, bytes: number) => void) | undefined;
    /** Told of every key that has got a value or lost the one it had, for whatever reason. */
    onChange?: ((key: K) => void) | undefined;
    /** A value whose `dispose` threw. Its bytes count as free. Default: a process warning. */
    onDisposeError?: ((key: K, error: unknown) => void) | undefined;
}

interface Held<V> {
    value: V;
    reservation: Reservation;
    nPins: number;
    /** Removed or replaced while pinned: disposed of when the last pin goes. */
    isRemoved: boolean;
}

export class MemoryTier<K extends string, V extends Resident> {
    readonly #ledger: MemoryLedger;
    readonly #onEvict: MemoryTierOptions<K>["onEvict"];
    readonly #onChange: MemoryTierOptions<K>["onChange"];
    readonly #onDisposeError: (key: K, error: unknown) => void;
    /** What may be evicted. Pinned values wait in `#pinned`, out of its reach. */
    readonly #free: LRUCache<K, Held<V>>;
    readonly #pinned = new Map<K, Held<V>>();

    constructor({ledger, onEvict, onChange, onDisposeError}: MemoryTierOptions<K>) {
        this.#ledger = ledger;
        this.#onEvict = onEvict;
        this.#onChange = onChange;
        this.#onDisposeError = onDisposeError ?? ((_key, error) => process.emitWarning(error as Error));
        this.#free = new LRUCache<K, Held<V>>({
            // The ledger keeps the limit, since it is shared; the library only keeps the order of use. It rejects a size of 0.
            maxSize: Number.MAX_SAFE_INTEGER,
            sizeCalculation: ({value}) => Math.max(1, value.bytes),
            // A value on its way to `#pinned` leaves the cache alive.
            dispose: (held, key) => {
                if (held.nPins === 0) this.#destroy(key, held);
            },
        });
        ledger.addEvictor(() => this.evictOne());
    }

    /** Number of resident values, pinned ones included. */
    get size(): number {
        return this.#free.size + this.#pinned.size;
    }

    has(key: K): boolean {
        return this.#free.has(key) || this.#pinned.has(key);
    }

    /**
     * Takes ownership of a value, as the most recently used one; a value of the same key is replaced.
     * @param reservation of exactly its bytes, made before it was allocated; without one it is made here.
     * @throws KvasirError `kv-limit`: the value is then still the caller's.
     */
    set(key: K, value: V, reservation?: Reservation): void {
        if (reservation !== undefined && reservation.bytes !== value.bytes) {
            throw new RangeError(`a value of ${value.bytes} bytes came with ${reservation.bytes} bytes reserved`);
        }
        const own = reservation ?? this.#ledger.reserve("segments", value.bytes);
        this.delete(key);
        this.#free.set(key, {value, reservation: own, nPins: 0, isRemoved: false});
        this.#onChange?.(key);
    }

    /**
     * Puts a value in the place of the one of the same key, which does not count as a use: it is as likely to be evicted
     * as the other was. A pinned one is disposed of with its last pin.
     * @returns false when there is none; the value is then still the caller's.
     * @throws KvasirError `kv-limit`: as above
     */
    replace(key: K, value: V): boolean {
        if (!this.has(key)) return false;
        const reservation = this.#ledger.reserve("segments", value.bytes);
        // Looked up only now: making room may have taken the old one.
        const held = this.#free.peek(key);
        if (held === undefined) {
            this.set(key, value, reservation);
            return true;
        }
        const before = {...held};
        held.value = value;
        held.reservation = reservation;
        this.#destroy(key, before);
        this.#onChange?.(key);
        return true;
    }

    /** The value, which counts as a use. It may be evicted at any later call: to work with it, `pin` it. */
    get(key: K): V | undefined {
        return (this.#pinned.get(key) ?? this.#free.get(key))?.value;
    }

    /** The value, which does not count as a use: for those who only look. */
    peek(key: K): V | undefined {
        return (this.#pinned.get(key) ?? this.#free.peek(key))?.value;
    }

    /** Keeps the value resident until the pin is released: for attended segments and for copies under way. */
    pin(key: K): Pin<V> | undefined {
        const held = this.#pinned.get(key) ?? this.#free.get(key);
        if (held === undefined) return undefined;
        held.nPins++;
        if (held.nPins === 1) {
            this.#pinned.set(key, held);
            this.#free.delete(key);
        }
        let isReleased = false;
        return {
            value: held.value,
            release: () => {
                if (isReleased) return;
                isReleased = true;
                this.#unpin(key, held);
            },
        };
    }

    /** Removes a value; if it is pinned, others stop seeing it now and it is disposed of with its last pin. */
    delete(key: K): boolean {
        const held = this.#pinned.get(key);
        const isThere = held !== undefined || this.#free.has(key);
        if (held === undefined) {
            this.#free.delete(key);
        } else {
            held.isRemoved = true;
            this.#pinned.delete(key);
        }
        if (isThere) this.#onChange?.(key);
        return isThere;
    }

    clear(): void {
        for (const key of [...this.#pinned.keys(), ...this.#free.keys()]) this.delete(key);
    }

    /** Disposes of the least recently used value that is not pinned. False when there is none. */
    evictOne(): boolean {
        const key = this.#free.rkeys().next();
        if (key.done === true) return false;
        const bytes = this.#free.peek(key.value)?.value.bytes ?? 0;
        this.#free.delete(key.value);
        this.#onEvict?.(key.value, bytes);
        this.#onChange?.(key.value);
        return true;
    }

    /** What is resident, most recently used first, pinned ones before the others. */
    entries(): {key: K; bytes: number; isPinned: boolean}[] {
        return [
            ...[...this.#pinned].map(([key, {value}]) => ({key, bytes: value.bytes, isPinned: true})),
            ...[...this.#free.entries()].map(([key, {value}]) => ({key, bytes: value.bytes, isPinned: false})),
        ];
    }

    #unpin(key: K, held: Held<V>): void {
        held.nPins--;
        if (held.nPins > 0) return;
        if (held.isRemoved) return this.#destroy(key, held);
        this.#pinned.delete(key);
        this.#free.set(key, held);
    }

    #destroy(key: K, {value, reservation}: Held<V>): void {
        try {
            value.dispose();
        } catch (error) {
            this.#onDisposeError(key, error);
        } finally {
            reservation.release();
        }
    }
}
