/**
 * Writes a GGUF of a 7B shape (28 layers, 28 / 4 heads of 128, q8_0) with random weights and the tokenizer of a small
 * real model: right for speed, where only shapes count, and wrong for everything else.
 *
 *     node test/bench/gpu/random-model.mjs SMALL.gguf OUT.gguf [LAYERS]
 */
import {closeSync, openSync, readFileSync, writeSync} from "node:fs";

const shape = {nLayers: 28, nHeads: 28, nKvHeads: 4, headDim: 128, nEmbd: 3584, nFeedForward: 18944, window: 131072};
const types = {f32: 0, q8_0: 8};
const alignment = 32;
/** Bytes of GGUF's scalar types by number; 8 is string, 9 is array. */
const scalarBytes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8};

const [, , from, to, nLayers = "28"] = process.argv;
if (from === undefined || to === undefined || !(Number(nLayers) >= 1)) {
    process.stderr.write("usage: random-model.mjs SMALL.gguf OUT.gguf [LAYERS]\n");
    process.exit(2);
}
shape.nLayers = Number(nLayers);

const pairs = readPairs(readFileSync(from));
const nVocab = pairs.get("tokenizer.ggml.tokens").readUInt32LE(8);
const set = (key, type, value) => pairs.set(`llama.${key}`, scalar(type, value));
set("block_count", "u32", shape.nLayers);
set("embedding_length", "u32", shape.nEmbd);
set("feed_forward_length", "u32", shape.nFeedForward);
set("attention.head_count", "u32", shape.nHeads);
set("attention.head_count_kv", "u32", shape.nKvHeads);
set("rope.dimension_count", "u32", shape.headDim);
set("context_length", "u32", shape.window);
set("vocab_size", "u32", nVocab);
set("rope.freq_base", "f32", 1e6);
pairs.set("general.name", string("random weights, 7B shape"));
writeModel(to, pairs, tensorsOf(shape, nVocab));

/** Key to its value as it stands in the file, type first. @returns {Map<string, Buffer>} */
function readPairs(file) {
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
    const found = new Map();
    for (let i = 0; i < nPairs; i++) {
        const key = text();
        const start = at;
        at += 4;
        skip(file.readUInt32LE(start));
        found.set(key, file.subarray(start, at));
    }
    return found;
}

function tensorsOf({nLayers, nKvHeads, headDim, nEmbd, nFeedForward}, nTokens) {
    const matrix = (name, columns, rows) => ({name, dims: [columns, rows], type: types.q8_0});
    const vector = (name, n) => ({name, dims: [n], type: types.f32});
    const layers = Array.from({length: nLayers}, (_, i) => [
        vector(`blk.${i}.attn_norm.weight`, nEmbd),
        matrix(`blk.${i}.attn_q.weight`, nEmbd, nEmbd),
        matrix(`blk.${i}.attn_k.weight`, nEmbd, nKvHeads * headDim),
        matrix(`blk.${i}.attn_v.weight`, nEmbd, nKvHeads * headDim),
        matrix(`blk.${i}.attn_output.weight`, nEmbd, nEmbd),
        vector(`blk.${i}.ffn_norm.weight`, nEmbd),
        matrix(`blk.${i}.ffn_gate.weight`, nEmbd, nFeedForward),
        matrix(`blk.${i}.ffn_up.weight`, nEmbd, nFeedForward),
        matrix(`blk.${i}.ffn_down.weight`, nFeedForward, nEmbd),
    ]);
    return [
        matrix("token_embd.weight", nEmbd, nTokens),
        ...layers.flat(),
        vector("output_norm.weight", nEmbd),
        matrix("output.weight", nEmbd, nTokens),
    ];
}

function bytesOf({dims, type}) {
    const n = dims.reduce((a, b) => a * b, 1);
    return type === types.f32 ? 4 * n : (n / 32) * 34;
}

function writeModel(file, keyValues, tensors) {
    const head = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(keyValues.size)];
    for (const [key, value] of keyValues) head.push(u64(Buffer.byteLength(key)), Buffer.from(key), value);
    let offset = 0;
    for (const tensor of tensors) {
        const {name, dims, type} = tensor;
        head.push(u64(Buffer.byteLength(name)), Buffer.from(name), u32(dims.length), ...dims.map(u64));
        head.push(u32(type), u64(offset));
        offset += aligned(bytesOf(tensor));
    }
    const fd = openSync(file, "w");
    const header = Buffer.concat(head);
    write(fd, header);
    write(fd, Buffer.alloc(aligned(header.length) - header.length));
    const blocks = randomBlocks();
    for (const tensor of tensors) {
        let left = bytesOf(tensor);
        const padding = Buffer.alloc(aligned(left) - left);
        if (tensor.type === types.f32) write(fd, Buffer.from(new Float32Array(left / 4).fill(1).buffer));
        else for (; left > 0; left -= blocks.length) write(fd, blocks.subarray(0, Math.min(left, blocks.length)));
        write(fd, padding);
    }
    closeSync(fd);
}

/** A few MiB of q8_0 blocks (f16 scale, 32 values) with a standard deviation of about 0.02, used again and again. */
function randomBlocks() {
    const n = 2 ** 17;
    const blocks = Buffer.alloc(n * 34);
    let state = 1;
    for (let i = 0; i < n; i++) {
        blocks.writeUInt16LE(0x0c80, i * 34); // 2.7e-4 as f16
        for (let j = 0; j < 32; j++) {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            blocks.writeInt8((state >>> 24) - 128, i * 34 + 2 + j);
        }
    }
    return blocks;
}

function write(fd, buffer) {
    for (let at = 0; at < buffer.length;) at += writeSync(fd, buffer, at);
}

function aligned(n) {
    return Math.ceil(n / alignment) * alignment;
}

function u32(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
}

function u64(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    return buffer;
}

function scalar(type, value) {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt32LE(type === "u32" ? 4 : 6);
    if (type === "u32") buffer.writeUInt32LE(value, 4);
    else buffer.writeFloatLE(value, 4);
    return buffer;
}

function string(text) {
    return Buffer.concat([u32(8), u64(Buffer.byteLength(text)), Buffer.from(text)]);
}
