/**
 * Hidden states before and after attention: against the network computed in plain loops from the weights in the file,
 * given nothing but what each layer's attention returned.
 */
import {closeSync, mkdtempSync, openSync, readSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {readGgufFileInfo, type GgufFileInfo} from "node-llama-cpp";
import {afterAll, beforeAll, expect, it} from "vitest";
import type {NativeContext, NativeSession} from "../../extension/engine/native/native.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import {patchGguf} from "./patched-gguf.js";
import {
    loadSmallModel,
    maxDifference,
    onGpu,
    openContext,
    sampleText,
    smallModelPath,
    tokensOf,
} from "./small-model.js";

let folder: string;
let model: LoadedModel;
let context: NativeContext;
beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-similarity-"));
    model = await loadSmallModel();
    ({context} = await openContext(model, {nBatch: 256}));
});
afterAll(async () => {
    await context.close();
    await model.dispose();
    rmSync(folder, {recursive: true, force: true});
});

const inSession = async <T>(work: (session: NativeSession) => Promise<T>, of: NativeContext = context): Promise<T> => {
    const session = await of.newSession();
    try {
        return await work(session);
    } finally {
        session.dispose();
    }
};

it("are as alike as those of the network in plain loops", async () => {
    const tokens = tokensOf(model, sampleText, 6);
    const {layerSimilarity, captured} = await inSession((session) =>
        session.decode(tokens, 0, {layerSimilarity: true, capture: true}),
    );
    const expected = await similarities(
        tokens,
        captured!.map(({outputs}) => outputs),
    );
    expect(layerSimilarity).toHaveLength(30);
    // Activations are rounded to 8 bits before every product with a quantised weight; layers differ by tenths.
    for (const [layer, value] of expected.entries()) {
        expect(Math.abs(layerSimilarity![layer]! - value), `layer ${layer}`).toBeLessThan(onGpu(1e-2, 1e-3));
    }
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.05);
});

it("are the mean over the tokens of all batches", async () => {
    const tokens = tokensOf(model, sampleText, 270);
    const [first, rest] = await inSession(async (session) => [
        (await session.decode(tokens.subarray(0, 256), 0, {layerSimilarity: true})).layerSimilarity!,
        (await session.decode(tokens.subarray(256), 256, {layerSimilarity: true})).layerSimilarity!,
    ]);
    const whole = await inSession((session) => session.decode(tokens, 0, {layerSimilarity: true}));
    for (const [layer, value] of whole.layerSimilarity!.entries()) {
        expect(value).toBeCloseTo((first[layer]! * 256 + rest[layer]! * 14) / 270, 12);
    }
});

it("are measured without changing logits, scores or rows", async () => {
    const tokens = tokensOf(model, sampleText, 60);
    const read = (layerSimilarity: boolean) =>
        inSession(async (session) => {
            await session.startScores(tokens.length, "sum");
            const pass = {offset: 30, stride: 1, weights: new Float32Array(30).fill(1)};
            const {logits} = await session.decode(tokens, 0, {logits: "last", passes: [pass], layerSimilarity});
            const scores = await session.readScores();
            return {logits: logits!, scores, rows: (await session.exportRows(29, 2)).v};
        });
    const plain = await read(false);
    const measured = await read(true);
    expect(measured.logits).toHaveLength(plain.logits.length);
    expect(maxDifference(measured.logits, plain.logits)).toBeLessThan(onGpu(0.3, 1e-4));
    expect(maxDifference(measured.scores, plain.scores)).toBeLessThan(onGpu(1e-2, 1e-5));
    expect(maxDifference(measured.rows, plain.rows)).toBeLessThan(onGpu(1e-2, 1e-4));
});

it("are found in a graph that names them otherwise", async () => {
    // Gemma: the embeddings scaled, the sum called sa_out.
    const similarity = await withArchitecture("gemma", {}, async (other) =>
        inSession((session) => session.decode(tokensOf(model, sampleText, 8), 0, {layerSimilarity: true}), other),
    );
    expect([...similarity.layerSimilarity!].every((value) => value > -1 && value <= 1)).toBe(true);
});

it("are not claimed of a model that adds its feed-forward beside the attention", async () => {
    const hasNo = (tensor: string) => tensor.endsWith("ffn_norm.weight");
    const {layerSimilarity, logits} = await withArchitecture("command-r", {hasNo}, async (other) =>
        inSession(
            (session) => session.decode(tokensOf(model, sampleText, 8), 0, {layerSimilarity: true, logits: "last"}),
            other,
        ),
    );
    expect([...layerSimilarity!].every((value) => Number.isNaN(value))).toBe(true);
    expect(logits!.every(Number.isFinite)).toBe(true);
});

