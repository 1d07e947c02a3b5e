/**
 * Writes a GGUF of a 7B shape (28 layers, 28 / 4 heads of 128, q8_0) with random weights and the tokenizer of a small
 * real model: right for speed, where only shapes count, and wrong for everything else.
 *
 *     node test/bench/gpu/random-model.mjs SMALL.gguf OUT.gguf [LAYERS]
 */
import {closeSync, openSync, readFileSync} from "node:fs";
import {aligned, headerOf, readModel, u32, u64, write} from "./gguf.mjs";

const shape = {nLayers: 28, nHeads: 28, nKvHeads: 4, headDim: 128, nEmbd: 3584, nFeedForward: 18944, window: 131072};
const types = {f32: 0, q8_0: 8};

const [, , from, to, nLayers = "28"] = process.argv;
if (from === undefined || to === undefined || !(Number(nLayers) >= 1)) {
    process.stderr.write("usage: random-model.mjs SMALL.gguf OUT.gguf [LAYERS]\n");
    process.exit(2);
}
shape.nLayers = Number(nLayers);

const {pairs} = readModel(readFileSync(from));
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
    const fd = openSync(file, "w");
    write(fd, headerOf(keyValues, tensors, bytesOf));
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
