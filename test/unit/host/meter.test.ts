import {describe, expect, it} from "vitest";
import type {ConnectionState} from "../../../extension/client/engine-client.js";
import {type MeterInput, meterOf, readingText} from "../../../extension/host/status/meter.js";
import type {EngineStatus} from "../../../extension/protocol/engine.js";

const mebi = 2 ** 20;
const t = (message: string, ...args: (string | number)[]) =>
    message.replace(/\{(\d)\}/g, (_, n: string) => String(args[Number(n)]));

const model = {
    path: "/m/small.gguf",
    name: "small",
    architecture: "llama",
    layers: 1,
    heads: 1,
    kvHeads: 1,
    headDim: 64,
    window: 8192,
    supported: true,
    hasChatTemplate: true,
    hasFim: false,
    headProfile: "none" as const,
    weightsBytes: 1,
};
const status: EngineStatus = {
    state: "ready",
    model,
    kv: {usedBytes: 120 * mebi, peakBytes: 200 * mebi, limitBytes: 480 * mebi},
    disk: {bytes: 3 * 1024 * mebi, limitBytes: 8 * 1024 * mebi},
    files: {known: 90, resident: 40, onDisk: 60, attended: 7, unread: 50, refined: 12},
    tokens: {known: 123_456, kept: 30_000},
    clients: 2,
};
const connected: ConnectionState = {name: "connected", pid: 1, isFirst: true};
const input: MeterInput = {
    status,
    connection: connected,
    sync: {name: "synced", known: 92, skipped: 3},
    isPaused: false,
    differing: [],
};
const rows = (change: Partial<MeterInput> = {}) => Object.fromEntries(meterOf({...input, ...change}, t).rows);

