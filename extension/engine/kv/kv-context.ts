/**
 * One native context and the memory around it: where every allocation that meets the limit makes room by letting
 * least recently used segments go, and tries again. Maps native failures to coded errors.
 */
import {KvasirError, toKvasirError, type KvasirErrorCode} from "../../protocol/errors.js";
import type {KeepLists, KvShape} from "../../core/policy/head-rows.js";
import type {LoadedModel} from "../model/loaded-model.js";
import type {ContextShape, NativeContext, NativeSession, RowType} from "../native/native.js";

export interface KvContextOptions {
    model: LoadedModel;
    rowType: RowType;
    nThreads: number;
    /** Hard limit of all KV memory. */
    limitBytes: number;
    /** Tokens computed at a time. */
    nBatch?: number;
}

export interface KvMemory {
    limitBytes: number;
    usedBytes: number;
    peakBytes: number;
}

export class KvContext {
    /** Lets one resident segment go; false when nothing more may go. Set by whoever owns them. */
    evictOne: () => boolean = () => false;

    private constructor(
        readonly native: NativeContext,
        readonly shape: ContextShape,
        readonly nBatch: number,
        readonly rowType: RowType,
    ) {}

    /** @throws KvasirError `model-unsupported`, `out-of-memory`, `kv-limit` */
    static async open(options: KvContextOptions): Promise<KvContext> {
        const {model, rowType, nThreads, limitBytes, nBatch = batchTokens(model)} = options;
        const native = new model.addon.Context(model.handle, {nBatch, nThreads, rowType, budgetBytes: limitBytes});
        try {
            return new KvContext(native, await native.open(), nBatch, rowType);
        } catch (error) {
            throw nativeError(error);
        }
    }

    /** Layers that see everything: only their rows are chosen and kept, a sliding window keeps itself. */
    get globalLayers(): number[] {
        return this.shape.windows.flatMap((window, layer) => (window === 0 ? [layer] : []));
    }

    /** Shape of what is cut: the layers that see everything. */
    get cutShape(): KvShape {
        return {...this.shape, nLayers: this.globalLayers.length};
    }

    /** Values of those layers alone, from values of all layers of `perLayer` numbers each. */
    ofGlobalLayers(values: Float32Array, perLayer: number): Float32Array {
        if (this.globalLayers.length === this.shape.nLayers) return values;
        const picked = new Float32Array(this.globalLayers.length * perLayer);
        this.globalLayers.forEach((layer, i) =>
            picked.set(values.subarray(layer * perLayer, (layer + 1) * perLayer), i * perLayer),
        );
        return picked;
    }

    /** One number per (layer, KV head) of all layers from those of the layers that see everything; 0 for the others. */
    markAllLayers(marks: Uint8Array): Uint8Array {
        const {nLayers, nKvHeads} = this.shape;
        const all = new Uint8Array(nLayers * nKvHeads);
        this.globalLayers.forEach((layer, i) =>
            all.set(marks.subarray(i * nKvHeads, (i + 1) * nKvHeads), layer * nKvHeads),
        );
        return all;
    }

    /** Keep lists of all layers from those of the layers that see everything: windows keep nothing of a file. */
    overAllLayers(keep: KeepLists): KeepLists {
        const {nLayers, nKvHeads} = this.shape;
        const all: KeepLists = Array.from({length: nLayers * nKvHeads}, () => new Uint32Array(0));
        this.globalLayers.forEach((layer, i) => {
            for (let head = 0; head < nKvHeads; head++) all[layer * nKvHeads + head] = keep[i * nKvHeads + head]!;
        });
        return all;
    }

    /** (layer, KV head) pairs. */
    get nRegions(): number {
        return this.shape.nLayers * this.shape.nKvHeads;
    }

    /** Bytes of all rows of one token, uncut, in the row type of this context. */
    get bytesPerToken(): number {
        return this.nRegions * this.shape.rowBytes * 2;
    }

    /** The same in f16, the yardstick of every report. */
    get fullBytesPerToken(): number {
        return this.nRegions * this.shape.headDim * 2 * 2;
    }

    memory(): KvMemory {
        return this.native.memory();
    }

    newSession(): Promise<NativeSession> {
        return this.withRoom(() => this.native.newSession());
    }

    /**
     * Runs native work that may need memory. When the limit says no, residents go one by one until it fits.
     * @throws KvasirError `kv-limit` when what may not go leaves too little room; `cancelled`; `out-of-memory`
     */
    async withRoom<T>(work: () => Promise<T>): Promise<T> {
        for (;;) {
            try {
                return await work();
            } catch (error) {
                const coded = nativeError(error);
                if ((coded.code !== "kv-limit" && coded.code !== "out-of-memory") || !this.evictOne()) throw coded;
            }
        }
    }

    /**
     * Runs native work that ends within one layer when the signal fires. Only one such work runs at a time.
     * @throws KvasirError `cancelled`
     */
    async cancellable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
        if (signal === undefined) return this.withRoom(work);
        if (signal.aborted) throw cancelledError();
        const cancel = () => this.native.cancel();
        signal.addEventListener("abort", cancel, {once: true});
        try {
            return await this.withRoom(work);
        } finally {
            signal.removeEventListener("abort", cancel);
            if (signal.aborted) this.native.clearCancel();
        }
    }

    async close(): Promise<void> {
        await this.native.close();
    }
}

/**
 * Tokens computed at a time. 512 is llama.cpp's own default, and large enough that matrix products are at their best. CUDA's
 * are computed so soon that what every batch costs besides (its input, the wait for its end) counts: twice as many.
 */
export function batchTokens({backend}: Pick<LoadedModel, "backend">): number {
    return backend === "cuda" ? 1024 : 512;
}

export function cancelledError(): KvasirError {
    return new KvasirError("cancelled", "the work was cancelled.");
}

const wayOut: Partial<Record<KvasirErrorCode, string>> = {
    "kv-limit": "Raise --kv-mib, lower --budget, or ask over fewer files.",
    "out-of-memory": "Lower --kv-mib, choose a smaller model, or offload fewer layers.",
};

/** An error of the addon, which carries a code and a sentence, as a KvasirError. */
export function nativeError(error: unknown): KvasirError {
    const code = (error as {code?: unknown}).code;
    if (error instanceof Error && error.name !== "KvasirError" && typeof code === "string" && code in nativeCodes)
        return new KvasirError(code as KvasirErrorCode, `${error.message}.`, {
            fix: wayOut[code as KvasirErrorCode],
            cause: error,
        });
    return toKvasirError(error);
}

const nativeCodes: Partial<Record<KvasirErrorCode, true>> = {
    "kv-limit": true,
    "out-of-memory": true,
    "model-unsupported": true,
    "addon-mismatch": true,
    usage: true,
    cancelled: true,
    internal: true,
};
