/**
 * Which known files the model itself looks at from the text before a cursor, with the kept rows of all of them in reach:
 * a chooser to compare others with. Attention is computed here from exported keys and captured queries, in plain loops.
 */
import {profileShares, type HeadProfile} from "../../../core/policy/head-profile.js";
import type {NativePart, NativeSegment} from "../../../engine/native/native.js";
import type {Bed} from "../quality/bed.js";

export interface PageFile {
    path: string;
    segment: NativeSegment;
}

/** Heads that keep most rows are those that retrieve: this share of all heads is asked. */
const askedHeads = 1 / 3;
/** Of the text before the cursor its last tokens ask, one of every `queryStride`. */
const nQueryTokens = 64;
const queryStride = 4;
/** A file's first rows are sinks: they draw attention whatever the file says. */
const nSinks = 4;

interface AskedHead {
    layer: number;
    head: number;
    /** Rows of all files, [nRows, headDim]. */
    keys: Float32Array;
    /** Index of the file of each row; -1 for sinks. */
    files: Int32Array;
}

export class AttentionPages {
    private constructor(
        private readonly bed: Bed,
        private readonly files: readonly PageFile[],
        private readonly heads: readonly AskedHead[],
    ) {}

    /** @param files segments of one cut; they must outlive this */
    static async of(bed: Bed, files: readonly PageFile[], profile: HeadProfile | undefined): Promise<AttentionPages> {
        const {context, prefix} = bed;
        const {headDim, nKvHeads} = context.shape;
        const counts = files.map(({segment}) => segment.counts());
        const session = await context.newSession();
        try {
            await context.withRoom(() => session.compose(partsOf(bed, files)));
            const heads: AskedHead[] = [];
            for (const {layer, head} of headsToAsk(bed, profile)) {
                const {k} = await session.exportRows(layer, head);
                const perFile = counts.map((count) => count[layer * nKvHeads + head]!);
                const owners = perFile.flatMap((n, file) =>
                    Array.from({length: n}, (_, row) => (row < nSinks ? -1 : file)),
                );
                const keys = k.slice(prefix.nTokens * headDim, (prefix.nTokens + owners.length) * headDim);
                heads.push({layer, head, keys, files: Int32Array.from(owners)});
            }
            return new AttentionPages(bed, files, heads);
        } finally {
            session.dispose();
        }
    }

    /**
     * Paths of all files, the one that most attention goes to first.
     * @param own path of the file that is being written: the model does not see what is stored of it
     */
    async looksAt(own: string, before: Uint32Array, firstPosition: number): Promise<string[]> {
        const {bed, files, heads} = this;
        const {nHeads, nKvHeads, headDim} = bed.context.shape;
        const queries = await this.#queries(own, before, firstPosition);
        const left = files.findIndex(({path}) => path === own);
        const mass = new Float64Array(files.length);
        const perKvHead = nHeads / nKvHeads;
        for (const {layer, head, keys, files: owners} of heads) {
            bed.signal.throwIfAborted();
            for (const perLayer of queries) {
                for (let q = head * perKvHead; q < (head + 1) * perKvHead; q++) {
                    const query = perLayer[layer]!.subarray(q * headDim, (q + 1) * headDim);
                    addAttention(query, keys, owners, left, mass);
                }
            }
        }
        return files
            .map(({path}, file) => ({path, mass: mass[file]!}))
            .sort((a, b) => b.mass - a.mass || (a.path < b.path ? -1 : 1))
            .map(({path}) => path);
    }

    /** Queries of some tokens, [token][layer] of [nHeads, headDim]. */
    async #queries(own: string, before: Uint32Array, firstPosition: number): Promise<Float32Array[][]> {
        const {bed} = this;
        const files = this.files.filter(({path}) => path !== own);
        const {nHeads, headDim} = bed.context.shape;
        const nAsked = Math.min(nQueryTokens, before.length);
        const at = before.length - nAsked;
        const session = await bed.context.newSession();
        try {
            await bed.context.withRoom(() => session.compose(partsOf(bed, files)));
            await bed.context.withRoom(() => session.reserve(before.length));
            if (at > 0)
                await bed.context.cancellable(bed.signal, () => session.decode(before.subarray(0, at), firstPosition));
            const {captured} = await bed.context.cancellable(bed.signal, () =>
                session.decode(before.subarray(at), firstPosition + at, {capture: true}),
            );
            const tokens = Array.from(
                {length: Math.ceil(nAsked / queryStride)},
                (_, i) => nAsked - 1 - i * queryStride,
            );
            const width = nHeads * headDim;
            return tokens.map((token) =>
                captured!.map(({queries}) => queries.subarray(token * width, (token + 1) * width)),
            );
        } finally {
            session.dispose();
        }
    }
}

function partsOf({prefix}: Bed, files: readonly PageFile[]): NativePart[] {
    return [{segment: prefix.native}, ...files.map(({segment}) => ({segment}))];
}

/** Layers that see everything, by the model's head profile where there is one. */
function headsToAsk({context}: Bed, profile: HeadProfile | undefined): {layer: number; head: number}[] {
    const {nKvHeads} = context.shape;
    const shares = profile && profileShares(profile, 0.25);
    const all = context.globalLayers.flatMap((layer, i) =>
        Array.from({length: nKvHeads}, (_, head) => ({layer, head, share: shares?.[i * nKvHeads + head] ?? 0})),
    );
    if (shares === undefined) return all;
    return all.sort((a, b) => b.share - a.share).slice(0, Math.max(1, Math.round(all.length * askedHeads)));
}

/**
 * Adds one row of attention over the files' rows, softmax of q k / sqrt(d), to each file's mass.
 * @param files index of each row's file; rows below 0, and those of the file `left`, are not looked at
 */
export function addAttention(
    query: Float32Array,
    keys: Float32Array,
    files: Int32Array,
    left: number,
    mass: Float64Array,
): void {
    const dim = query.length;
    const logits = new Float64Array(files.length).fill(-Infinity);
    let highest = -Infinity;
    for (let row = 0; row < files.length; row++) {
        if (files[row]! < 0 || files[row] === left) continue;
        let dot = 0;
        for (let i = 0, at = row * dim; i < dim; i++, at++) dot += query[i]! * keys[at]!;
        logits[row] = dot / Math.sqrt(dim);
        highest = Math.max(highest, logits[row]!);
    }
    if (highest === -Infinity) return;
    let total = 0;
    for (let row = 0; row < files.length; row++) total += logits[row] = Math.exp(logits[row]! - highest);
    for (let row = 0; row < files.length; row++) if (logits[row]! > 0) mass[files[row]!]! += logits[row]! / total;
}
