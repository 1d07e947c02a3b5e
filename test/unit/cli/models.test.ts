import {existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterEach, beforeEach, expect, test, vi} from "vitest";
import {Interrupt} from "../../../extension/cli/interrupt.js";
import {downloadProgress, downloadReport, modelsReport} from "../../../extension/protocol/models.js";
import {DownloadServer} from "../models/download-server.js";
import {madeUpGguf} from "../models/made-up-gguf.js";
import {runProgram} from "./run-program.js";

const model = madeUpGguf({nElements: 10_000});
let folder: string;
let server: DownloadServer;

beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "kvasir-cli-models-")));
    vi.stubEnv("KVASIR_MODELS_DIR", folder);
    // Nobody's real models, and no key of theirs.
    vi.stubEnv("HOME", folder);
    vi.stubEnv("HF_TOKEN", "");
    server = await DownloadServer.start(model);
});
afterEach(async () => {
    vi.unstubAllEnvs();
    await server.stop();
    rmSync(folder, {recursive: true, force: true});
});

test("a model is downloaded with its progress told, listed, and chosen", async () => {
    const got = await runProgram(folder, ["models", "get", `${server.origin}/tiny.gguf`, "--progress", "--json"]);
    const file = join(folder, "tiny.gguf");
    expect(downloadReport.parse(JSON.parse(got.out))).toEqual({
        path: file,
        bytes: model.length,
        checked: "header",
        wasThere: false,
    });
    expect(readFileSync(file).equals(model)).toBe(true);
    const steps = got.err
        .trim()
        .split("\n")
        .map((line) => downloadProgress.parse(JSON.parse(line)).step);
    expect(steps[0]).toBe("asking");
    expect(steps.at(-1)).toBe("checking");

    const listed = await runProgram(folder, ["models", "--json"]);
    const {models} = modelsReport.parse(JSON.parse(listed.out));
    const own = models.find(({path}) => path === file);
    expect(own).toMatchObject({name: "tiny", source: "Kvasir", bytes: model.length, window: 4096, isFim: false});
    expect(models.some(({id, path}) => id === "qwen2.5-coder-7b" && path === undefined)).toBe(true);

    const used = await runProgram(folder, ["models", "use", "tiny", "--json"]);
    expect(JSON.parse(used.out)).toEqual({path: file});
    const {recorded} = await runProgram(folder, ["doctor"]);
    expect(recorded.settings).toMatchObject([{modelPath: file}]);
    expect((await runProgram(folder, ["models"])).out).toContain("Kvasir (in use)");
});

test("names that name nothing, and files that are no models, are told with the way out", async () => {
    const fails = async (...args: string[]) => (await runProgram(folder, ["models", ...args])).err;
    expect(await fails("get", "hf:nonsense")).toMatch(
        /^error model-unknown: "hf:nonsense" names no model\. Give an id/,
    );
    expect(await fails("get", "./x.gguf")).toMatch(/^error usage: .*models use FILE/);
    expect(await fails("use", "qwen2.5-coder-7b")).toMatch(
        /^error model-unknown: .*Run `kvasir models get qwen2\.5-coder-7b`\./,
    );
    expect(await fails("use", "x.gguf")).toMatch(/^error model-missing: /);
    writeFileSync(join(folder, "x.gguf"), "GGUF, they say");
    expect(await fails("use", "x.gguf")).toMatch(/^error model-broken: /);
    const mla = madeUpGguf({nElements: 10, numbers: {"llama.attention.kv_lora_rank": 512}});
    writeFileSync(join(folder, "mla.gguf"), mla);
    expect(await fails("use", "mla.gguf")).toMatch(/^error model-unsupported: .*MLA/);
    expect(existsSync(join(folder, "chosen.json"))).toBe(false);
});

test("a refused download is one line, and Ctrl-C ends one", async () => {
    server.manners = {status: 401};
    const refused = await runProgram(folder, ["models", "get", `${server.origin}/tiny.gguf?key=secret`]);
    expect(refused).toMatchObject({code: 1, out: ""});
    expect(refused.err).toMatch(/^error download-forbidden: .*HTTP 401.*HF_TOKEN/);
    expect(refused.err).not.toContain("secret");
    server.manners = {stallAfter: () => 100};
    const interrupt = new Interrupt();
    const running = runProgram(folder, ["models", "get", `${server.origin}/tiny.gguf`], {interrupt});
    await expect.poll(() => server.sentBytes).toBeGreaterThan(0);
    interrupt.trigger();
    expect((await running).err).toMatch(/^error cancelled: downloading tiny\.gguf was cancelled\./);
});
