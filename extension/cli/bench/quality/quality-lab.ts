/** What measuring needs of a model: beds, tokenizer, head profile. Made in order, freed at the end. */
import {freemem} from "node:os";
import path from "node:path";
import {filePositions, replayHeader} from "../../../core/layout/chat-layout.js";
import {parseHeadProfile, type HeadProfile} from "../../../core/policy/head-profile.js";
import {policyNeeds} from "../../../core/policy/policy.js";
import {calibrate, calibrationPieces, calibrationTokens} from "../../../engine/kv/calibrate.js";
import {HeadProfiles} from "../../../engine/kv/head-profiles.js";
import {Reader} from "../../../engine/kv/reader.js";
import {ChatFormat} from "../../../engine/model/chat-format.js";
import {LoadedModel} from "../../../engine/model/loaded-model.js";
import type {EngineSettings} from "../../../protocol/engine.js";
import {modelUnsupported, usage} from "../../../protocol/errors.js";
import {tokenFiles} from "../bench-files.js";
import {Bed} from "./bed.js";
import {measureRetrieval, ropeOf} from "./exported-rows.js";
import type {EvidencePlan} from "./file-evidence.js";
import {showsSimilarity} from "./file-similarity.js";
import type {Tokenizer} from "./prepared-sample.js";
import type {PlannedCut} from "./quality-flags.js";

/** A list of tokens as node-llama-cpp takes it. */
type TokenList = Parameters<LoadedModel["model"]["detokenize"]>[0];

export interface LabOptions {
    settings: EngineSettings;
    /** Of the pairs; undefined for the product's own layout. */
    prefix: string | undefined;
    /** File of a head profile to use instead of the model's own. */
    profile: {path: string; text: string} | undefined;
    /** Folder to measure a head profile on instead. */
    calibrateOn: string | undefined;
    signal: AbortSignal;
    say: (what: string) => void;
}

/** A policy that cannot be measured here. */
export interface MissingPolicy {
    policy: string;
    why: string;
}

export class QualityLab implements Tokenizer {
    private constructor(
        readonly model: LoadedModel,
        /** In the row type that is measured. */
        readonly bed: Bed,
        /** In f16; the same one when that is measured. */
        readonly referenceBed: Bed,
        private readonly options: LabOptions,
        readonly profile: HeadProfile | undefined,
    ) {}

    /** @throws KvasirError of loading, and `profile-mismatch` for a profile of another model */
    static async open(options: LabOptions): Promise<QualityLab> {
        const {settings, signal, say} = options;
        const model = await LoadedModel.load({
            settings,
            signal,
            onProgress: (share) => say(`loading the model ${Math.floor(share * 100)} %`),
        });
        const beds: Bed[] = [];
        try {
            if (model.description.unsupported !== "") throw modelUnsupported(model.path, model.description.unsupported);
            const prefix = await prefixTokens(model, options.prefix);
            const rowTypes = settings.rowType === "f16" ? (["f16"] as const) : ([settings.rowType, "f16"] as const);
            const limitBytes = Math.floor((await limitOf(settings, model)) / rowTypes.length);
            for (const rowType of rowTypes) {
                beds.push(await Bed.open({model, rowType, nThreads: settings.threads, limitBytes, prefix, signal}));
            }
            const bed = beds[0]!;
            return new QualityLab(model, bed, beds.at(-1)!, options, await findProfile(model, bed, options));
        } catch (error) {
            for (const bed of beds) await bed.close();
            await model.dispose();
            throw error;
        }
    }

    get nVocab(): number {
        return this.model.description.nVocab;
    }

    get window(): number {
        return this.model.description.window;
    }

    get filePositions(): number {
        return filePositions(this.window);
    }

    tokenize(text: string): Uint32Array {
        return Uint32Array.from(this.model.model.tokenize(text));
    }

    detokenize(tokens: Uint32Array, behind: Uint32Array): string {
        return this.model.model.detokenize([...tokens] as unknown as TokenList, false, [
            ...behind,
        ] as unknown as TokenList);
    }

    /** The cuts that can be made here, and why not the others. */
    async possible(cuts: readonly PlannedCut[]): Promise<{cuts: PlannedCut[]; missing: MissingPolicy[]}> {
        const isSimilarityAsked = cuts.some(({composition}) => policyNeeds(composition).layerSimilarity);
        const hasSimilarity = isSimilarityAsked && (await showsSimilarity(this.bed));
        const missing = new Map<string, string>();
        const possible = cuts.filter(({policy, composition}) => {
            const needs = policyNeeds(composition);
            const why =
                (needs.profile || needs.retrieval) && this.profile === undefined
                    ? "the model has no head profile: run `kvasir calibrate` on files that are not among the pairs, or use --calibrate-on PATH"
                    : needs.layerSimilarity && !hasSimilarity
                      ? "it shares by the similarity of hidden states before and after attention, and llama.cpp's graph of this model never holds the state behind attention alone"
                      : composition.evidence.kind === "expected" && this.#rope === undefined
                        ? "how this model rotates its heads is not known"
                        : undefined;
            if (why !== undefined) missing.set(policy, why);
            return why === undefined;
        });
        return {cuts: possible, missing: [...missing].map(([policy, why]) => ({policy, why}))};
    }

