/** The small real model for tests of the addon, loaded once per test file, and text to feed it. */
import {readFileSync} from "node:fs";
import path from "node:path";
import {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {
    ContextShape,
    NativeContext,
    NativePlain,
    NativeSession,
    RowType,
} from "../../extension/engine/native/native.js";

export const root = path.resolve(import.meta.dirname, "../..");
export const smallModelPath = path.join(root, ".kvasir/models/SmolLM2-135M-Instruct.Q4_1.gguf");

/** `KVASIR_TEST_GPU=vulkan` and the like run the tests of the addon on another backend. */
const testGpu = (process.env.KVASIR_TEST_GPU ?? "cpu") as "cpu" | "cuda" | "vulkan" | "metal";

/** Real source text: one of Kvasir's own files that is long and changes seldom. */
export const sampleText = readFileSync(path.join(root, "test/fixtures/sample-source.ts.txt"), "utf8");

/** The bound of an error on a GPU, whose kernels compute in less than f32, or on a CPU. */
export function onGpu<T>(gpu: T, cpu: T): T {
    return testGpu === "cpu" ? cpu : gpu;
}

export function loadSmallModel(modelPath = smallModelPath): Promise<LoadedModel> {
    return LoadedModel.load({settings: {modelPath, gpu: testGpu, threads: 1}});
}

export function tokensOf(model: LoadedModel, text: string, n?: number): Uint32Array {
    const tokens = model.model.tokenize(text);
    if (n !== undefined && tokens.length < n) throw new Error(`the text has only ${tokens.length} tokens`);
    return Uint32Array.from(n === undefined ? tokens : tokens.slice(0, n));
}

export async function openContext(
    model: LoadedModel,
    options: {rowType?: RowType; budgetBytes?: number; nBatch?: number; nThreads?: number} = {},
): Promise<{context: NativeContext; shape: ContextShape}> {
    const context = new model.addon.Context(model.handle, {
        nBatch: options.nBatch ?? 512,
        // One thread: threads that wait for each other in turns are slow on a machine that is busy with other things.
        nThreads: options.nThreads ?? 1,
        rowType: options.rowType ?? "f16",
        budgetBytes: options.budgetBytes ?? 512 * 2 ** 20,
    });
    const shape = await context.open();
    // llama.cpp leaves out a Vulkan device that is a processor (lavapipe) unless GGML_VK_VISIBLE_DEVICES names it.
    if (testGpu !== "cpu" && shape.devices.every(({isHost}) => isHost)) throw new Error(`nothing runs on ${testGpu}`);
    return {context, shape};
}

export async function openPlain(model: LoadedModel, nCtx = 1024): Promise<NativePlain> {
    const plain = new model.addon.Plain(model.handle, {nCtx, nBatch: 512, nThreads: 2});
    await plain.open();
    return plain;
}

/** Keep lists of random length, each (layer, KV head) its own: the worst case for everything that assumes equality. */
export function randomKeep(nRegions: number, nTokens: number, seed: number): Uint32Array[] {
    let state = seed;
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    return Array.from({length: nRegions}, () => {
        const share = random() ** 2;
        return Uint32Array.from(Array.from({length: nTokens}, (_, i) => i).filter(() => random() < share));
    });
}

export function argmaxRows(logits: Float32Array, nVocab: number): number[] {
    const rows: number[] = [];
    for (let at = 0; at < logits.length; at += nVocab) {
        let best = 0;
        for (let i = 1; i < nVocab; i++) if (logits[at + i]! > logits[at + best]!) best = i;
        rows.push(best);
    }
    return rows;
}

export function maxDifference(a: Float32Array, b: Float32Array): number {
    if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} numbers`);
    let worst = 0;
    for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    return worst;
}

/** ||a - b|| / ||b||. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
    let difference = 0;
    let norm = 0;
    for (let i = 0; i < b.length; i++) {
        difference += (a[i]! - b[i]!) ** 2;
        norm += b[i]! ** 2;
    }
    return Math.sqrt(difference / norm);
}

export async function decodeAll(session: NativeSession, tokens: Uint32Array, position: number): Promise<Float32Array> {
    return (await session.decode(tokens, position, {logits: "all"})).logits!;
}
