/**
 * The two hash functions of the store, as plain synchronous calls once their WebAssembly is loaded:
 * BLAKE3 names things (a repository's content may be hostile, so names must not collide), XXH128
 * detects damage. Knows nothing of what is hashed.
 */
import {createBLAKE3, createXXHash128} from "hash-wasm";

export interface Hashes {
    /** BLAKE3-256 over the parts one after another, 64 lower-case hex digits. Strings count as UTF-8. */
    readonly blake3: (...parts: (Uint8Array | string)[]) => string;
    /** XXH3-128 (seed 0) over the parts one after another, 16 bytes in canonical (big-endian) order. */
    readonly xxh128: (...parts: Uint8Array[]) => Uint8Array;
}

let loading: Promise<Hashes> | undefined;

/** Loads both functions once per process. One call runs from `init` to `digest` without a pause, so all callers may share the instances. */
export function loadHashes(): Promise<Hashes> {
    loading ??= Promise.all([createBLAKE3(256), createXXHash128(0, 0)]).then(([blake3, xxh128]) => ({
        blake3(...parts) {
            blake3.init();
            for (const part of parts) blake3.update(part);
            return blake3.digest("hex");
        },
        xxh128(...parts) {
            xxh128.init();
            for (const part of parts) xxh128.update(part);
            return xxh128.digest("binary");
        },
    }));
    return loading;
}