    /** What reading a file takes, and the profile with the facts that some of the cuts share by. */
    async plan(cuts: readonly PlannedCut[]): Promise<EvidencePlan & {profile: HeadProfile | undefined}> {
        const needsRetrieval = cuts.some(({composition}) => policyNeeds(composition).retrieval);
        let {profile} = this;
        if (needsRetrieval && profile !== undefined && profile.retrieval === undefined) {
            this.options.say("measuring which heads retrieve");
            profile = {...profile, retrieval: await measureRetrieval(this.bed, this.nVocab)};
        }
        return {cuts, replayHeader: this.tokenize(replayHeader), rope: this.#rope, profile};
    }

    get #rope() {
        return ropeOf(this.model, this.bed.context.shape.headDim, this.bed.prefix.nTokens);
    }

    async close(): Promise<void> {
        await this.bed.close();
        if (this.referenceBed !== this.bed) await this.referenceBed.close();
        await this.model.dispose();
    }
}

/** A given prefix may hold the model's special tokens, and begins with BOS where the model wants it. */
async function prefixTokens({model}: LoadedModel, prefix: string | undefined): Promise<Uint32Array> {
    if (prefix === undefined) return (await ChatFormat.of(model)).prefix;
    const tokens = model.tokenize(prefix, true);
    const {bos, shouldPrependBosToken} = model.tokens;
    // Without any row before it a file's first token would have to be everybody's sink.
    const wantsBos = bos !== null && tokens[0] !== bos && (shouldPrependBosToken || tokens.length === 0);
    if (tokens.length === 0 && bos === null) throw usage("the prefix of the pairs is empty, and the model has no BOS.");
    return Uint32Array.from(wantsBos ? [bos, ...tokens] : tokens);
}

async function findProfile(
    model: LoadedModel,
    bed: Bed,
    {settings, profile, calibrateOn, signal, say}: LabOptions,
): Promise<HeadProfile | undefined> {
    const {nLayers, nKvHeads} = bed.context.cutShape;
    const expected = {modelHash: model.hash, nLayers, nKvHeads};
    if (profile !== undefined) return parseHeadProfile(profile.text, profile.path, expected);
    if (calibrateOn !== undefined) return calibrateOnFolder(model, bed, calibrateOn, signal, say);
    const profiles = new HeadProfiles(path.join(settings.cacheDir, "profiles"), (_, message) => say(message));
    return (await profiles.find(expected))?.profile;
}

/** A head profile of the beginnings of a folder's longest files, as `kvasir calibrate` measures it; not kept. */
async function calibrateOnFolder(
    {model, hash}: LoadedModel,
    bed: Bed,
    folder: string,
    signal: AbortSignal,
    say: (what: string) => void,
): Promise<HeadProfile> {
    const tokenize = (text: string) => Uint32Array.from(model.tokenize(text));
    const files = await tokenFiles(folder, tokenize, signal);
    const pieces = files
        .map(({tokens}) => tokens)
        .sort((a, b) => b.length - a.length)
        .slice(0, calibrationPieces)
        .map((tokens) => tokens.subarray(0, calibrationTokens));
    if (pieces.length === 0) throw usage(`there is no file to calibrate on in ${folder}.`);
    return calibrate(new Reader(bed.context, bed.prefix), {
        modelHash: hash,
        format: bed.context.rowType,
        pieces,
        replayHeader: tokenize(replayHeader),
        signal,
        onBatch: (share) => say(`measuring the head profile ${Math.floor(share * 100)} %`),
    });
}

const mib = 2 ** 20;

/** What was asked for, else a share of what is free: uncut segments stay for pairs that share files. */
async function limitOf(settings: EngineSettings, model: LoadedModel): Promise<number> {
    if (settings.kvMib !== undefined) return settings.kvMib * mib;
    const vram = await model.vram();
    if (vram === undefined) return Math.max(512 * mib, Math.min(4096 * mib, Math.floor(freemem() / 3)));
    return Math.max(512 * mib, Math.min(16_384 * mib, Math.floor((vram.free - 1024 * mib) * 0.7)));
}
