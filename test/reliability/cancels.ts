/**
 * Cancels at random moments of reads, questions and completions: the time from the request to an engine that is free,
 * beside the time of one layer of a batch, which is what a cancel may have to wait for.
 */
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createEngine} from "../../extension/engine/engine.js";
import type {EngineApi} from "../../extension/protocol/engine.js";
import {isKvasirError} from "../../extension/protocol/errors.js";
import {type Scenario, countsOf, listOf, must, percentile, rounded, seededRandom, sleep} from "./scenario.js";
import {askAbout, smallSettings, someFiles, workspace} from "./small-engine.js";

const maxDelayMs = 150;
/** Every so many cancels one comes later, at any time of a read, or of so much of it. */
const lateEvery = 4;
const maxLateMs = 1_500;
/** On a shared machine a layer takes now so long and now so long: measured anew every so many cancels. */
const measureEvery = 20;
/** Layers of the small model, and tokens of a batch. */
const nLayers = 30;
const nBatch = 512;
/** Beside one layer of the running batch. */
const limitMs = 50;
const kinds = ["read", "ask", "complete"] as const;

export const cancels: Scenario = {
    name: "cancels",
    defaultN: 1_000,
    canSplit: true,
    async run({n, seed, say, stop}) {
        const random = seededRandom(seed);
        const home = await mkdtemp(join(tmpdir(), "kv-c-"));
        const engine = await createEngine(smallSettings(join(home, "cache")));
        try {
            // The one long file is a whole batch, so that a cancel falls into the middle of one.
            const [long, short] = [someFiles(1, 70)[0]!, {...someFiles(1, 8)[0]!, path: "src/short.ts"}];
            await engine.updateWorkspace({workspace, upsert: [long, short]});
            await engine.read({workspace});
            let [readMs, layerMs] = [0, 0];
            const layers: number[] = [];
            const beyondLayer: number[] = [];
            const reference = (await engine.ask(askAbout([short.path], "reference"), {})).text;
            const waits: Record<(typeof kinds)[number], number[]> = {read: [], ask: [], complete: []};
            let nDone = 0;
            for (let i = 0; i < n && !stop?.aborted; i++) {
                if (i % measureEvery === 0) {
                    const {totals} = await engine.read({workspace, paths: [long.path], again: true});
                    readMs = totals.ms;
                    layerMs = ((readMs / totals.tokens) * nBatch) / nLayers;
                    layers.push(layerMs);
                }
                const kind = kinds[Math.floor(random() * kinds.length)]!;
                const isLate = i % lateEvery === lateEvery - 1;
                const delayMs = random() * (isLate ? Math.min(maxLateMs, readMs) : maxDelayMs);
                const ms = await cancelled(engine, kind, long.path, delayMs, i);
                if (ms === undefined) nDone++;
                else {
                    waits[kind].push(ms);
                    beyondLayer.push(ms - layerMs);
                }
                if (i % 100 === 99) {
                    const {text} = await engine.ask(askAbout([short.path], `check ${i}`), {});
                    must(text === reference, `cancel ${i} of seed ${seed}: the answer after it is another one`);
                    say(`${i + 1} cancels`);
                }
            }
            must(beyondLayer.length > 0, "nothing was cancelled");
            return {...waits, endedBefore: nDone, layer: layers, beyondLayer};
        } finally {
            await engine.dispose();
            await rm(home, {recursive: true, force: true});
        }
    },
    figures(findings) {
        const all = kinds.flatMap((kind) => listOf(findings, kind));
        const layers = listOf(findings, "layer");
        return {
            cancelled: all.length,
            /** Ended by themselves before the cancel came. */
            ...countsOf(findings),
            layerMinMs: rounded(Math.min(...layers)),
            layerP50Ms: rounded(percentile(layers, 0.5)),
            layerMaxMs: rounded(Math.max(...layers)),
            p50Ms: rounded(percentile(all, 0.5)),
            p99Ms: rounded(percentile(all, 0.99)),
            maxMs: rounded(Math.max(...all)),
            ...Object.fromEntries(
                kinds.map((kind) => [`${kind}P99Ms`, rounded(percentile(listOf(findings, kind), 0.99))]),
            ),
            /** Of the time that cancels took beyond one layer, as measured last before them: to be held against 50 ms. */
            beyondLayerP99Ms: rounded(percentile(listOf(findings, "beyondLayer"), 0.99)),
            withinShare: rounded(listOf(findings, "beyondLayer").filter((ms) => ms <= limitMs).length / all.length, 4),
        };
    },
};

/** Milliseconds from the abort to a free engine; undefined when the work had ended before. */
async function cancelled(
    engine: EngineApi,
    kind: (typeof kinds)[number],
    path: string,
    delayMs: number,
    i: number,
): Promise<number | undefined> {
    const controller = new AbortController();
    const {signal} = controller;
    const work =
        kind === "read"
            ? engine.read({workspace, paths: [path], again: true}, undefined, signal)
            : kind === "ask"
              ? engine.ask(askAbout([path], `cancelled ${i}`, {maxTokens: 400}), {}, signal)
              : engine.complete(
                    {
                        workspace,
                        path: "new.ts",
                        text: "export function ",
                        offset: 16,
                        maxTokens: 100,
                        multiLine: "always",
                    },
                    signal,
                );
    let endedAt = 0;
    const ended = work.then(
        () => "done",
        (error: unknown) => error,
    );
    void ended.then(() => (endedAt = performance.now()));
    await sleep(delayMs);
    if (endedAt > 0) return undefined;
    const asked = performance.now();
    controller.abort();
    const end = await ended;
    if (engine.status().state === "busy") await new Promise((resolve) => setImmediate(resolve));
    must(engine.status().state !== "busy", `cancel ${i}: the engine is still busy`);
    const ms = performance.now() - asked;
    // An answer that was cut short is an answer, with the reason `cancelled`.
    must(end === "done" || isKvasirError(end, "cancelled"), `cancel ${i} ended with ${String(end)}`);
    return ms;
}
