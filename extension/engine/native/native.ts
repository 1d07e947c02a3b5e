/**
 * The whole surface of the native addon, typed by hand: what crosses between JavaScript and C++ is in this file.
 * Every method that returns a promise runs on the context's own thread, in the order of the calls; it rejects with an
 * `Error` whose `code` is one of the error codes of `protocol/errors.ts`.
 */

/** A model of node-llama-cpp (`LlamaModel._model`), opaque here. */
export type AddonModel = object;

export type RowType = "f16" | "q8_0" | "q4_0" | "f32";

export interface NativeAddon {
    /** llama.cpp release whose headers the addon was built with, for example "v0.5.0". */
    readonly llamaRelease: string;
    /** node-llama-cpp version whose model object the addon knows how to read. */
    readonly nodeLlamaCppVersion: string;
    /** Resolves llama.cpp's C API from library files that are loaded already (full paths). Rejects with `addon-mismatch`. */
    load(libraries: string[]): {llamaVersion: string};
    /**
     * From now on a crash in native code leaves the signal and a native stack in this file, which is emptied now. Needs
     * no load(). False where that is not possible (Windows).
     */
    reportCrashes(file: string): boolean;
    describeModel(model: AddonModel): ModelDescription;
    readonly Context: new (model: AddonModel, options: ContextOptions) => NativeContext;
    readonly Plain: new (model: AddonModel, options: PlainOptions) => NativePlain;
}

export interface ModelDescription {
    description: string;
    nLayers: number;
    nHeads: number;
    nKvHeads: number;
    /** Trained window in tokens. */
    window: number;
    /** Tokens that a sliding-window layer sees; 0 when the model has none. */
    slidingWindow: number;
    /** Bytes of the weights. */
    bytes: number;
    nVocab: number;
    /** Why the model cannot run through the seam; empty when it can, as far as can be told before a graph is built. */
    unsupported: string;
}

export interface ContextOptions {
    /** Tokens computed at a time: a multiple of 256. */
    nBatch: number;
    /** Threads of the CPU; 0 for all cores. */
    nThreads: number;
    rowType: RowType;
    /** Hard limit of all KV memory: segments, regions, reading workspace, compute buffers. */
    budgetBytes: number;
    /**
     * Which layers are computed inside llama.cpp's own graph, without a stop at their attention: `automatic` (default)
     * those whose heads are equally long, and on CUDA others for single tokens; `never`; `always`, wherever it is possible.
     */
    graft?: "automatic" | "never" | "always";
}

export interface ContextShape {
    nLayers: number;
    nHeads: number;
    nKvHeads: number;
    headDim: number;
    /** Bytes of one row of K (or V) of one KV head. */
    rowBytes: number;
    /** Tokens that each layer sees back; 0 for all. */
    windows: number[];
    devices: {name: string; isHost: boolean}[];
}

export interface NativeContext {
    open(): Promise<ContextShape>;
    /** Cancels what runs and frees the context; later calls reject. Must be awaited before the model is disposed of. */
    close(): Promise<void>;
    newSession(): Promise<NativeSession>;
    /** An empty segment to upload rows into. counts: rows per (layer, KV head), index layer * nKvHeads + head. */
    newSegment(counts: Uint32Array): Promise<NativeSegment>;
    /**
     * Appends tokens to several sessions in one batch, at most 8 sessions and nBatch tokens in all. No token sees another
     * session's. On failure all are as they were.
     * @returns for each part the logits behind its last token, [nVocab]; undefined where it asks for none
     */
    decodeTogether(parts: NativeDecodePart[]): Promise<(Float32Array | undefined)[]>;
    memory(): {limitBytes: number; usedBytes: number; peakBytes: number};
    setLimit(bytes: number): void;
    /** The batch under way, and all later ones, end with `cancelled` until `clearCancel()`. */
    cancel(): void;
    clearCancel(): void;
    /** A generation under way returns `yielded` after its next token. */
    yieldSoon(): void;
}

/** Kept rows of a file (part): per (layer, KV head) its own number of them. */
export interface NativeSegment {
    counts(): Uint32Array;
    /** Bytes on the device, alignment included. */
    bytes(): number;
    /** Bytes of the rows alone: layer by layer K rows of all heads, then V rows of all heads. */
    rowBytes(): number;
    /** The listed rows of each (layer, KV head) as a segment of its own. */
    select(counts: Uint32Array, rows: Uint32Array): Promise<NativeSegment>;
    download(offset: number, size: number): Promise<Buffer>;
    upload(offset: number, data: Buffer): Promise<void>;
    dispose(): void;
}

export interface NativePart {
    segment: NativeSegment;
    /** Positions by which the K rows are rotated further; 0 leaves them where they were read. */
    delta?: number;
    /** Stands right before the live rows: sliding windows see it, and no other part. */
    isAdjacent?: boolean;
}

export interface NativeScorePass {
    /** First scoring token, counted from the first token of the decode call. */
    offset: number;
    stride: number;
    /** One multiplier of the logits per scoring token; 1 is the model's own softmax. */
    weights: Float32Array;
    /** Positions by which the scoring tokens' queries are rotated further; above 0 they see every token of the decode call. */
    ahead?: number;
    /** By layer * nKvHeads + head, 1: it asks. Left out: all of them. */
    heads?: Uint8Array | undefined;
}

export interface CapturedLayer {
    /** [nTokens, nHeads, headDim], after RoPE. */
    queries: Float32Array;
    /** [nTokens, nHeads, headDim], what attention returned. */
    outputs: Float32Array;
}

