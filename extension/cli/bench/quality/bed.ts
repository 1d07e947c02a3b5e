/**
 * One native context with its prefix, in which files are read and targets decoded. Measurements have one in the row
 * type that is measured, and one in f16 to compare with when that is another.
 */
import {KvContext} from "../../../engine/kv/kv-context.js";
import {Prefix} from "../../../engine/kv/prefix.js";
import {flatten, keepAll} from "../../../engine/kv/segment.js";
import type {LoadedModel} from "../../../engine/model/loaded-model.js";
import type {NativePart, NativeSegment, NativeSession, RowType} from "../../../engine/native/native.js";

export interface BedOptions {
    model: LoadedModel;
    rowType: RowType;
    nThreads: number;
    limitBytes: number;
    prefix: Uint32Array;
    signal: AbortSignal;
}

export class Bed {
    /** Decodes targets, one behind the other: making a session for each would allocate its regions anew. */
    #session: NativeSession | undefined;

    private constructor(
        readonly context: KvContext,
        readonly prefix: Prefix,
        readonly signal: AbortSignal,
    ) {}

    static async open({prefix, signal, ...options}: BedOptions): Promise<Bed> {
        const context = await KvContext.open(options);
        try {
            return new Bed(context, await Prefix.make(context, prefix), signal);
        } catch (error) {
            await context.close();
            throw error;
        }
    }

    /** All rows of tokens that are live in a session, of the layers that see everything. */
    async gatherAll(session: NativeSession, nTokens: number): Promise<NativeSegment> {
        const {nLayers, nKvHeads} = this.context.cutShape;
        const {counts, rows} = flatten(this.context.overAllLayers(keepAll(nLayers * nKvHeads, nTokens)));
        return this.context.withRoom(() => session.gather(counts, rows));
    }

    /** Reads tokens alone behind the prefix and keeps every row. */
    async readWhole(tokens: Uint32Array): Promise<NativeSegment> {
        const session = await this.context.newSession();
        try {
            const parts = [{segment: this.prefix.native, isAdjacent: true}];
            await this.context.withRoom(() => session.compose(parts, tokens.length));
            for (let at = 0; at < tokens.length; at += this.context.nBatch) {
                const batch = tokens.subarray(at, at + this.context.nBatch);
                await this.context.cancellable(this.signal, () => session.decode(batch, this.prefix.nTokens + at));
            }
            return await this.gatherAll(session, tokens.length);
        } finally {
            session.dispose();
        }
    }

    /**
     * Decodes a target behind the prefix and the parts.
     * @param onBatch called while the next work is under way: `logits` of tokens [at, at + n), [n, nVocab]
     */
    async decodeTarget(
        parts: readonly NativePart[],
        tokens: Uint32Array,
        firstPosition: number,
        onLogits: (logits: Promise<Float32Array>, at: number, n: number) => Promise<void>,
    ): Promise<void> {
        const session = (this.#session ??= await this.context.newSession());
        await session.truncate(0);
        const all = [{segment: this.prefix.native}, ...parts];
        await this.context.withRoom(() => session.compose(all, tokens.length));
        for (let at = 0; at < tokens.length; at += this.context.nBatch) {
            const batch = tokens.subarray(at, at + this.context.nBatch);
            const decoded = this.context.cancellable(this.signal, () =>
                session.decode(batch, firstPosition + at, {logits: "all"}),
            );
            await onLogits(
                decoded.then(({logits}) => logits!),
                at,
                batch.length,
            );
        }
    }

    async close(): Promise<void> {
        this.#session?.dispose();
        this.prefix.dispose();
        await this.context.close();
    }
}
