import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterEach, beforeEach, describe, expect, test} from "vitest";
import {costText, modelItems} from "../../../extension/host/models/model-items.js";
import {createModelTool} from "../../../extension/host/models/model-tool.js";
import type {DownloadProgress, MachineFacts, ModelChoice} from "../../../extension/protocol/models.js";

const t = (message: string, ...args: (string | number)[]) =>
    message.replace(/\{(\d)\}/g, (_, index: string) => String(args[Number(index)]));
const gib = 2 ** 30;
const machine: MachineFacts = {
    backend: "vulkan",
    ram: {total: 16 * gib, free: 12 * gib},
    vram: {total: 8 * gib, free: 7 * gib},
    disk: {folder: "/models", free: 100 * gib},
};
const base: ModelChoice = {
    id: "seven",
    name: "Seven",
    source: "catalogue",
    bytes: 4 * gib,
    quant: "Q4_K_M",
    licence: {name: "Apache-2.0", isOpen: true},
    isFim: true,
    speed: {class: "medium", basis: "expected"},
    use: "Begin here.",
    fit: {where: "gpu", kvBytes: 2 * gib, bytesPerToken: 57_344, residentTokens: {quarter: 100_000, eighth: 210_000}},
    isRecommended: false,
};

describe("models in the picker", () => {
    const choices: ModelChoice[] = [
        {...base, name: "Small"},
        {...base, name: "Best", isRecommended: true},
        {...base, name: "Huge", fit: {...base.fit!, where: "no", kvBytes: 0, residentTokens: {quarter: 0, eighth: 0}}},
        {...base, name: "Mine", path: "/m/mine.gguf", source: "Ollama"},
        {...base, name: "Broken", path: "/m/broken.gguf", source: "Kvasir", reason: "it is cut short"},
        {...base, name: "Bound", licence: {name: "Theirs", isOpen: false, note: "research only"}, isBytesAbout: true},
    ];

    test("stand in groups, the one to begin with first, with what each needs", () => {
        const {here, fitting, tooLarge} = modelItems(choices, "/m/mine.gguf", t);
        expect(here.map(({label}) => label)).toEqual(["$(check) Mine", "$(error) Broken"]);
        expect(fitting.map(({label}) => label)).toEqual(["$(star-full) Best", "Small", "Bound"]);
        expect(tooLarge.map(({label}) => label)).toEqual(["Huge"]);
        expect(fitting[0]).toMatchObject({
            description: "to begin with · Q4_K_M · 4.0 GiB",
            detail: "fits on the GPU · medium (expected) · 100k to 210k tokens of files in memory · Begin here.",
        });
        expect(here[0]?.description).toContain("in use");
        expect(here[1]?.detail).toBe("Cannot be used: it is cut short");
        expect(fitting[2]?.description).toMatch(/about 4\.0 GiB.*\$\(warning\) Theirs/);
        expect(tooLarge[0]?.detail).toContain("needs more memory than there is");
    });

    test("what a download costs is said before it begins", () => {
        expect(costText(choices[5]!, machine, "huggingface.co", t).split("\n")).toEqual([
            "about 4.0 GiB are fetched from huggingface.co.",
            "Disk: 4.0 GiB of 100.0 GiB free in /models.",
            "GPU memory: up to 6.0 GiB of 8.0 GiB, what is kept of files included.",
            "Licence: Theirs, research only.",
        ]);
    });
});

describe("asking the command line", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "kvasir-tool-"))));
    afterEach(() => rmSync(folder, {recursive: true, force: true}));

    /** A command line that does what the text says. */
    function tool(program: string) {
        const script = join(folder, "cli.mjs");
        writeFileSync(script, program);
        return createModelTool({executable: process.execPath, script, folders: () => ["/a", "/b c"], gpu: () => "cpu"});
    }
    const signal = () => new AbortController().signal;

    test("advice comes as it is written, with the folders and the backend of the settings", async () => {
        const report = {machine, models: [base], current: "/m/x.gguf"};
        const said = await tool(
            `process.stdout.write(JSON.stringify({...${JSON.stringify(report)}, current: process.argv.slice(2).join("|")}));`,
        ).advise(signal());
        expect(said).toEqual({...report, current: "models|advise|--gpu|cpu|--folder|/a|--folder|/b c|--json"});
    });

    test("progress comes line by line, and other words on standard error do not matter", async () => {
        const steps: DownloadProgress[] = [];
        const done = {path: "/m/x.gguf", bytes: 5, checked: "server", wasThere: false};
        const program = `
            process.stderr.write("(node:1) Warning\\n" + JSON.stringify({step: "asking", bytes: 0, totalBytes: 0}) + "\\n{");
            process.stderr.write('"step": "downloading", "bytes": 5, "totalBytes": 5}\\n');
            process.stdout.write(${JSON.stringify(JSON.stringify(done))});`;
        expect(await tool(program).download("seven", (step) => steps.push(step), signal())).toEqual(done);
        expect(steps.map(({step, bytes}) => [step, bytes])).toEqual([
            ["asking", 0],
            ["downloading", 5],
        ]);
    });

    test("a failure keeps its code and way out; nonsense is a bug; cancelled ends the process", async () => {
        const failing = `process.stdout.write(JSON.stringify({error: {code: "download-stalled", message: "m", fix: "f"}})); process.exitCode = 1;`;
        await expect(tool(failing).download("x", () => {}, signal())).rejects.toMatchObject({
            code: "download-stalled",
            fix: "f",
        });
        await expect(tool(`process.stdout.write("{}")`).advise(signal())).rejects.toMatchObject({code: "internal"});
        await expect(tool("throw new Error('no')").advise(signal())).rejects.toMatchObject({code: "internal"});
        const controller = new AbortController();
        const waiting = tool(
            `process.stderr.write('{"step": "asking", "bytes": 0, "totalBytes": 0}\\n'); setInterval(() => {}, 1000);`,
        );
        await expect(waiting.download("x", () => controller.abort(), controller.signal)).rejects.toMatchObject({
            code: "cancelled",
        });
    });
});
