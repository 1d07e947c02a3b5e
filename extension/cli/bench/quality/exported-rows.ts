/**
 * Rows of a session as numbers, for policies whose scores the device does not compute, and for facts about a model's
 * heads. The laboratory's slow road.
 */
import {retrievalScores} from "../../../core/policy/retrieval-heads.js";
import type {ExportedRows} from "../../../core/policy/exported-scores.js";
import type {RopeSpec} from "../../../core/policy/expected-attention.js";
import {seededRandom} from "../../../core/fidelity/random.js";
import type {CapturedLayer, NativeSession} from "../../../engine/native/native.js";
import type {LoadedModel} from "../../../engine/model/loaded-model.js";
import type {Bed} from "./bed.js";

/** What was asked of attention, batch by batch, all layers. */
export type Captured = {nTokens: number; layers: CapturedLayer[]}[];

/** Rows of the prefix and of all live tokens. @param nTokens tokens of the file, the first of the live ones */
export async function exportRows(
    {context, prefix}: Bed,
    session: NativeSession,
    nTokens: number,
    captured: Captured | undefined,
): Promise<ExportedRows> {
    const {nKvHeads, headDim} = context.shape;
    const layers = context.globalLayers;
    const {nLive} = await session.state();
    const perHead = (prefix.nTokens + nLive) * headDim;
    const keys = new Float32Array(layers.length * nKvHeads * perHead);
    const values = new Float32Array(keys.length);
    for (const [i, layer] of layers.entries()) {
        for (let head = 0; head < nKvHeads; head++) {
            const {k, v} = await session.exportRows(layer, head);
            keys.set(k, (i * nKvHeads + head) * perHead);
            values.set(v, (i * nKvHeads + head) * perHead);
        }
    }
    return {
        shape: context.cutShape,
        nQueryHeads: context.shape.nHeads,
        prefixTokens: prefix.nTokens,
        nTokens,
        queries: captured && queriesOf(captured, layers, context.shape.nHeads, headDim),
        firstQuery: prefix.nTokens + nLive - (captured?.reduce((sum, batch) => sum + batch.nTokens, 0) ?? nLive),
        keys,
        values,
        scale: 1 / Math.sqrt(headDim),
    };
}

/** From batches of [nTokens, nHeads, headDim] per layer to [layers, nHeads, nTokens, headDim]. */
function queriesOf(captured: Captured, layers: readonly number[], nHeads: number, headDim: number): Float32Array {
    const nTokens = captured.reduce((sum, batch) => sum + batch.nTokens, 0);
    const queries = new Float32Array(layers.length * nHeads * nTokens * headDim);
    let first = 0;
    for (const batch of captured) {
        for (const [i, layer] of layers.entries()) {
            const {queries: from} = batch.layers[layer]!;
            for (let token = 0; token < batch.nTokens; token++) {
                for (let head = 0; head < nHeads; head++) {
                    const at = (token * nHeads + head) * headDim;
                    const to = ((i * nHeads + head) * nTokens + first + token) * headDim;
                    queries.set(from.subarray(at, at + headDim), to);
                }
            }
        }
        first += batch.nTokens;
    }
    return queries;
}

/** Random tokens that are repeated to see which heads look back; more of them move the scores by hundredths. */
const nRandomTokens = 128;

/** Retrieval score of each KV head, [layer][KV head]: what `headkv` and `razor` share by. */
export async function measureRetrieval(bed: Bed, nVocab: number): Promise<number[][]> {
    const random = seededRandom(1);
    const tokens = Uint32Array.from({length: nRandomTokens}, () => Math.floor(random() * nVocab));
    const {context, prefix} = bed;
    const session = await context.newSession();
    try {
        const parts = [{segment: prefix.native, isAdjacent: true}];
        await context.withRoom(() => session.compose(parts, 2 * nRandomTokens));
        await session.decode(tokens, prefix.nTokens);
        const {captured} = await session.decode(tokens, prefix.nTokens + nRandomTokens, {capture: true});
        return retrievalScores(
            await exportRows(bed, session, nRandomTokens, [{nTokens: nRandomTokens, layers: captured!}]),
        );
    } finally {
        session.dispose();
    }
}

/** Architectures whose rotation llama.cpp lays out in one way or the other; of others expected attention is not computed. */
const layouts: Record<string, RopeSpec["layout"]> = {
    llama: "interleaved",
    qwen2: "neox",
    qwen3: "neox",
    gemma: "neox",
    gemma2: "neox",
    phi3: "neox",
    starcoder2: "neox",
};

/** How the model rotates keys and queries; undefined when it is not the plain form. */
export function ropeOf({model}: LoadedModel, headDim: number, firstPosition: number): RopeSpec | undefined {
    const {metadata} = model.fileInfo;
    const layout = layouts[String(metadata.general.architecture)];
    const rope = model.fileInfo.architectureMetadata.rope as
        {dimension_count?: number; freq_base?: number; scaling?: {type?: string}} | undefined;
    const scaling = rope?.scaling?.type ?? "none";
    if (layout === undefined || scaling !== "none") return undefined;
    const nDimensions = rope?.dimension_count ?? headDim;
    const base = rope?.freq_base ?? 10_000;
    const frequencies = Array.from({length: nDimensions / 2}, (_, i) => base ** ((-2 * i) / nDimensions));
    return {frequencies, layout, firstPosition};
}
