import {appendFile, mkdir, readdir, readFile, stat, symlink, writeFile} from "node:fs/promises";
import {execFileSync} from "node:child_process";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {contentHash, segmentIdentity} from "../../../extension/engine/store/identity.js";
import {loadHashes} from "../../../extension/engine/store/load-hashes.js";
import {openSegmentFile} from "../../../extension/engine/store/segment-file.js";
import {prepareSegment, type SegmentContent} from "../../../extension/engine/store/write-segment.js";
import {readRows, sampleSegment} from "./sample-segments.js";
import {temporaryFolder} from "./temporary-folder.js";

async function writeSample(content: SegmentContent): Promise<string> {
    const path = join(await temporaryFolder(), "one.kvseg");
    await (await prepareSegment(content)).write(path);
    return path;
}

describe("a segment file", () => {
    const shapes = [
        {},
        {scoreType: "f32"},
        {scoreType: "none"},
        {nTokens: 0, scoreType: "none"},
        {nTokens: 1, nLayers: 1, nKvHeads: 1},
        {rowBytes: 0, scoreType: "none"},
        // About 2.5 MiB, so that keep lists, scores and rows share chunks and the last one is short.
        {nTokens: 2000, nLayers: 4, nKvHeads: 3, rowBytes: 200, pieceBytes: 77_777},
    ] as const;
    test.each(shapes)("gives back what was written: %j", async (shape) => {
        const sample = sampleSegment(shape);
        const prepared = await prepareSegment(sample);
        const path = await writeSample(sample);
        expect((await stat(path)).size).toBe(prepared.fileBytes);
        const segment = await openSegmentFile(path);
        if (segment === undefined) throw new Error("not found");
        expect(segment.header).toMatchObject(sample.info);
        expect(segment.header.identity).toBe(await segmentIdentity(sample.info.fields));
        expect(segment.header.counts).toEqual(sample.keepLists.map((list) => list.length));
        expect(await segment.readKeepLists()).toEqual(sample.keepLists);
        const scores = await segment.readScores();
        expect(scores?.type).toBe(sample.scores?.type);
        if (sample.scores !== undefined)
            expect(Buffer.from(sample.scores.data).equals(scores?.data ?? Buffer.alloc(0))).toBe(true);
        expect((await readRows(segment)).equals(sample.rowData)).toBe(true);
        await segment.verify();
        await segment.close();
    });

    test("has the documented layout", async () => {
        const sample = sampleSegment({nTokens: 3000, nLayers: 4, nKvHeads: 3, rowBytes: 200});
        const bytes = await readFile(await writeSample(sample));
        const {xxh128} = await loadHashes();
        const equals = (at: number, sum: Uint8Array): boolean => bytes.subarray(at, at + 16).equals(sum);
        expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x89KVSG\r\n\x1a");
        expect(bytes.readUInt32LE(8)).toBe(2);
        const headerBytes = bytes.readUInt32LE(12);
        const bodyBytes = Number(bytes.readBigUInt64LE(16));
        expect(bytes.readBigUInt64LE(24)).toBe(0n);
        const json = bytes.subarray(48, 48 + headerBytes);
        expect(equals(32, xxh128(bytes.subarray(0, 32), json))).toBe(true);
        expect(Object.keys(JSON.parse(json.toString()) as object)).toEqual(
            Object.keys(JSON.parse(json.toString()) as object).sort(),
        );
        const body: Buffer[] = [];
        let at = 48 + headerBytes;
        for (let left = bodyBytes, index = 0; left > 0; index++) {
            const chunk = bytes.subarray(at, at + Math.min(left, 1_048_576));
            const place = Buffer.alloc(8);
            place.writeBigUInt64LE(BigInt(index));
            expect(equals(at + chunk.length, xxh128(bytes.subarray(32, 48), place, chunk))).toBe(true);
            body.push(chunk);
            left -= chunk.length;
            at += chunk.length + 16;
        }
        expect(body.length).toBeGreaterThan(2);
        expect(at).toBe(bytes.length);
        const lists = sample.keepLists.map((list) => {
            const listBytes = Buffer.alloc(4 * list.length);
            list.forEach((token, n) => listBytes.writeUInt32LE(token, 4 * n));
            return listBytes;
        });
        const expected = Buffer.concat([...lists, sample.scores?.data ?? Buffer.alloc(0), sample.rowData]);
        expect(Buffer.concat(body).equals(expected)).toBe(true);
    });

    test("streams 96 MiB through a few MiB of memory, both ways", async () => {
        const nPieces = 96;
        const piece = Buffer.alloc(2 ** 20);
        const base = sampleSegment({nTokens: nPieces, nLayers: 1, nKvHeads: 1, scoreType: "none"});
        const all = Uint32Array.from({length: nPieces}, (_, token) => token);
        let peak = 0;
        const before = process.memoryUsage().arrayBuffers;
        const look = (): void => void (peak = Math.max(peak, process.memoryUsage().arrayBuffers - before));
        const rows = function* (): Generator<Uint8Array> {
            for (let n = 0; n < nPieces; n++) {
                look();
                yield piece.fill(n);
            }
        };
        const info = {...base.info, rowBytes: [piece.length]};
        const path = await writeSample({info, keepLists: [all], rows});
        const segment = await openSegmentFile(path);
        let at = 0;
        for await (const part of segment?.rows() ?? []) {
            look();
            expect(part.length).toBeLessThanOrEqual(2 ** 20);
            const n = Math.floor(at / piece.length);
            expect(part[0]).toBe(n);
            at += part.length;
        }
        await segment?.close();
        expect(at).toBe(nPieces * piece.length);
        expect(peak).toBeLessThan(24 * 2 ** 20);
    });

    test("that is missing is a miss", async () => {
        const folder = await temporaryFolder();
        expect(await openSegmentFile(join(folder, "none"))).toBeUndefined();
        await writeFile(join(folder, "file"), "");
        expect(await openSegmentFile(join(folder, "file", "none"))).toBeUndefined();
    });

    test("for another segment than asked for is damage", async () => {
        const path = await writeSample(sampleSegment());
        const identity = await segmentIdentity(sampleSegment({path: "src/b.ts"}).info.fields);
        await expect(openSegmentFile(path, {identity})).rejects.toMatchObject({code: "store-corrupt"});
    });

    test("that is no plain file is damage, and never waited for", async () => {
        const folder = await temporaryFolder();
        await mkdir(join(folder, "folder"));
        execFileSync("mkfifo", [join(folder, "pipe")]);
        await symlink(await writeSample(sampleSegment()), join(folder, "link"));
        await writeFile(join(folder, "empty"), "");
        for (const name of ["folder", "pipe", "link", "empty"]) {
            await expect(openSegmentFile(join(folder, name)), name).rejects.toMatchObject({code: "store-corrupt"});
        }
    });

    test("believes no size that a header claims, even with a right check sum", async () => {
        const {xxh128} = await loadHashes();
        const good = await readFile(await writeSample(sampleSegment()));
        const headerBytes = good.readUInt32LE(12);
        const forge = (change: (header: Record<string, unknown>, prelude: Buffer) => void): Buffer => {
            const header = JSON.parse(good.subarray(48, 48 + headerBytes).toString()) as Record<string, unknown>;
            const prelude = Buffer.from(good.subarray(0, 48));
            change(header, prelude);
            const json = Buffer.from(JSON.stringify(header));
            if (prelude.readUInt32LE(12) === headerBytes) prelude.writeUInt32LE(json.length, 12);
            prelude.set(xxh128(prelude.subarray(0, 32), json), 32);
            return Buffer.concat([prelude, json, good.subarray(48 + headerBytes)]);
        };
        const big = Number.MAX_SAFE_INTEGER;
        const forgeries: [string, Buffer][] = [
            ["header length", forge((_, prelude) => prelude.writeUInt32LE(0xffffffff, 12))],
            ["body length", forge((_, prelude) => prelude.writeBigUInt64LE(2n ** 64n - 1n, 16))],
            ["body length that wraps", forge((_, prelude) => prelude.writeBigUInt64LE(2n ** 63n, 16))],
            ["version", forge((_, prelude) => prelude.writeUInt32LE(3, 8))],
            ["counts", forge((header) => (header.counts = [2 ** 24, 0, 0, 0, 0, 0]))],
            ["too many counts", forge((header) => (header.counts = Array.from({length: 2 ** 16 + 1}, () => 0)))],
            ["tokens", forge((header) => (header.nTokens = 2 ** 24))],
            ["layers", forge((header) => (header.nLayers = 4096))],
            ["rows", forge((header) => (header.rowBytes = [2 ** 24, 2 ** 24, 2 ** 24]))],
            ["sections", forge((header) => (header.sectionBytes = {keepLists: big, scores: big, rows: big}))],
            ["negative", forge((header) => (header.sectionBytes = {keepLists: -4, scores: 4, rows: 0}))],
            ["fraction", forge((header) => (header.nTokens = 40.5))],
            ["generation", forge((header) => (header.generation = "1"))],
            ["identity", forge((header) => (header.identity = "0".repeat(64)))],
            [
                "path of the fields",
                forge((header) => ((header.fields as Record<string, unknown>).pathHeader = "// File: other\n")),
            ],
            ["extra key", forge((header) => (header.extra = 1))],
            ["no header", forge((header) => Object.keys(header).forEach((key) => delete header[key]))],
        ];
        const folder = await temporaryFolder();
        const before = process.memoryUsage().arrayBuffers;
        for (const [name, bytes] of forgeries) {
            const path = join(folder, await contentHash(name));
            await writeFile(path, bytes);
            await expect(openSegmentFile(path), name).rejects.toMatchObject({code: "store-corrupt"});
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
        const untouched = join(folder, "untouched");
        await writeFile(
            untouched,
            forge(() => undefined),
        );
        await (await openSegmentFile(untouched))?.close();
    });

    test("keep lists that do not ascend are damage although every sum is right", async () => {
        const {xxh128} = await loadHashes();
        const sample = sampleSegment({scoreType: "none", nTokens: 20});
        const bytes = await readFile(await writeSample(sample));
        const bodyAt = 48 + bytes.readUInt32LE(12);
        const first = sample.keepLists.findIndex((list) => list.length >= 2);
        const at = bodyAt + 4 * sample.keepLists.slice(0, first).reduce((sum, list) => sum + list.length, 0);
        bytes.writeUInt32LE(bytes.readUInt32LE(at), at + 4);
        const body = bytes.subarray(bodyAt, bytes.length - 16);
        bytes.set(xxh128(bytes.subarray(32, 48), Buffer.alloc(8), body), bytes.length - 16);
        const path = join(await temporaryFolder(), "file");
        await writeFile(path, bytes);
        const segment = await openSegmentFile(path);
        await expect(segment?.readKeepLists()).rejects.toMatchObject({code: "store-corrupt"});
        await segment?.close();
    });

    test("that is cut or swapped while open never gives wrong rows", async () => {
        const sample = sampleSegment({nTokens: 4000, nLayers: 4, nKvHeads: 3, rowBytes: 200});
        const path = await writeSample(sample);
        const bytes = await readFile(path);
        const bodyAt = 48 + bytes.readUInt32LE(12);
        const chunk = 2 ** 20 + 16;
        // Two whole chunks change places: each sum is still right for its chunk.
        const swapped = Buffer.concat([
            bytes.subarray(0, bodyAt),
            bytes.subarray(bodyAt + chunk, bodyAt + 2 * chunk),
            bytes.subarray(bodyAt, bodyAt + chunk),
            bytes.subarray(bodyAt + 2 * chunk),
        ]);
        const segment = await openSegmentFile(path);
        if (segment === undefined) throw new Error("not found");
        await writeFile(path, swapped);
        await expect(readRows(segment)).rejects.toMatchObject({code: "store-corrupt"});
        await writeFile(path, bytes.subarray(0, bodyAt + 100));
        await expect(readRows(segment)).rejects.toMatchObject({code: "store-corrupt"});
        await writeFile(path, bytes);
        await appendFile(path, "later");
        expect((await readRows(segment)).equals(sample.rowData)).toBe(true);
        await segment.close();
        await segment.close();
    });
});

describe("a writer", () => {
    test("leaves nothing when the rows fail or are the wrong number", async () => {
        const folder = await temporaryFolder();
        const sample = sampleSegment();
        const failing = new Error("device lost");
        const broken: [Partial<SegmentContent>, RegExp][] = [
            [{rows: () => [sample.rowData.subarray(1)]}, /differ from its header/],
            [{rows: () => [sample.rowData, new Uint8Array(1)]}, /differ from its header/],
            [{rows: () => [sample.rowData, new Uint8Array(2 ** 22)]}, /differ from its header/],
            [{rows: () => []}, /differ from its header/],
            [
                {
                    *rows() {
                        yield sample.rowData.subarray(0, 100);
                        throw failing;
                    },
                },
                /device lost/,
            ],
        ];
        for (const [change, message] of broken) {
            const prepared = await prepareSegment({...sample, ...change});
            await expect(prepared.write(join(folder, "one.kvseg"))).rejects.toThrow(message);
            expect(await readdir(folder)).toEqual([]);
        }
    });

    test("refuses what does not fit together, before a file is made", async () => {
        const sample = sampleSegment();
        const {info, keepLists} = sample;
        const wrong: Partial<SegmentContent>[] = [
            {keepLists: keepLists.slice(1)},
            {keepLists: keepLists.map(() => Uint32Array.of(3, 2))},
            {keepLists: keepLists.map(() => Uint32Array.of(2, 2))},
            {keepLists: keepLists.map(() => Uint32Array.of(info.nTokens))},
            {scores: {type: "f16", data: new Uint8Array(1)}},
            {info: {...info, rowBytes: [1]}},
            {info: {...info, nTokens: -1}},
            {info: {...info, path: ""}},
            {info: {...info, part: {index: 1, count: 1}}},
            {info: {...info, fields: {...info.fields, budget: 0}}},
        ];
        for (const change of wrong) await expect(prepareSegment({...sample, ...change})).rejects.toThrow();
    });
});
