import {describe, expect, test} from "vitest";
import {bytesPerToken, fitOf, kvLimitBytes, recommended, speedOn} from "../../../extension/core/models/advice.js";
import {parseModelName} from "../../../extension/core/models/model-uri.js";
import {readCatalogue} from "../../../extension/engine/models/catalogue-file.js";
import type {CatalogueEntry} from "../../../extension/protocol/models.js";

const {models, leftOut} = await readCatalogue();
const entry = (id: string) => models.find((model) => model.id === id)!;
const gib = 2 ** 30;

describe("the catalogue", () => {
    test("names each model and file once, and every file as its address does", () => {
        expect(new Set(models.map(({id}) => id)).size).toBe(models.length);
        expect(new Set(models.map(({file}) => file.toLowerCase())).size).toBe(models.length);
        for (const {uri, file} of models) expect(uri.endsWith(`/${file}`)).toBe(true);
        expect(leftOut.length).toBeGreaterThan(0);
    });

    test("has sizes that parameters and quantisation explain", () => {
        const bits: Record<string, [number, number]> = {Q4_K_M: [4.6, 6.3], Q8_0: [8.4, 11.1]};
        for (const {id, bytes, parameters, quant} of models) {
            const perParameter = (8 * bytes) / parameters;
            const [low, high] = bits[quant]!;
            expect([id, perParameter > low, perParameter < high]).toEqual([id, true, true]);
        }
    });

    test("says when a licence is not open, and claims no hash for a size that is only about", () => {
        for (const {licence, isBytesAbout, sha256} of models) {
            if (!licence.isOpen) expect(licence.note).toBeTruthy();
            if (isBytesAbout) expect(sha256).toBeUndefined();
        }
        expect(models.filter(({licence}) => !licence.isOpen).map(({id}) => id)).toEqual([
            "qwen2.5-coder-3b",
            "codestral-22b",
        ]);
    });
});

describe("what fits", () => {
    test("a token's rows are K and V of every layer and KV head, two bytes each", () => {
        // Qwen2.5-Coder 7B: 28 layers of 4 KV heads of 128.
        expect(bytesPerToken(entry("qwen2.5-coder-7b").shape)).toBe(57_344);
        expect(bytesPerToken({layers: 1, kvHeads: 1, headDim: 1})).toBe(4);
    });

    const on = (id: string, ram: number, vram?: number) =>
        fitOf(entry(id).bytes, entry(id).shape, {
            ram: {total: ram * gib, free: ram * gib},
            ...(vram === undefined ? {} : {vram: {total: vram * gib, free: vram * gib}}),
        });

    test("a GPU: all of it, a part, or nothing", () => {
        const fit = on("qwen2.5-coder-7b", 16, 8);
        expect(fit.where).toBe("gpu");
        // 8 GiB minus the weights minus half a GiB, four fifths of it.
        expect(fit.kvBytes).toBe(Math.floor((8 * gib - 4_683_073_536 - gib / 2) * 0.8));
        // Whole rows: 6144 tokens; a copy of the 8192 attended ones, cut; the rest is files.
        const tokens = fit.kvBytes / 57_344;
        expect(fit.residentTokens.quarter).toBe(Math.floor(4 * (tokens - 6144 - 2048)));
        expect(fit.residentTokens.eighth).toBe(Math.floor(8 * (tokens - 6144 - 1024)));
        expect(on("qwen2.5-coder-14b", 16, 8).where).toBe("partly");
        expect(on("qwen2.5-coder-32b", 8, 8)).toMatchObject({where: "no", residentTokens: {quarter: 0, eighth: 0}});
    });

    test("a processor: as the engine limits it, and never more than is left beside the weights", () => {
        expect(on("qwen2.5-coder-7b", 24)).toMatchObject({where: "cpu", kvBytes: 8 * gib});
        const tight = on("qwen2.5-coder-14b", 10);
        expect(tight.where).toBe("cpu");
        expect(tight.kvBytes).toBe(10 * gib - 8_988_110_272 - gib);
        expect(on("qwen2.5-coder-14b", 8).where).toBe("no");
        expect(kvLimitBytes(300 * 2 ** 20, false)).toBe(256 * 2 ** 20);
    });

    test("the more memory, the larger the model to begin with; never one that is not free to use", () => {
        const best = (ram: number, vram?: number) => {
            const machine = {
                ram: {total: ram * gib, free: ram * gib},
                ...(vram === undefined ? {} : {vram: {total: vram * gib, free: vram * gib}}),
            };
            const fits = models.map((model) => ({entry: model, fit: fitOf(model.bytes, model.shape, machine)}));
            return recommended(fits, machine)?.id;
        };
        expect([best(1), best(4), best(16), best(24)]).toEqual([
            undefined,
            "qwen2.5-coder-1.5b",
            "qwen2.5-coder-1.5b",
            "qwen2.5-coder-1.5b",
        ]);
        expect([best(32, 2), best(32, 4), best(32, 8), best(32, 16), best(64, 24), best(64, 80)]).toEqual([
            "qwen2.5-coder-0.5b",
            "qwen2.5-coder-1.5b",
            "qwen2.5-coder-7b",
            "qwen2.5-coder-14b",
            "qwen3-coder-30b-a3b",
            "qwen2.5-coder-32b",
        ]);
    });

    test("a speed that was measured stays; what is expected is less on a processor", () => {
        const fast: CatalogueEntry["speed"] = {class: "fast", basis: "expected"};
        expect(speedOn(fast, "gpu")).toEqual(fast);
        expect(speedOn(fast, "cpu").class).toBe("slow");
        expect(speedOn({class: "slow", basis: "expected"}, "partly").class).toBe("very slow");
        expect(speedOn({class: "very fast", basis: "measured"}, "cpu").class).toBe("very fast");
    });
});

