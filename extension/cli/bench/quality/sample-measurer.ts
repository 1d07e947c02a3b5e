/** Measures one sample: reads its context files, cuts them by every policy, and decodes the target behind each. */
import {LRUCache} from "lru-cache";
import {cut} from "../../../core/policy/cut.js";
import type {HeadProfile} from "../../../core/policy/head-profile.js";
import {isFull} from "../../../core/policy/policy.js";
import type {KeepLists} from "../../../core/policy/head-rows.js";
import type {FilePlace, PairFigures} from "../../../core/fidelity/measurements.js";
import {flatten} from "../../../engine/kv/segment.js";
import type {NativePart, NativeSegment} from "../../../engine/native/native.js";
import {readFileEvidence, scoreKey, type EvidencePlan, type FileEvidence} from "./file-evidence.js";
import type {PlannedCut} from "./quality-flags.js";
import type {QualityLab} from "./quality-lab.js";
import type {PreparedSample} from "./prepared-sample.js";
import {TargetFigures} from "./target-figures.js";

/** Uncut segments of a file in both row types, with what cuts are made from. */
export interface ReadFile extends FileEvidence {
    reference: NativeSegment;
}

export interface MeasurerOptions {
    plan: EvidencePlan & {profile: HeadProfile | undefined};
    places: readonly FilePlace[];
    /** Tokens decoded since the last call, those that need not be decoded again included. */
    onTokens: (nTokens: number) => void;
    /** Decodes that reading one file takes. */
    nReads: number;
}

export class SampleMeasurer {
    /** Files that other samples have too are read once. */
    readonly #files: LRUCache<string, ReadFile>;
    /** Files of the sample under way: they may not go. */
    readonly #inUse = new Set<ReadFile>();

    constructor(
        readonly lab: QualityLab,
        readonly options: MeasurerOptions,
    ) {
        const limit = lab.bed.context.memory().limitBytes;
        this.#files = new LRUCache({
            maxSize: Math.max(1, Math.floor(limit / 3)),
            sizeCalculation: ({uncut}) => Math.max(1, uncut.bytes()),
            dispose: (file) => {
                if (!this.#inUse.has(file)) disposeOf(file);
            },
        });
        for (const {context} of [lab.bed, lab.referenceBed]) context.evictOne = () => this.#files.pop() !== undefined;
    }

    async measure(sample: PreparedSample): Promise<PairFigures[]> {
        try {
            const files: ReadFile[] = [];
            for (const {path, text, tokens} of sample.contexts) {
                files.push(await this.read(`${path}\n${text}`, tokens));
                this.options.onTokens(tokens.length * this.options.nReads);
            }
            const figures: PairFigures[] = [];
            for (const place of this.options.places) figures.push(await this.#measureAt(place, sample, files));
            return figures;
        } finally {
            this.release();
        }
    }

    /** Keep lists of all layers: for showing what a policy keeps. */
    keep(file: FileEvidence, planned: PlannedCut): KeepLists {
        const {context} = this.lab.bed;
        const key = scoreKey(planned);
        return context.overAllLayers(
            cut({
                policy: planned.composition,
                budget: planned.budget,
                profile: this.options.plan.profile,
                nTokens: file.nTokens,
                shape: context.cutShape,
                scores: key === undefined ? undefined : file.scores.get(key),
                valueNorms: file.valueNorms,
                valueNormsL1: file.valueNormsL1,
                layerSimilarity: file.layerSimilarity,
            }),
        );
    }

    dispose(): void {
        this.release();
        this.#files.clear();
    }

    /** Files that were read may go from now on; those that are not kept for others go at once. */
    release(): void {
        for (const file of this.#inUse) if (!this.#isKept(file)) disposeOf(file);
        this.#inUse.clear();
    }

    /** A file's rows and evidence, held until `release`. */
    async read(key: string, tokens: Uint32Array): Promise<ReadFile> {
        const {bed, referenceBed} = this.lab;
        let file = this.#files.get(key);
        if (file === undefined) {
            const evidence = await readFileEvidence(bed, tokens, this.options.plan);
            file = {...evidence, reference: evidence.uncut};
            this.#inUse.add(file);
            if (referenceBed !== bed) file.reference = await referenceBed.readWhole(tokens);
            this.#files.set(key, file);
        }
        this.#inUse.add(file);
        return file;
    }

    #isKept(file: ReadFile): boolean {
        for (const kept of this.#files.values()) if (kept === file) return true;
        return false;
    }

    async #measureAt(place: FilePlace, sample: PreparedSample, files: readonly ReadFile[]): Promise<PairFigures> {
        const {bed, referenceBed, nVocab} = this.lab;
        const target = {tokens: sample.target, marks: sample.marks, firstPosition: sample.firstPosition[place]};
        const figures = new TargetFigures(target, nVocab);
        const parts = (segments: readonly NativeSegment[]): NativePart[] => {
            let before = 0;
            return segments.map((segment, i) => {
                const delta = before;
                before += files[i]!.nTokens;
                return place === "parallel" ? {segment} : {segment, delta};
            });
        };
        const done = (): void => this.options.onTokens(target.tokens.length);
        const uncut = await figures.reference(referenceBed, parts(files.map(({reference}) => reference)));
        done();
        const none = await figures.likelihood(referenceBed, []);
        done();
        const cuts: {result: Awaited<ReturnType<TargetFigures["compared"]>>; bytes: number}[] = [];
        for (const planned of this.options.plan.cuts) {
            const segments: NativeSegment[] = [];
            let nRows = 0;
            try {
                for (const file of files) {
                    const {counts, rows} = flatten(this.keep(file, planned));
                    nRows += rows.length;
                    segments.push(await bed.context.withRoom(() => file.uncut.select(counts, rows)));
                }
                const placed = parts(segments);
                // The same rows in another order: what is left between them and the reference is rounding.
                if (place === "parallel" && isFull(planned.composition)) placed.reverse();
                cuts.push({
                    result: await figures.compared(bed, placed),
                    bytes: nRows * bed.context.shape.rowBytes * 2,
                });
            } finally {
                for (const segment of segments) segment.dispose();
            }
            done();
        }
        figures.finish();
        const {nLayers, nKvHeads, headDim} = bed.context.cutShape;
        const nTokens = files.reduce((sum, file) => sum + file.nTokens, 0);
        return {
            path: sample.path,
            place,
            // K and V of two bytes a number.
            fullBytes: nTokens * nLayers * nKvHeads * headDim * 2 * 2,
            none,
            uncut,
            cuts: cuts.map(({result, bytes}) => ({...result(), bytes})),
        };
    }
}

function disposeOf({uncut, reference}: ReadFile): void {
    uncut.dispose();
    if (reference !== uncut) reference.dispose();
}