describe("the meter", () => {
    it("shows memory used of the limit, and the same in words for screen readers", () => {
        const meter = meterOf(input, t);
        expect(meter.text).toBe("$(layers) 120 MiB/480 MiB");
        expect(meter.label).toBe("Kvasir: Ready. 120 MiB of 480 MiB used, 92 files.");
        expect(meter.kind).toBe("normal");
        expect(meter.label).not.toContain("$(");
    });

    it("says behind what goes on that what is read is not stored, with the way out, which the Doctor has too", () => {
        const problem = {code: "disk-full", message: "the disk is full.", fix: "Free some space."};
        const meter = meterOf({...input, status: {...status, disk: {...status.disk, problem}}}, t);
        expect(meter).toMatchObject({
            kind: "warning",
            next: "doctor",
            headline: "Ready. What is read is not stored: The disk is full. Free some space.",
        });
        expect(meter.text).toMatch(/^\$\(warning\) 120 MiB/);
        const isPaused = meterOf({...input, isPaused: true, status: {...status, disk: {...status.disk, problem}}}, t);
        expect(isPaused.headline).toContain("Reading is paused. What is read is not stored");
    });

    it("says that KV is a server's when one computes, and shows no figures of ours", () => {
        const remote: EngineStatus = {
            ...status,
            server: {host: "gpu.example", kind: "vllm"},
            kv: {usedBytes: 0, peakBytes: 0, limitBytes: 0},
            disk: {bytes: 0, limitBytes: 0},
        };
        const meter = meterOf({...input, status: remote}, t);
        expect(meter.text).toBe("$(layers) KV on server");
        expect(meter.label).toBe("Kvasir: Ready. KV is kept by gpu.example.");
        const shown = rows({status: remote});
        expect(shown["KV is kept by the server"]).toBe("gpu.example");
        for (const name of ["Memory for what is kept", "Files in memory", "On disk"])
            expect(shown).not.toHaveProperty(name);
    });

    it("its table has files known, in memory and attended, tokens, disk, windows", () => {
        expect(rows()).toEqual({
            Model: "small",
            "Memory for what is kept": "120 MiB of 480 MiB (25 %)",
            "Files known": "92",
            "Files in memory": "40",
            "Files attended": "7",
            "Files refined": "12",
            "Tokens known": "123k",
            "On disk": "3.0 GiB of 8.0 GiB",
            "Not read (ignored, secret, not text)": "3",
            "Windows on this engine": "2",
        });
        expect(rows({differing: ["budget", "modelPath"]})["Set by another window"]).toBe("budget, modelPath");
    });

    it.each([
        ["ask", "Answering."],
        ["complete", "Completing."],
        ["read", "Reading the workspace."],
        ["refine", "Reading again for better quality."],
        ["calibrate", "Measuring the model."],
    ] as const)("tells what runs: %s", (activity, headline) => {
        const meter = meterOf({...input, status: {...status, activity}}, t);
        expect(meter.headline).toBe(headline);
        expect(meter.text).toContain("sync~spin");
    });

    it.each<[string, Partial<MeterInput>, string, string]>([
        [
            "an engine that failed",
            {connection: {name: "failed", code: "x", message: "it broke.", fix: "Mend it."}},
            "error",
            "It broke. Mend it.",
        ],
        [
            "an engine with an error",
            {status: {...status, error: {code: "model-broken", message: "it is cut.", fix: "Get another."}}},
            "error",
            "It is cut. Get another.",
        ],
        [
            "no model yet",
            {status: {...status, error: {code: "model-missing", message: "there is no model file at /m."}}},
            "warning",
            "No model yet: click to choose one.",
        ],
        [
            "an engine that ended",
            {connection: {name: "waiting", retryAtMs: 0, reason: "x"}},
            "warning",
            "The engine ended and is started again.",
        ],
        [
            "no trust",
            {sync: {name: "untrusted", known: 0, skipped: 0}},
            "warning",
            "The workspace is not trusted: nothing is read.",
        ],
        ["a pause", {isPaused: true}, "normal", "Reading is paused."],
        ["nothing started", {connection: {name: "idle"}}, "normal", "The engine starts with the first question."],
        [
            "an unloaded model",
            {status: {...status, state: "unloaded"}},
            "normal",
            "The model is unloaded until it is needed.",
        ],
    ])("tells of %s", (_, change, kind, headline) => {
        expect(meterOf({...input, ...change}, t)).toMatchObject({kind, headline});
    });

    it("leads with a click to what helps: the cache view, the Doctor, the picker", () => {
        const failed = (code: string) => ({
            status: {...status, error: {code, message: "there is no model file at /m."}},
        });
        expect(meterOf(input, t).next).toBe("cacheView");
        expect(meterOf({...input, ...failed("model-broken")}, t).next).toBe("doctor");
        expect(meterOf({...input, ...failed("model-missing")}, t).next).toBe("chooseModel");
        expect(rows(failed("model-missing"))["Looked for"]).toBe("there is no model file at /m.");
    });

    it("says nothing of memory before there is a model", () => {
        const {model: _, ...unloaded} = status;
        expect(meterOf({...input, status: unloaded}, t).text).toBe("$(layers) Kvasir");
        expect(rows({status: unloaded})["Files in memory"]).toBeUndefined();
    });
});

describe("the reading item", () => {
    const progress = {filesDone: 3, filesTotal: 12, tokensDone: 4_000, tokensTotal: 20_000};

    it("shows files and the time left, and tokens in words", () => {
        expect(readingText({...progress, secondsLeft: 95}, t)).toEqual({
            text: "$(book) 3/12 · 2 min left",
            label: "Kvasir reads: 3 of 12 files, 4000 of 20k tokens · 2 min left",
        });
        expect(readingText({...progress, secondsLeft: 0.2}, t)?.text).toBe("$(book) 3/12 · 1 s left");
        expect(readingText({...progress, secondsLeft: 7200}, t)?.text).toBe("$(book) 3/12 · 2.0 h left");
    });

    it("says that a model is measured, which is done once", () => {
        expect(readingText({...progress, measuredShare: 0.429}, t)).toEqual({
            text: "$(dashboard) 42 %",
            label: "Kvasir measures once what each head of this model needs: 42 %",
        });
    });

    it("is not there when nothing is read", () => {
        expect(readingText(undefined, t)).toBeUndefined();
        expect(readingText({...progress, filesTotal: 0}, t)).toBeUndefined();
    });
});
