/**
 * The identity of a model file, quickly: gigabytes are not read. It covers the sizes, the whole GGUF head
 * (metadata, tokenizer, every tensor's name, shape, type and place) and samples of the weights: the
 * first and the middle 4 KiB of every tensor and 64 blocks of 64 KiB spread over the file. Another
 * model, quantisation, fine-tune or merge differs there; a file patched in a few bytes elsewhere does not.
 */
import {type FileHandle, open, readFile, stat} from "node:fs/promises";
import type {BigIntStats} from "node:fs";
import {z} from "zod";
import {modelBroken, modelChanged, modelMissing} from "../../protocol/errors.js";
import {type GgufHead, GgufError, readGgufHead} from "./gguf-head.js";
import {loadHashes} from "./load-hashes.js";
import {isMissing} from "./store-errors.js";
import {writeFileAtomically} from "./write-file-atomically.js";

const domain = "kvasir model 1\n";
const tensorSampleBytes = 4096;
const nBlocks = 64;
const blockBytes = 65_536;
const maxCached = 200;

const cacheSchema = z.record(z.string(), z.object({stamp: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/)}));
type Cache = z.infer<typeof cacheSchema>;

/** Remembers hashes by path, device, inode, size, mtime and ctime: a file put in the place of another never passes for it. */
export class ModelHasher {
    readonly #cachePath: string | undefined;
    #cache: Cache | undefined;

    /** @param cachePath a JSON file to remember hashes in between runs: a hint, which may be missing, damaged or read-only. */
    constructor(cachePath?: string) {
        this.#cachePath = cachePath;
    }

    /**
     * 64 hex digits for a GGUF; of a split one (`...-00001-of-00005.gguf`) all parts count.
     * @throws KvasirError `model-missing`, `model-broken` (no GGUF, cut short, unreadable), `model-changed` (written to while read)
     */
    async hash(path: string): Promise<string> {
        const parts = partsOf(path);
        const stamp = (await Promise.all(parts.map(stampOf))).join(" ");
        this.#cache ??= await this.#loadCache();
        const known = this.#cache[path];
        if (known?.stamp === stamp) return known.hash;
        const hashes: string[] = [];
        for (const part of parts) hashes.push(await hashOne(part));
        if ((await Promise.all(parts.map(stampOf))).join(" ") !== stamp) throw modelChanged(path);
        const {blake3} = await loadHashes();
        const hash = hashes.length === 1 ? (hashes[0] as string) : blake3(domain, "split\n", hashes.join("\n"));
        await this.#remember(path, {stamp, hash});
        return hash;
    }

    async #loadCache(): Promise<Cache> {
        if (this.#cachePath === undefined) return {};
        try {
            return cacheSchema.parse(JSON.parse(await readFile(this.#cachePath, "utf8")));
        } catch {
            return {};
        }
    }

    async #remember(path: string, entry: Cache[string]): Promise<void> {
        const others = Object.entries(this.#cache ?? {}).filter(([other]) => other !== path);
        const cache = Object.fromEntries([...others, [path, entry]].slice(-maxCached)) as Cache;
        this.#cache = cache;
        if (this.#cachePath === undefined) return;
        const write = (file: FileHandle): Promise<void> => file.writeFile(JSON.stringify(cache));
        // Without a place to remember it the hash is computed again next time.
        await writeFileAtomically(this.#cachePath, write, {isDurable: false}).catch(() => undefined);
    }
}

/** All files of a split model, in order; the file itself when it is not split. */
export function partsOf(path: string): string[] {
    const match = /^(.*-)\d{5}-of-(\d{5})\.gguf$/s.exec(path);
    if (match === null) return [path];
    const [, stem, total] = match as unknown as [string, string, string];
    return Array.from(
        {length: Number(total)},
        (_, index) => `${stem}${String(index + 1).padStart(5, "0")}-of-${total}.gguf`,
    );
}

async function stampOf(path: string): Promise<string> {
    try {
        const status = await stat(path, {bigint: true});
        if (!status.isFile()) throw modelBroken(path, "it is no plain file");
        return stampText(status);
    } catch (error) {
        throw modelError(path, error);
    }
}

/** `ctime` cannot be set, so even a file copied over with the old times is noticed. */
function stampText({dev, ino, size, mtimeNs, ctimeNs}: BigIntStats): string {
    return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

async function hashOne(path: string): Promise<string> {
    let file: FileHandle | undefined;
    try {
        file = await open(path, "r");
        const {size} = await file.stat();
        const head = await readGgufHead(file, size);
        const {blake3} = await loadHashes();
        const sampleHashes: string[] = [];
        for await (const sample of samples(file, head, size)) sampleHashes.push(blake3(sample));
        return blake3(domain, `${size}\n`, blake3(head.bytes), ...sampleHashes);
    } catch (error) {
        throw modelError(path, error);
    } finally {
        await file?.close();
    }
}

async function* samples(
    file: FileHandle,
    {tensorOffsets, dataAt}: GgufHead,
    fileBytes: number,
): AsyncGenerator<Uint8Array> {
    const starts = tensorOffsets.map((offset) => dataAt + offset).sort((a, b) => a - b);
    const places: {at: number; nBytes: number}[] = [];
    starts.forEach((at, index) => {
        const end = starts[index + 1] ?? fileBytes;
        const middle = Math.floor((at + end) / 2);
        places.push(
            {at, nBytes: Math.min(tensorSampleBytes, end - at)},
            {at: middle, nBytes: Math.min(tensorSampleBytes, end - middle)},
        );
    });
    const span = Math.max(0, fileBytes - dataAt - blockBytes);
    for (let n = 0; n < nBlocks; n++) {
        const at = dataAt + Math.floor((span * n) / (nBlocks - 1));
        places.push({at, nBytes: Math.min(blockBytes, fileBytes - at)});
    }
    for (const {at, nBytes} of places) {
        const sample = Buffer.alloc(nBytes);
        const {bytesRead} = await file.read(sample, 0, nBytes, at);
        if (bytesRead !== nBytes) throw new GgufError("it ends too early");
        yield sample;
    }
}

function modelError(path: string, error: unknown): unknown {
    if (isMissing(error)) return modelMissing(path);
    if (error instanceof GgufError) return modelBroken(path, error.message, error);
    if (error instanceof Error && "syscall" in error)
        return modelBroken(path, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
    return error;
}