/** The small model's weights as another architecture's. */
async function withArchitecture<T>(
    name: string,
    patch: {hasNo?: (tensor: string) => boolean},
    work: (context: NativeContext) => Promise<T>,
): Promise<T> {
    const modelPath = path.join(folder, `${name}.gguf`);
    patchGguf(smallModelPath, modelPath, {
        ...patch,
        rename: (key) => key.replace(/^llama\./, `${name}.`),
        set: {
            "general.architecture": {type: "string", value: name},
            [`${name}.attention.layer_norm_epsilon`]: {type: "f32", value: 1e-5},
        },
    });
    const other = await loadSmallModel(modelPath);
    const {context: own} = await openContext(other);
    try {
        return await work(own);
    } finally {
        await own.close();
        await other.dispose();
    }
}

/** Mean cosine by layer. @param attention what each layer's attention returned, [nTokens, width] */
async function similarities(tokens: Uint32Array, attention: readonly Float32Array[]): Promise<number[]> {
    const file = await WeightFile.open(smallModelPath);
    const states = [...tokens].map((token) => file.row("token_embd.weight", token));
    const width = states[0]!.length;
    const found = attention.map((outputs, layer) => {
        const weight = (name: string) => file.rows(`blk.${layer}.${name}.weight`);
        const [wo, gate, up, down] = ["attn_output", "ffn_gate", "ffn_up", "ffn_down"].map(weight);
        const scale = weight("ffn_norm")[0]!;
        let sum = 0;
        states.forEach((state, t) => {
            const own = Float64Array.from(outputs.subarray(t * width, (t + 1) * width));
            const after = times(wo!, own).map((x, i) => x + state[i]!);
            sum += dot(state, after) / Math.sqrt(dot(state, state) * dot(after, after));
            const rms = Math.sqrt(dot(after, after) / width + 1e-5);
            const normed = after.map((x, i) => (x / rms) * scale[i]!);
            const open = times(gate!, normed).map((x) => x / (1 + Math.exp(-x)));
            const inner = times(up!, normed).map((x, i) => x * open[i]!);
            states[t] = times(down!, inner).map((x, i) => x + after[i]!);
        });
        return sum / states.length;
    });
    file.close();
    return found;
}

function dot(a: Float64Array, b: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
    return sum;
}

function times(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
    return Float64Array.from(matrix, (row) => dot(row, vector));
}

/** The small model's tensors in doubles: f32 (type 0), q4_1 (type 3) and q8_0 (type 8), the last two in blocks of 32. */
class WeightFile {
    private constructor(
        private readonly file: number,
        private readonly tensors: NonNullable<GgufFileInfo["fullTensorInfo"]>,
    ) {}

    static async open(modelPath: string): Promise<WeightFile> {
        const {fullTensorInfo} = await readGgufFileInfo(modelPath, {readTensorInfo: true});
        return new WeightFile(openSync(modelPath, "r"), fullTensorInfo!);
    }

    close(): void {
        closeSync(this.file);
    }

    row(name: string, at: number): Float64Array {
        return this.#read(name, at, 1)[0]!;
    }

    rows(name: string): Float64Array[] {
        return this.#read(name, 0, Number(this.#tensor(name).dimensions[1] ?? 1));
    }

    #tensor(name: string) {
        return this.tensors.find((tensor) => tensor.name === name)!;
    }

    #read(name: string, from: number, n: number): Float64Array[] {
        const {ggmlType, dimensions, fileOffset} = this.#tensor(name);
        const width = Number(dimensions[0]);
        const rowBytes = ({0: 128, 3: 20, 8: 34}[ggmlType as number]! * width) / 32;
        const raw = Buffer.alloc(n * rowBytes);
        readSync(this.file, raw, 0, raw.length, Number(fileOffset) + from * rowBytes);
        return Array.from({length: n}, (_, at) => numbers(raw.subarray(at * rowBytes), ggmlType, width));
    }
}

function numbers(raw: Buffer, ggmlType: number, width: number): Float64Array {
    if (ggmlType === 0) return Float64Array.from({length: width}, (_, i) => raw.readFloatLE(4 * i));
    const values = new Float64Array(width);
    for (let block = 0; block < width / 32; block++) {
        const at = block * (ggmlType === 3 ? 20 : 34);
        const scale = half(raw.readUInt16LE(at));
        const least = ggmlType === 3 ? half(raw.readUInt16LE(at + 2)) : 0;
        for (let i = 0; i < 32; i++) {
            const pair = raw[at + 4 + (i & 15)]!;
            const whole = ggmlType === 8 ? raw.readInt8(at + 2 + i) : i < 16 ? pair & 15 : pair >> 4;
            values[32 * block + i] = scale * whole + least;
        }
    }
    return values;
}

/** Of the bits of an f16. */
function half(bits: number): number {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits & 0x8000 ? -size : size;
}
