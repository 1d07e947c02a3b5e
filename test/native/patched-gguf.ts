/**
 * Rewrites the head of a GGUF: keys renamed, changed and added, tokens renamed, small tensors added. Weights stay as they
 * are. So the one small model serves as others: a sliding window, attention sinks, fill-in-the-middle tokens.
 */
import {readFileSync, writeFileSync} from "node:fs";

export type NewValue =
    | {type: "u32"; value: number}
    | {type: "f32"; value: number}
    | {type: "string"; value: string}
    | {type: "bools"; value: boolean[]};

export interface GgufPatch {
    /** New name of a key; the same name keeps it. */
    rename?: (key: string) => string;
    /** Keys to add or to put in the place of those in the file. */
    set?: Record<string, NewValue>;
    /** New texts of tokens. */
    tokens?: Record<string, string>;
    /** f32 vectors to add. */
    vectors?: Record<string, Float32Array>;
    /** Tensors that the other architecture does not have. */
    hasNo?: (tensor: string) => boolean;
}

const alignment = 32;
/** Bytes of the scalar types, by type number; 8 is string, 9 is array. */
const scalarBytes: Record<number, number> = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8};

export function patchGguf(
    from: string,
    to: string,
    {rename = (key) => key, set = {}, tokens = {}, vectors = {}, hasNo = () => false}: GgufPatch,
): void {
    const file = readFileSync(from);
    let at = 24;
    const nTensors = Number(file.readBigUInt64LE(8));
    const nPairs = Number(file.readBigUInt64LE(16));
    const string = () => {
        const length = Number(file.readBigUInt64LE(at));
        const text = file.toString("utf8", at + 8, at + 8 + length);
        at += 8 + length;
        return text;
    };
    const skipValue = (type: number): void => {
        if (type === 8) return void string();
        if (type !== 9) return void (at += scalarBytes[type]!);
        const itemType = file.readUInt32LE(at);
        const n = Number(file.readBigUInt64LE(at + 4));
        at += 12;
        if (itemType === 8) for (let i = 0; i < n; i++) string();
        else at += n * scalarBytes[itemType]!;
    };

    const pairs = new Map<string, Buffer>();
    for (let i = 0; i < nPairs; i++) {
        const key = rename(string());
        const start = at;
        const type = file.readUInt32LE(at);
        at += 4;
        skipValue(type);
        pairs.set(key, file.subarray(start, at));
    }
    for (const [key, value] of Object.entries(set)) pairs.set(key, encode(value));
    if (Object.keys(tokens).length > 0)
        pairs.set("tokenizer.ggml.tokens", renamed(pairs.get("tokenizer.ggml.tokens")!, tokens));
    let tensors: {name: string; dims: bigint[]; type: number; offset: bigint}[] = [];
    for (let i = 0; i < nTensors; i++) {
        const name = string();
        const nDims = file.readUInt32LE(at);
        const dims = Array.from({length: nDims}, (_, d) => file.readBigUInt64LE(at + 4 + 8 * d));
        at += 4 + 8 * nDims;
        tensors.push({name, dims, type: file.readUInt32LE(at), offset: file.readBigUInt64LE(at + 4)});
        at += 12;
    }
    let data = file.subarray(Math.ceil(at / alignment) * alignment);
    if (tensors.some(({name}) => hasNo(name))) {
        // Tensors lie one behind the other in the order of their list, without a gap.
        const ends = [...tensors.slice(1).map(({offset}) => Number(offset)), data.length];
        const kept = tensors.map((tensor, i) => ({tensor, bytes: data.subarray(Number(tensor.offset), ends[i])}));
        let offset = 0n;
        tensors = [];
        data = Buffer.concat(
            kept.flatMap(({tensor, bytes}) => {
                if (hasNo(tensor.name)) return [];
                tensors.push({...tensor, offset});
                offset += BigInt(bytes.length);
                return [bytes];
            }),
        );
    }
    const added: Buffer[] = [];
    let end = Math.ceil(data.length / alignment) * alignment;
    const padding = Buffer.alloc(end - data.length);
    for (const [name, vector] of Object.entries(vectors)) {
        tensors.push({name, dims: [BigInt(vector.length)], type: 0, offset: BigInt(end)});
        const bytes = Buffer.alloc(Math.ceil(vector.byteLength / alignment) * alignment);
        Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).copy(bytes);
        added.push(bytes);
        end += bytes.length;
    }
    const head = Buffer.concat([
        file.subarray(0, 8),
        u64(tensors.length),
        u64(pairs.size),
        ...[...pairs].flatMap(([key, value]) => [text(key), value]),
        ...tensors.flatMap(({name, dims, type, offset}) => [
            text(name),
            u32(dims.length),
            ...dims.map((dim) => u64(dim)),
            u32(type),
            u64(offset),
        ]),
    ]);
    const gap = Buffer.alloc((alignment - (head.length % alignment)) % alignment);
    writeFileSync(to, Buffer.concat([head, gap, data, padding, ...added]));
}

/** @param list an array of strings as it stands in the file */
function renamed(list: Buffer, names: Record<string, string>): Buffer {
    const parts = [list.subarray(0, 16)];
    for (let at = 16; at < list.length;) {
        const end = at + 8 + Number(list.readBigUInt64LE(at));
        const name = names[list.toString("utf8", at + 8, end)];
        parts.push(name === undefined ? list.subarray(at, end) : text(name));
        at = end;
    }
    return Buffer.concat(parts);
}

function u32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
}

function u64(value: number | bigint): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
}

function text(value: string): Buffer {
    const bytes = Buffer.from(value, "utf8");
    return Buffer.concat([u64(bytes.length), bytes]);
}

function encode(value: NewValue): Buffer {
    switch (value.type) {
        case "u32":
            return Buffer.concat([u32(4), u32(value.value)]);
        case "f32": {
            const bytes = Buffer.alloc(4);
            bytes.writeFloatLE(value.value);
            return Buffer.concat([u32(6), bytes]);
        }
        case "string":
            return Buffer.concat([u32(8), text(value.value)]);
        case "bools":
            return Buffer.concat([u32(9), u32(7), u64(value.value.length), Buffer.from(value.value.map(Number))]);
    }
}
