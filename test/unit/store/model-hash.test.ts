import {appendFile, copyFile, readFile, rename, stat, utimes, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {isKvasirError} from "../../../extension/protocol/errors.js";
import {ModelHasher} from "../../../extension/engine/store/model-hash.js";
import {mutate, mutationKinds} from "./mutations.js";
import {randomBytes, seededRandom} from "./sample-segments.js";
import {temporaryFolder} from "./temporary-folder.js";

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

interface ModelOptions {
    name?: string;
    nTokens?: number;
    alignment?: number;
    tensorBytes?: number;
    nTensors?: number;
    seed?: number;
}

/** A small GGUF 3 with every kind of value and any weights. `dataAt`: where the weights begin; `step`: from one tensor to the next. */
function gguf(options: ModelOptions = {}): {bytes: Buffer; dataAt: number; step: number} {
    const {name = "tiny", nTokens = 50, alignment = 64, tensorBytes = 300_000, nTensors = 3, seed = 1} = options;
    const step = Math.ceil(tensorBytes / alignment) * alignment;
    const pairs = [
        [text("general.name"), u32(8), text(name)],
        [text("general.alignment"), u32(4), u32(alignment)],
        [text("a.bool"), u32(7), Buffer.of(1)],
        [text("a.double"), u32(12), Buffer.alloc(8, 1)],
        [text("a.scores"), u32(9), u32(6), u64(3), Buffer.alloc(12, 2)],
        [text("a.nested"), u32(9), u32(9), u64(2), u32(0), u64(2), Buffer.of(1, 2), u32(8), u64(1), text("inside")],
        [
            text("tokenizer.ggml.tokens"),
            u32(9),
            u32(8),
            u64(nTokens),
            ...Array.from({length: nTokens}, (_, n) => text(`token ${n}`)),
        ],
    ];
    const tensors = Array.from({length: nTensors}, (_, n) =>
        Buffer.concat([text(`tensor ${n}`), u32(2), u64(100), u64(100), u32(0), u64(n * step)]),
    );
    const head = Buffer.concat([
        Buffer.from("GGUF"),
        u32(3),
        u64(nTensors),
        u64(pairs.length),
        ...pairs.flat(),
        ...tensors,
    ]);
    const dataAt = Math.ceil(head.length / alignment) * alignment;
    const data = Buffer.alloc((nTensors - 1) * step + tensorBytes, randomBytes(997, seededRandom(seed)));
    return {bytes: Buffer.concat([head, Buffer.alloc(dataAt - head.length), data]), dataAt, step};
}

async function hashOf(bytes: Buffer): Promise<string> {
    const path = join(await temporaryFolder(), "model.gguf");
    await writeFile(path, bytes);
    return new ModelHasher().hash(path);
}

describe("a model's hash", () => {
    test("is that of the content: the same wherever the file lies", async () => {
        const {bytes} = gguf();
        const hash = await hashOf(bytes);
        // From a reading of the documented rules in Python (struct, blake3).
        expect(hash).toBe("cbd6b1bf2b2720c2a1e19613289eff9d0731f5a34a3609ab5d524971522b6cd2");
        expect(await hashOf(bytes)).toBe(hash);
    });

    function flipped(bytes: Buffer, at: number): Buffer {
        const copy = Buffer.from(bytes);
        copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
        return copy;
    }

    test("differs for another name, vocabulary, layout or size", async () => {
        const {bytes} = gguf();
        const others = [
            gguf({name: "tinx"}).bytes,
            gguf({nTokens: 51}).bytes,
            gguf({alignment: 32}).bytes,
            gguf({nTensors: 2}).bytes,
            flipped(bytes, bytes.indexOf("token 7") + 6),
            Buffer.concat([bytes, Buffer.of(0)]),
        ];
        const hashes = await Promise.all([bytes, ...others].map(hashOf));
        expect(new Set(hashes).size).toBe(others.length + 1);
    });

    test("differs for other weights in any one tensor, and all through the file", async () => {
        // The places of the blocks that are spread over 20 MB lie between the samples of these five tensors.
        const {bytes, dataAt, step} = gguf({nTensors: 5, tensorBytes: 4_000_000});
        const dataBytes = bytes.length - dataAt;
        const inTensors = [0, 1, 2, 3, 4].flatMap((n) => [dataAt + n * step + 100, dataAt + n * step + step / 2 + 100]);
        const inBlocks = [1, 20, 40, 62].map((n) => dataAt + Math.floor(((dataBytes - 65_536) * n) / 63) + 65_000);
        const hashes = [await hashOf(bytes)];
        for (const at of [...inTensors, ...inBlocks, bytes.length - 1]) hashes.push(await hashOf(flipped(bytes, at)));
        expect(new Set(hashes).size).toBe(1 + 10 + 4 + 1);
    });

    test("is remembered, and not for another file in its place", async () => {
        const folder = await temporaryFolder();
        const [path, cache] = [join(folder, "model.gguf"), join(folder, "cache", "model-hashes.json")];
        const [first, second] = [gguf({seed: 1}).bytes, gguf({seed: 2}).bytes];
        await writeFile(path, first);
        const hash = await new ModelHasher(cache).hash(path);
        const remembered = JSON.parse(await readFile(cache, "utf8")) as Record<string, {stamp: string; hash: string}>;
        expect(remembered[path]?.hash).toBe(hash);
        // Only what the cache says can give this answer.
        await writeFile(cache, JSON.stringify({[path]: {...remembered[path], hash: "f".repeat(64)}}));
        expect(await new ModelHasher(cache).hash(path)).toBe("f".repeat(64));
        // Another model of the same size, put there with the same times: by rename, then by writing into the file.
        const {atime, mtime} = await stat(path);
        await writeFile(join(folder, "other"), second);
        await utimes(join(folder, "other"), atime, mtime);
        await rename(join(folder, "other"), path);
        const hasher = new ModelHasher(cache);
        const swapped = await hasher.hash(path);
        expect(swapped).toBe(await hashOf(second));
        await writeFile(path, first);
        await utimes(path, atime, mtime);
        expect(await hasher.hash(path)).toBe(hash);
    });

    test.each(["", "{", "[]", '{"/x": 1}', '{"PATH": {"stamp": "1", "hash": "zz"}}'])(
        "does without a cache that says %j",
        async (content) => {
            const folder = await temporaryFolder();
            const [path, cache] = [join(folder, "model.gguf"), join(folder, "model-hashes.json")];
            const {bytes} = gguf();
            await writeFile(path, bytes);
            await writeFile(cache, content.replace("PATH", path));
            expect(await new ModelHasher(cache).hash(path)).toBe(await hashOf(bytes));
        },
    );

    test("of a split model covers every part", async () => {
        const folder = await temporaryFolder();
        const part = (n: number): string => join(folder, `m-0000${n}-of-00003.gguf`);
        for (const n of [1, 2, 3]) await writeFile(part(n), gguf({seed: n}).bytes);
        const hash = await new ModelHasher().hash(part(1));
        expect(await new ModelHasher().hash(part(1))).toBe(hash);
        await writeFile(part(3), gguf({seed: 4}).bytes);
        expect(await new ModelHasher().hash(part(1))).not.toBe(hash);
        await rename(part(2), join(folder, "away"));
        await expect(new ModelHasher().hash(part(1))).rejects.toMatchObject({code: "model-missing"});
    });

    test("finds a head longer than the first piece that is read", async () => {
        // About 12 MiB of tokens.
        const {bytes} = gguf({nTokens: 600_000});
        const other = Buffer.from(bytes);
        const at = bytes.indexOf("token 599999");
        expect(at).toBeGreaterThan(2 ** 23);
        other.write("tokem 599999", at);
        expect(await hashOf(other)).not.toBe(await hashOf(bytes));
    });
});

describe("what is no model", () => {
    test("is told apart: missing, a folder, another format, cut short, another version", async () => {
        const folder = await temporaryFolder();
        const {bytes, dataAt} = gguf();
        const version = Buffer.from(bytes);
        version.writeUInt32LE(1, 4);
        const broken = [
            Buffer.alloc(0),
            Buffer.from("GG"),
            Buffer.from("PK\x03\x04 a zip file"),
            bytes.subarray(0, 100),
            bytes.subarray(0, dataAt + 100),
            version,
        ];
        for (const content of broken) await expect(hashOf(content)).rejects.toMatchObject({code: "model-broken"});
        await expect(new ModelHasher().hash(folder)).rejects.toMatchObject({code: "model-broken"});
        await expect(new ModelHasher().hash(join(folder, "none.gguf"))).rejects.toMatchObject({code: "model-missing"});
    });

    test("is refused when it claims more than the file can hold", async () => {
        const huge = Buffer.from("ffffffffffffff7f", "hex");
        const heads = [
            [u32(3), huge, u64(0)],
            [u32(3), u64(0), huge],
            [u32(3), u64(0), u64(1), huge],
            [u32(3), u64(0), u64(1), text("key"), u32(8), huge],
            [u32(3), u64(0), u64(1), text("key"), u32(9), u32(0), huge],
            [u32(3), u64(0), u64(1), text("key"), u32(9), u32(8), u64(90)],
            [u32(3), u64(0), u64(1), text("key"), u32(99)],
            [u32(3), u64(1), u64(0), text("tensor"), u32(0xffffffff)],
            [u32(3), u64(0), u64(1), text("general.alignment"), u32(4), u32(0)],
            [u32(3), u64(0), u64(1), text("deep"), ...Array.from({length: 5000}, () => [u32(9), u64(1)]).flat()],
        ];
        for (const [n, head] of heads.entries()) {
            const bytes = Buffer.concat([Buffer.from("GGUF"), ...head, Buffer.alloc(64)]);
            await expect(hashOf(bytes), `head ${n}`).rejects.toMatchObject({code: "model-broken"});
        }
    });

    test("800 damaged models: a hash or `model-broken`", {timeout: 60_000}, async () => {
        const random = seededRandom(99);
        const {bytes} = gguf({tensorBytes: 500, nTokens: 10});
        const path = join(await temporaryFolder(), "model.gguf");
        const hashes = new Set<string>();
        let nBroken = 0;
        for (let n = 0; n < 800; n++) {
            await writeFile(path, mutate(bytes, mutationKinds[n % mutationKinds.length] as "flip", random));
            try {
                hashes.add(await new ModelHasher().hash(path));
            } catch (error) {
                if (!isKvasirError(error, "model-broken")) throw error;
                nBroken++;
            }
        }
        expect(nBroken).toBeGreaterThan(80);
        expect(hashes.size).toBeGreaterThan(200);
    });

    test("that is written to while it is read is not given a hash", async () => {
        const path = join(await temporaryFolder(), "model.gguf");
        const {bytes} = gguf({tensorBytes: 4_000_000});
        await writeFile(path, bytes);
        const copy = `${path}.copy`;
        await copyFile(path, copy);
        const hashing = new ModelHasher().hash(path);
        const writing = (async () => {
            for (let n = 0; n < 40; n++) await appendFile(path, "more");
        })();
        const outcome = await hashing.then(
            (hash) => hash,
            (error: unknown) => error,
        );
        await writing;
        // Either all of it fell before or after the writes, or it was noticed.
        if (typeof outcome === "string")
            expect([await hashOf(await readFile(copy)), await hashOf(await readFile(path))]).toContain(outcome);
        else expect(isKvasirError(outcome, "model-changed") || isKvasirError(outcome, "model-broken")).toBe(true);
    });
});
