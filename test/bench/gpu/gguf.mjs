/** Reads and writes the frame of GGUF files: key-value pairs and the list of tensors. */
import {writeSync} from "node:fs";

const alignment = 32;
/** Bytes of GGUF's scalar types by number; 8 is string, 9 is array. */
const scalarBytes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8};

/**
 * Keys to their values as they stand in the file, type first, and the tensors with their bytes.
 * @param {Buffer} file
 */
export function readModel(file) {
    let at = 24;
    const nPairs = Number(file.readBigUInt64LE(16));
    const text = () => {
        const length = Number(file.readBigUInt64LE(at));
        const value = file.toString("utf8", at + 8, at + 8 + length);
        at += 8 + length;
        return value;
    };
    const skip = (type) => {
        if (type === 8) return void text();
        if (type !== 9) return void (at += scalarBytes[type]);
        const itemType = file.readUInt32LE(at);
        const n = Number(file.readBigUInt64LE(at + 4));
        at += 12;
        if (itemType === 8) for (let i = 0; i < n; i++) text();
        else at += n * scalarBytes[itemType];
    };
    /** @type {Map<string, Buffer>} */
    const found = new Map();
    for (let i = 0; i < nPairs; i++) {
        const key = text();
        const start = at;
        at += 4;
        skip(file.readUInt32LE(start));
        found.set(key, file.subarray(start, at));
    }
    const tensors = Array.from({length: Number(file.readBigUInt64LE(8))}, () => {
        const name = text();
        const nDims = file.readUInt32LE(at);
        const dims = Array.from({length: nDims}, (_, i) => Number(file.readBigUInt64LE(at + 4 + 8 * i)));
        at += 4 + 8 * nDims;
        const type = file.readUInt32LE(at);
        const offset = Number(file.readBigUInt64LE(at + 4));
        at += 12;
        return {name, dims, type, offset};
    });
    const data = aligned(at);
    return {pairs: found, tensors: tensors.map((tensor) => ({...tensor, data: file.subarray(data + tensor.offset)}))};
}

/** Everything before the tensors' bytes, which follow one after the other, each aligned. */
export function headerOf(pairs, tensors, bytesOf) {
    const head = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(pairs.size)];
    for (const [key, value] of pairs) head.push(u64(Buffer.byteLength(key)), Buffer.from(key), value);
    let offset = 0;
    for (const tensor of tensors) {
        const {name, dims, type} = tensor;
        head.push(u64(Buffer.byteLength(name)), Buffer.from(name), u32(dims.length), ...dims.map(u64));
        head.push(u32(type), u64(offset));
        offset += aligned(bytesOf(tensor));
    }
    const header = Buffer.concat(head);
    return Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length)]);
}

export function write(fd, buffer) {
    for (let at = 0; at < buffer.length;) at += writeSync(fd, buffer, at);
}

export function aligned(n) {
    return Math.ceil(n / alignment) * alignment;
}

export function u32(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
}

export function u64(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    return buffer;
}
