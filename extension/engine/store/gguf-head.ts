/**
 * Finds the head of a GGUF file (versions 2 and 3) and where its tensors lie, without keeping any value:
 * tokenizers have hundreds of thousands. Every length in the file is checked against the file before
 * it is believed. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import type {FileHandle} from "node:fs/promises";

export interface GgufHead {
    /** Everything before the weights. */
    bytes: Uint8Array;
    /** Position of the weights. */
    dataAt: number;
    /** Of every tensor, relative to `dataAt`, inside the file. */
    tensorOffsets: number[];
}

/** What is wrong with the file, as the end of a sentence. */
export class GgufError extends Error {}

/** A head is 2 to 20 MB in practice, nearly all of it the tokenizer. */
const maxHeadBytes = 2 ** 28;
/** Enough for most heads at the first try. */
const firstBytes = 2 ** 23;
const maxArrayDepth = 8;
const maxTensors = 2 ** 17;

const stringType = 8;
const arrayType = 9;
/** Bytes of the scalar types by number: u8 i8 u16 i16 u32 i32 f32 bool (string, array) u64 i64 f64. */
const scalarBytes: Partial<Record<number, number>> = {
    0: 1,
    1: 1,
    2: 2,
    3: 2,
    4: 4,
    5: 4,
    6: 4,
    7: 1,
    10: 8,
    11: 8,
    12: 8,
};

/** @throws GgufError when it is no GGUF, is cut short, or claims what cannot be. */
export async function readGgufHead(file: FileHandle, fileBytes: number): Promise<GgufHead> {
    const limit = Math.min(fileBytes, maxHeadBytes);
    for (let nBytes = Math.min(firstBytes, limit); ; nBytes = Math.min(2 * nBytes, limit)) {
        const bytes = Buffer.alloc(nBytes);
        const nRead = await readFully(file, bytes);
        const head = parseHead(bytes.subarray(0, nRead), fileBytes);
        if (head !== undefined) return head;
        if (nRead < nBytes || nBytes === limit) throw new GgufError("it is cut short");
    }
}

async function readFully(file: FileHandle, bytes: Buffer): Promise<number> {
    let nRead = 0;
    while (nRead < bytes.length) {
        const {bytesRead} = await file.read(bytes, nRead, bytes.length - nRead, nRead);
        if (bytesRead === 0) break;
        nRead += bytesRead;
    }
    return nRead;
}

/** undefined when the head goes on behind `bytes`, the first bytes of the file. */
function parseHead(bytes: Buffer, fileBytes: number): GgufHead | undefined {
    const cursor = new HeadCursor(bytes, fileBytes);
    try {
        if (cursor.u32() !== 0x46554747) throw new GgufError("it does not begin with GGUF");
        const version = cursor.u32();
        if (version !== 2 && version !== 3) throw new GgufError(`it has GGUF version ${version}`);
        const nTensors = cursor.count();
        const nPairs = cursor.count();
        if (nTensors > maxTensors) throw new GgufError(`it claims ${nTensors} tensors`);
        let alignment = 32;
        for (let n = 0; n < nPairs; n++) {
            const key = cursor.text();
            const type = cursor.u32();
            if (key === "general.alignment" && type === 4) alignment = cursor.u32();
            else skipValue(cursor, type, 0);
        }
        const tensorOffsets: number[] = [];
        for (let n = 0; n < nTensors; n++) {
            cursor.skip(cursor.count());
            const nDimensions = cursor.u32();
            if (nDimensions > 8) throw new GgufError(`a tensor has ${nDimensions} dimensions`);
            cursor.skip(8 * nDimensions + 4);
            tensorOffsets.push(cursor.count());
        }
        if (alignment === 0 || alignment % 8 !== 0) throw new GgufError(`its alignment is ${alignment}`);
        const dataAt = Math.min(fileBytes, Math.ceil(cursor.position / alignment) * alignment);
        if (tensorOffsets.some((offset) => dataAt + offset > fileBytes)) throw new GgufError("it is cut short");
        return {bytes: bytes.subarray(0, cursor.position), dataAt, tensorOffsets};
    } catch (error) {
        if (error instanceof NeedsMore) return undefined;
        throw error;
    }
}

function skipValue(cursor: HeadCursor, type: number, depth: number): void {
    const nBytes = scalarBytes[type];
    if (nBytes !== undefined) return cursor.skip(nBytes);
    if (type === stringType) return cursor.skip(cursor.count());
    if (type !== arrayType || depth >= maxArrayDepth) throw new GgufError(`it has a value of unknown type ${type}`);
    const itemType = cursor.u32();
    const nItems = cursor.count();
    const itemBytes = scalarBytes[itemType];
    if (itemBytes !== undefined) return cursor.skip(nItems * itemBytes);
    for (let n = 0; n < nItems; n++) skipValue(cursor, itemType, depth + 1);
}

class NeedsMore extends Error {}

class HeadCursor {
    position = 0;
    readonly #bytes: Buffer;
    readonly #fileBytes: number;

    constructor(bytes: Buffer, fileBytes: number) {
        this.#bytes = bytes;
        this.#fileBytes = fileBytes;
    }

    u32(): number {
        const at = this.#take(4);
        return this.#bytes.readUInt32LE(at);
    }

    /** A u64 that counts or places something inside the file, so it cannot exceed its size. */
    count(): number {
        const at = this.#take(8);
        const low = this.#bytes.readUInt32LE(at);
        const value = low + 2 ** 32 * this.#bytes.readUInt32LE(at + 4);
        if (value > this.#fileBytes) throw new GgufError("it is damaged or cut short");
        return value;
    }

    text(): string {
        const nBytes = this.count();
        const at = this.#take(nBytes);
        return this.#bytes.toString("utf8", at, at + nBytes);
    }

    skip(nBytes: number): void {
        this.#take(nBytes);
    }

    #take(nBytes: number): number {
        const at = this.position;
        const end = at + nBytes;
        if (end > this.#fileBytes) throw new GgufError("it is cut short");
        if (end > maxHeadBytes) throw new GgufError("its head is larger than any model's");
        if (end > this.#bytes.length) throw new NeedsMore();
        this.position = end;
        return at;
    }
}
