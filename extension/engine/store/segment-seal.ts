/**
 * What makes damage or curiosity fail: 16 bytes for every piece of a segment file. Without a key they are a check sum;
 * with one, the piece is encrypted and they are the authentication tag. Knows no files and no headers.
 */
import {createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes} from "node:crypto";
import {usage} from "../../protocol/errors.js";
import type {SegmentIdentity} from "./identity.js";
import type {Hashes} from "./load-hashes.js";

/** Of a check sum, and of an AES-GCM tag. */
export const sealBytes = 16;
export const saltBytes = 8;

/** Seals the pieces of one file, each bound to what stands before it, so that pieces cannot change places. */
export interface Seal {
    /** Stands in the open in the file; zero without a key. */
    readonly salt: Uint8Array;
    /** Encrypts the piece in place when there is a key. @param place unlike that of every other piece of the file */
    close(piece: Uint8Array, place: number, bound: Uint8Array): Uint8Array;
    /** Decrypts in place. False for a piece that was not sealed like this, whose bytes are then worthless. */
    open(piece: Uint8Array, seal: Uint8Array, place: number, bound: Uint8Array): boolean;
}

export function plainSeal({xxh128}: Hashes): Seal {
    const sum = (piece: Uint8Array, bound: Uint8Array) => xxh128(bound, piece);
    return {
        salt: new Uint8Array(saltBytes),
        close: (piece, _place, bound) => sum(piece, bound),
        open: (piece, seal, _place, bound) => Buffer.from(sum(piece, bound)).equals(seal),
    };
}

/** The key of a store: 256 bits that the client keeps. */
export class StoreKey {
    readonly #key: Buffer;
    /** Names the key without giving it away: stores of different keys lie in different folders. */
    readonly id: string;

    private constructor(key: Buffer) {
        this.#key = key;
        this.id = createHmac("sha256", key).update("kvasir store key 1").digest("hex").slice(0, 8);
    }

    /** @throws KvasirError `usage` unless it is 64 hex digits */
    static parse(hex: string): StoreKey {
        if (/^[0-9a-f]{64}$/i.test(hex)) return new StoreKey(Buffer.from(hex, "hex"));
        throw usage(
            "the key of the store is not 64 hexadecimal digits.",
            "Make one with `openssl rand -hex 32`, and keep it: what was stored with another key is read again.",
        );
    }

    /**
     * AES-256-GCM (NIST SP 800-38D) with a key of this file's own (HKDF, RFC 5869), so that a nonce, which is only the
     * place in the file, never meets the same key twice.
     * @param salt that of an existing file; a new file gets a random one
     */
    sealFor(identity: SegmentIdentity, salt: Uint8Array = newSalt()): Seal {
        const key = this.#derive(`segment ${identity}`, salt);
        return {salt, close: (...of) => encrypt(key, ...of), open: (...of) => decrypt(key, ...of)};
    }

    /** Encrypts a small text as a whole. */
    encryptText(text: string, purpose: string): Buffer {
        const salt = newSalt();
        const bytes = Buffer.from(text);
        const tag = encrypt(this.#derive(purpose, salt), bytes, 0, salt);
        return Buffer.concat([salt, tag, bytes]);
    }

    /** Undefined for anything that this key did not encrypt. */
    decryptText(bytes: Buffer, purpose: string): string | undefined {
        if (bytes.length < saltBytes + sealBytes) return undefined;
        const salt = bytes.subarray(0, saltBytes);
        const text = Buffer.from(bytes.subarray(saltBytes + sealBytes));
        const tag = bytes.subarray(saltBytes, saltBytes + sealBytes);
        return decrypt(this.#derive(purpose, salt), text, tag, 0, salt) ? text.toString("utf8") : undefined;
    }

    #derive(purpose: string, salt: Uint8Array): Buffer {
        return Buffer.from(hkdfSync("sha256", this.#key, salt, `kvasir ${purpose}`, 32));
    }
}

/** True for the salt of a file that was written without a key. */
export function isPlainSalt(salt: Uint8Array): boolean {
    return salt.every((byte) => byte === 0);
}

function newSalt(): Uint8Array {
    for (;;) {
        const salt = randomBytes(saltBytes);
        if (!isPlainSalt(salt)) return salt;
    }
}

function nonceOf(place: number): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64LE(BigInt(place), 0);
    return nonce;
}

function encrypt(key: Buffer, piece: Uint8Array, place: number, bound: Uint8Array): Uint8Array {
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(place), {authTagLength: sealBytes});
    cipher.setAAD(bound);
    // A stream cipher: as long as the text, and nothing is left for the end.
    piece.set(cipher.update(piece));
    cipher.final();
    return cipher.getAuthTag();
}

function decrypt(key: Buffer, piece: Uint8Array, tag: Uint8Array, place: number, bound: Uint8Array): boolean {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(place), {authTagLength: sealBytes});
    decipher.setAAD(bound);
    decipher.setAuthTag(tag);
    piece.set(decipher.update(piece));
    try {
        decipher.final();
        return true;
    } catch {
        return false;
    }
}
