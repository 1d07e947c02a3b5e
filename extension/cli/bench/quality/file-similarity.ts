/**
 * How little attention changes a file's hidden states, layer by layer: what `squeeze` shares by. SqueezeAttention measures
 * its prompt in prefill, and here a file is the prompt: it is measured in the file's own read, before a question is known,
 * and never on a target.
 */
import type {KvContext} from "../../../engine/kv/kv-context.js";
import type {Bed} from "./bed.js";

/** The mean over the tokens of a file, gathered batch by batch. */
export class FileSimilarity {
    nTokens = 0;
    readonly #sums: Float64Array;

    constructor(private readonly context: KvContext) {
        this.#sums = new Float64Array(context.shape.nLayers);
    }

    /** @param means of a batch of n tokens, [nLayers] of all layers */
    add(means: Float64Array, n: number): void {
        means.forEach((mean, layer) => (this.#sums[layer]! += mean * n));
        this.nTokens += n;
    }

    /** @throws Error where the model's graph does not show it: whoever asks has to look first (showsSimilarity) */
    ofGlobalLayers(): Float64Array {
        const sums = Float64Array.from(this.context.globalLayers, (layer) => this.#sums[layer]!);
        if (sums.some(Number.isNaN)) throw new Error("a layer's states before and after attention were not found");
        return sums.map((sum) => sum / Math.max(1, this.nTokens));
    }
}

/** Enough for a batch that llama.cpp computes as it does a file's: from 32 on a GPU helps out layers of the CPU. */
const nProbed = 64;

/** Whether the model's graph holds its hidden states before and after every attention: seen in a few tokens. */
export async function showsSimilarity({context, prefix}: Bed): Promise<boolean> {
    const session = await context.newSession();
    try {
        await context.withRoom(() => session.reserve(nProbed));
        const tokens = new Uint32Array(nProbed).fill(prefix.tokens[0]!);
        const {layerSimilarity} = await session.decode(tokens, 0, {layerSimilarity: true});
        return context.globalLayers.every((layer) => Number.isFinite(layerSimilarity![layer]));
    } finally {
        session.dispose();
    }
}
