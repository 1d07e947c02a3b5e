import {mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {afterEach, beforeEach, describe, expect, test} from "vitest";
import {checkWhole, readGgufFacts} from "../../../extension/engine/models/gguf-facts.js";
import {modelChoices} from "../../../extension/engine/models/choices.js";
import {findLocalModels} from "../../../extension/engine/models/local-models.js";
import {chooseModel, chosenModel, modelFolder} from "../../../extension/engine/models/model-folder.js";
import {madeUpGguf} from "./made-up-gguf.js";

let home: string;
beforeEach(() => (home = realpathSync(mkdtempSync(join(tmpdir(), "kvasir-home-")))));
afterEach(() => rmSync(home, {recursive: true, force: true}));

const small = madeUpGguf({nElements: 64});

function put(name: string, content: Buffer | string = small): string {
    const file = join(home, name);
    mkdirSync(dirname(file), {recursive: true});
    writeFileSync(file, content);
    return file;
}

describe("models that are here already", () => {
    test("are found where other tools keep them, once each, and nothing else is", async () => {
        put("own/b.gguf");
        put("own/.unfinished/0/c.gguf.ipull");
        put("own/.unfinished/0/d.gguf");
        put("own/mmproj-b.gguf");
        put("own/big-00001-of-00002.gguf");
        put("own/big-00002-of-00002.gguf");
        put("own/half-00001-of-00002.gguf");
        put("mine/x/y.gguf");
        put(".lmstudio/models/user/repo/studio.gguf");
        put(".cache/llama.cpp/cached.gguf");
        const blob = put(".cache/huggingface/hub/models--u--r/blobs/abc");
        mkdirSync(join(home, ".cache/huggingface/hub/models--u--r/snapshots/1"), {recursive: true});
        symlinkSync(blob, join(home, ".cache/huggingface/hub/models--u--r/snapshots/1/hub.gguf"));
        symlinkSync(blob, join(home, "own/again.gguf"));
        const hex = "a".repeat(64);
        put(`.ollama/models/blobs/sha256-${hex}`);
        const layer = (digest: string) =>
            JSON.stringify({
                layers: [
                    {mediaType: "x", digest: "y"},
                    {mediaType: "application/vnd.ollama.image.model", digest},
                ],
            });
        put(".ollama/models/manifests/registry.ollama.ai/library/qwen2.5-coder/7b", layer(`sha256:${hex}`));
        put(".ollama/models/manifests/registry.ollama.ai/me/evil/latest", layer("sha256:../../../own/b.gguf"));
        put(".ollama/models/manifests/registry.ollama.ai/me/broken/latest", "{");
        put(".ollama/models/manifests/registry.ollama.ai/me/gone/latest", layer(`sha256:${"b".repeat(64)}`));
        const found = await findLocalModels({
            own: join(home, "own"),
            folders: [join(home, "mine"), join(home, "none")],
            home,
            env: {},
        });
        expect(found.map(({name, source, bytes}) => [name, source.replace(home, "~"), bytes])).toEqual([
            ["again", "Kvasir", small.length],
            ["b", "Kvasir", small.length],
            ["big", "Kvasir", 2 * small.length],
            ["y", "~/mine", small.length],
            ["studio", "LM Studio", small.length],
            ["cached", "llama.cpp", small.length],
            ["qwen2.5-coder:7b", "Ollama", small.length],
        ]);
    });

    test("are looked for where the environment says", async () => {
        put("hub/models--u--r/snapshots/1/hub.gguf");
        put("llamas/a.gguf");
        const env = {
            HF_HUB_CACHE: join(home, "hub"),
            LLAMA_CACHE: join(home, "llamas"),
            OLLAMA_MODELS: join(home, "none"),
        };
        const found = await findLocalModels({own: join(home, "own"), home, env});
        expect(found.map(({source}) => source)).toEqual(["Hugging Face", "llama.cpp"]);
        expect(modelFolder({KVASIR_MODELS_DIR: home})).toBe(home);
    });

    test("what was chosen is remembered, and a damaged memory is none", async () => {
        expect(chosenModel(home)).toBeUndefined();
        await chooseModel(home, "/m/x.gguf");
        expect(chosenModel(home)).toBe("/m/x.gguf");
        put("chosen.json", "{");
        expect(chosenModel(home)).toBeUndefined();
    });
});

describe("what a GGUF says of itself", () => {
    test("shape, window, and whether it fills in", async () => {
        expect(await readGgufFacts(put("a.gguf"))).toMatchObject({
            architecture: "llama",
            window: 4096,
            isFim: false,
            shape: {layers: 1, kvHeads: 2, headDim: 32},
            reason: undefined,
        });
        const mla = madeUpGguf({nElements: 64, numbers: {"llama.attention.kv_lora_rank": 512}});
        expect((await readGgufFacts(put("mla.gguf", mla))).reason).toMatch(/MLA/);
        const unknown = madeUpGguf({nElements: 64, strings: {"general.architecture": "frobnicate"}});
        expect((await readGgufFacts(put("unknown.gguf", unknown))).reason).toMatch(/frobnicate/);
        const nonsense = madeUpGguf({nElements: 64, numbers: {"llama.attention.head_count": 3}});
        expect((await readGgufFacts(put("nonsense.gguf", nonsense))).shape).toBeUndefined();
    });

    test.each([
        ["no GGUF", Buffer.from("<!doctype html>".padEnd(4096))],
        ["nothing", Buffer.alloc(0)],
        ["more metadata than there is", madeUpGguf({nElements: 64, claimedEntries: 2 ** 40})],
        [
            "a text longer than the file",
            Buffer.concat([small.subarray(0, 24), Buffer.from("ffffffffffffff7f", "hex"), small.subarray(32)]),
        ],
        ["a head that is cut", small.subarray(0, 100)],
    ])("%s: `model-broken`, in no time and memory", async (_, content) => {
        const file = put("broken.gguf", content);
        await expect(readGgufFacts(file)).rejects.toMatchObject({code: "model-broken"});
        await expect(checkWhole(file)).rejects.toMatchObject({code: "model-broken"});
        // In the table it stands with its reason, and the others stand beside it.
        const local = [{name: "broken", path: file, bytes: content.length, source: "Kvasir"}];
        expect(await modelChoices([], local, undefined)).toMatchObject([
            {name: "broken", reason: expect.any(String) as string},
        ]);
    });

    test("a tensor that claims more than the file has, and weights that are cut at the last byte", async () => {
        await expect(
            checkWhole(put("lie.gguf", madeUpGguf({nElements: 64, claimedElements: 1_000_000}))),
        ).rejects.toMatchObject({
            code: "model-broken",
        });
        const cut = put("cut.gguf");
        await checkWhole(cut);
        truncateSync(cut, small.length - 1);
        await expect(checkWhole(cut)).rejects.toMatchObject({code: "model-broken"});
    });
});
