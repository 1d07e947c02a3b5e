/** Models whose attention Kvasir cannot own are recognised before anything is read: the small model's weights as such. */
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, expect, it} from "vitest";
import {createEngine} from "../../extension/engine/engine.js";
import {patchGguf} from "./patched-gguf.js";
import {smallModelPath} from "./small-model.js";

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-refused-"));
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

it.each([
    ["paddleocr", /M-RoPE/],
    ["refact", /ALiBi/],
])("%s is refused with the reason, in the doctor too", async (architecture, reason) => {
    const modelPath = path.join(folder, `${architecture}.gguf`);
    patchGguf(smallModelPath, modelPath, {
        rename: (key) => key.replace(/^llama\./, `${architecture}.`),
        set: {"general.architecture": {type: "string", value: architecture}},
    });
    const engine = await createEngine({
        modelPath,
        gpu: "cpu",
        policy: "aha-file",
        budget: 0.25,
        rowType: "f16",
        kvMib: 64,
        cacheDir: path.join(folder, "cache"),
        threads: 1,
        position: "parallel",
        attendedTokens: 1024,
        waitForReadsMs: 0,
    });
    await expect(engine.load()).rejects.toMatchObject({code: "model-unsupported"});
    await expect(engine.load()).rejects.toThrow(reason);
    const report = await engine.doctor();
    expect(report.ok).toBe(false);
    expect(report.checks.find(({id}) => id === "model")?.detail).toMatch(reason);
    await engine.dispose();
});
