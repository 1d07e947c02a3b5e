/** A GGUF file of a made-up model with one layer: right in every length, so that a lie can be told about one of them. */

export interface MadeUpGguf {
    /** Elements of its one tensor, f32. */
    nElements: number;
    /** More metadata. */
    strings?: Record<string, string>;
    numbers?: Record<string, number>;
    /** What the header says that the tensor has, when it lies. */
    claimedElements?: number;
    /** Entries of metadata that the header claims, when it lies. */
    claimedEntries?: number;
}

export function madeUpGguf({
    nElements,
    strings = {},
    numbers = {},
    claimedElements,
    claimedEntries,
}: MadeUpGguf): Buffer {
    const texts = Object.entries({"general.architecture": "llama", "tokenizer.ggml.model": "gpt2", ...strings});
    const counts = Object.entries({
        "llama.block_count": 1,
        "llama.context_length": 4096,
        "llama.embedding_length": 128,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        ...numbers,
    });
    const head = Buffer.concat([
        Buffer.from("GGUF"),
        u32(3),
        u64(1),
        u64(claimedEntries ?? texts.length + counts.length),
        ...texts.map(([key, value]) => Buffer.concat([text(key), u32(8), text(value)])),
        ...counts.map(([key, value]) => Buffer.concat([text(key), u32(4), u32(value)])),
        text("token_embd.weight"),
        u32(1),
        u64(claimedElements ?? nElements),
        u32(0),
        u64(0),
    ]);
    const padding = Buffer.alloc((32 - (head.length % 32)) % 32);
    const data = Buffer.alloc(4 * nElements);
    // Every block differs, so that blocks at wrong places are noticed.
    for (let at = 0; at + 4 <= data.length; at += 4) data.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    return Buffer.concat([head, padding, data]);
}

function text(value: string): Buffer {
    const bytes = Buffer.from(value);
    return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
}

function u64(value: number): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
}