export interface NativeDecodeOptions {
    logits?: "none" | "last" | "all";
    passes?: readonly NativeScorePass[];
    capture?: boolean;
    /** Whether to measure how little attention changes what passes through each layer (layer-similarity.h). */
    layerSimilarity?: boolean;
}

export interface NativeDecoded {
    /** [n, nVocab]. */
    logits?: Float32Array;
    captured?: CapturedLayer[];
    /**
     * Mean cosine over the tokens of the hidden states before and after each layer's attention, residual added, [nLayers];
     * NaN for a layer whose graph never holds the state behind attention alone.
     */
    layerSimilarity?: Float64Array;
}

/** What one session gets of a batch that several share. */
export interface NativeDecodePart {
    session: NativeSession;
    tokens: Uint32Array;
    firstPosition: number;
    logits?: "none" | "last";
    passes?: readonly NativeScorePass[] | undefined;
}

export interface NativeGenerateOptions {
    maxTokens: number;
    /** Goes on behind a generation that yielded: prompt and sampling options are those of then. */
    isResumed?: boolean;
    /** Positions at and behind this are not decoded: the trained window. */
    maxPosition: number;
    /** 0 is greedy. */
    temperature?: number;
    topK?: number;
    topP?: number;
    minP?: number;
    repeatPenalty?: number;
    repeatLastN?: number;
    seed?: number;
    /** GBNF. */
    grammar?: string;
    /** Tokens before the prompt that penalties should know. */
    history?: Uint32Array;
    /**
     * Text that the answer may repeat (files, then the whole prompt): drafts are looked up there and verified by the
     * model, several tokens at a time. Every token is still sampled from its own logits.
     */
    draftFrom?: Uint32Array;
}

export type StopReason = "endOfText" | "maxTokens" | "windowEnd" | "stopped" | "cancelled" | "yielded";

export interface NativeGenerateResult {
    tokens: Uint32Array;
    reason: StopReason;
    promptMs: number;
    firstTokenMs: number;
    totalMs: number;
    /** Batches decoded behind the prompt, tokens of drafts in them, and those that the model agreed to. */
    nSteps: number;
    nDrafted: number;
    nAccepted: number;
}

/** Regions of rows per (layer, KV head): base rows of segments, then live rows. */
export interface NativeSession {
    /** Replaces the base rows; live rows stay. @param nTokens makes room for so many more of them, as reserve() does */
    compose(parts: NativePart[], nTokens?: number): Promise<void>;
    reserve(nTokens: number): Promise<void>;
    /** Appends live rows. On failure the session is as it was. */
    decode(tokens: Uint32Array, firstPosition: number, options?: NativeDecodeOptions): Promise<NativeDecoded>;
    /**
     * Decodes the prompt, then samples. Rows of the prompt and of all generated tokens but the last stay live.
     * `onToken` may return false to stop; the next tokens may be on their way by then.
     */
    generate(
        prompt: Uint32Array,
        firstPosition: number,
        options: NativeGenerateOptions,
        onToken: (token: number) => boolean | void,
    ): Promise<NativeGenerateResult>;
    /** Forgets live rows from the n-th on. */
    truncate(nLive: number): Promise<void>;
    /** Takes the rows of a segment, equally many in every region, as the next live rows: as if decoded here. */
    extend(segment: NativeSegment): Promise<void>;
    /** Copies the listed live rows of each region into a segment. Lists lie one behind the other in `rows`. */
    gather(counts: Uint32Array, rows: Uint32Array): Promise<NativeSegment>;
    fork(): Promise<NativeSession>;
    /** From now on, tokens of score passes (and every generated token) add to the scores of the first nRows live rows. */
    startScores(nRows: number, over: "sum" | "max" | "norm"): Promise<void>;
    /**
     * Attention received by live rows, [nLayers, nHeads, nRows]; of `mean` or `max` over the query heads that share a KV
     * head, [nLayers, nKvHeads, nRows].
     */
    readScores(heads?: "each" | "mean" | "max"): Promise<Float32Array>;
    stopScores(): Promise<void>;
    /** ||V||^2 of the first nRows live rows: [nLayers, nKvHeads, nRows]. */
    valueNorms(nRows: number): Promise<Float32Array>;
    /** All rows of one region as f32, [length, headDim] each: for tests and for scores that need keys. */
    exportRows(layer: number, head: number): Promise<{k: Float32Array; v: Float32Array}>;
    /** lengths: rows per region; nLive: the same in all; bytes: of the regions. */
    state(): Promise<{lengths: Uint32Array; nLive: number; bytes: number}>;
    dispose(): void;
}

export interface PlainOptions {
    nCtx: number;
    nBatch: number;
    nThreads: number;
    rowType?: RowType;
    /** Whether llama.cpp gets one persistent thread pool; most programs do not give it one. */
    threadPool?: boolean;
}

/** llama.cpp as it is, with its own cache: the reference of tests and benches. */
export interface NativePlain {
    open(): Promise<void>;
    decode(tokens: Uint32Array, logits?: "none" | "last" | "all"): Promise<Float32Array | undefined>;
    clear(): Promise<void>;
    /** Repeats the cache's rows until there are at least nTokens, none at a new position: right for speed alone. */
    fill(nTokens: number): Promise<void>;
    /** Keeps a copy of the cache's rows. @returns bytes */
    save(): Promise<number>;
    /** Replaces the cache's rows by the saved ones. */
    restore(): Promise<void>;
    close(): Promise<void>;
}