describe("names of models", () => {
    const parse = (name: string) => parseModelName(name, models);
    const file = "https://huggingface.co/u/r-GGUF/resolve/main/a%20b.gguf";

    test.each([
        ["hf:u/r-GGUF/a b.gguf", {uri: "hf:u/r-GGUF/a b.gguf", url: file, file: "a b.gguf"}],
        [
            "hf://u/r-GGUF/sub/x.gguf#v2",
            {
                uri: "hf:u/r-GGUF/sub/x.gguf#v2",
                url: "https://huggingface.co/u/r-GGUF/resolve/v2/sub/x.gguf",
                file: "x.gguf",
            },
        ],
        [
            "https://huggingface.co/u/r/blob/main/x.gguf?download=true",
            {uri: "hf:u/r/x.gguf", url: "https://huggingface.co/u/r/resolve/main/x.gguf", file: "x.gguf"},
        ],
        ["hf:u/r-GGUF:Q4_K_M", {uri: "hf:u/r-GGUF:Q4_K_M"}],
        ["huggingface.co/u/r", {uri: "hf:u/r"}],
        [
            "http://127.0.0.1:1/m/x.gguf?key=1",
            {uri: "http://127.0.0.1:1/m/x.gguf?key=1", url: "http://127.0.0.1:1/m/x.gguf?key=1", file: "x.gguf"},
        ],
        [
            "https://example.org/download?id=3",
            {uri: "https://example.org/download?id=3", url: "https://example.org/download?id=3"},
        ],
    ])("%s", (name, expected) => {
        expect(parse(name)).toEqual({kind: "remote", ...expected});
    });

    test("ids, files, and what is neither", () => {
        expect(parse(" Qwen2.5-Coder-7B ")).toEqual({kind: "catalogue", entry: entry("qwen2.5-coder-7b")});
        expect(parse("models/x.gguf")).toEqual({kind: "file", path: "models/x.gguf"});
        expect(parse("C:\\models\\x.gguf")).toEqual({kind: "file", path: "C:\\models\\x.gguf"});
        for (const bad of [
            "",
            "hf:",
            "hf:u",
            "hf:u/r/readme.md",
            "ftp://h/x.gguf",
            "https://me:secret@h/x.gguf",
            "https://",
        ])
            expect([bad, parse(bad)]).toEqual([bad, undefined]);
    });
});
