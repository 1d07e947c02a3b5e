/**
 * What runs over one target say: decodes it behind different rows and compares the predictions. Figures of a run are
 * computed while the next one is decoded, so that neither waits for the other.
 */
import type {CutFigures, Likelihood} from "../../../core/fidelity/measurements.js";
import {compare, negativeLogLikelihoods, referenceOf, type Reference} from "../../../core/fidelity/predictions.js";
import {mean} from "../../../core/fidelity/statistics.js";
import type {NativePart} from "../../../engine/native/native.js";
import type {Bed} from "./bed.js";

export interface Target {
    tokens: Uint32Array;
    /** 1 for tokens of shared identifiers. */
    marks: Uint8Array;
    firstPosition: number;
    /** Index of the first token that counts; by default the second: the first one has nothing to be predicted from. */
    scoredFrom?: number;
}

interface Run {
    nll: number[];
    kl: number[];
    agrees: number[];
}

export class TargetFigures {
    readonly #references: Reference[] = [];
    /** Computes what the last decode yielded. */
    #waiting: (() => void) | undefined;

    constructor(
        readonly target: Target,
        readonly nVocab: number,
    ) {}

    /** The uncut run in f16: must come first. */
    async reference(bed: Bed, parts: readonly NativePart[]): Promise<Likelihood> {
        const nll: number[] = [];
        await this.#decode(bed, parts, (logits, next) => {
            const reference = referenceOf(logits, this.nVocab, next);
            this.#references.push(reference);
            nll.push(...reference.nll);
        });
        this.#compute();
        return this.#likelihood(nll);
    }

    /** A run whose likelihoods alone matter. */
    async likelihood(bed: Bed, parts: readonly NativePart[]): Promise<Likelihood> {
        const nll: number[] = [];
        await this.#decode(bed, parts, (logits, next) => {
            nll.push(...negativeLogLikelihoods(logits, this.nVocab, next));
        });
        this.#compute();
        return this.#likelihood(nll);
    }

    /** @returns a function to call when all runs are done (finish()) */
    async compared(bed: Bed, parts: readonly NativePart[]): Promise<() => Omit<CutFigures, "bytes">> {
        const run: Run = {nll: [], kl: [], agrees: []};
        await this.#decode(bed, parts, (logits, next, batch) => {
            const {nll, kl, agrees} = compare(logits, this.nVocab, next, this.#references[batch]!);
            run.nll.push(...nll);
            run.kl.push(...kl);
            run.agrees.push(...agrees);
        });
        const scored = (values: readonly number[]) => values.slice((this.target.scoredFrom ?? 1) - 1);
        return () => ({
            nll: this.#likelihood(run.nll),
            kl: mean(scored(run.kl)),
            top1: mean(scored(run.agrees)),
        });
    }

    /** Computes what is left. */
    finish(): void {
        this.#compute();
    }

    async #decode(
        bed: Bed,
        parts: readonly NativePart[],
        use: (logits: Float32Array, next: Uint32Array, batch: number) => void,
    ): Promise<void> {
        const {tokens, firstPosition} = this.target;
        let batch = 0;
        await bed.decodeTarget(parts, tokens, firstPosition, async (decoding, at, n) => {
            this.#compute();
            const logits = await decoding;
            const index = batch++;
            // The last token of the target has no successor.
            const next = tokens.subarray(at + 1, Math.min(tokens.length, at + n + 1));
            this.#waiting = () => use(logits, next, index);
        });
    }

    #compute(): void {
        const work = this.#waiting;
        this.#waiting = undefined;
        work?.();
    }

    /** @param nll of the second token and those behind it */
    #likelihood(nll: readonly number[]): Likelihood {
        const {marks, scoredFrom = 1} = this.target;
        const scored = nll.slice(scoredFrom - 1);
        const marked = scored.filter((_, i) => marks[i + scoredFrom] === 1);
        return {identifiers: marked.length === 0 ? undefined : mean(marked), all: mean(scored)};
    }
}
