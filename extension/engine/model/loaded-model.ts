/**
 * A model as node-llama-cpp has loaded it: backend, weights, tokenizer, facts. Turns everything that can go wrong
 * while loading into a coded error. Knows nothing of contexts and rows.
 */
import {stat} from "node:fs/promises";
import {freemem, totalmem} from "node:os";
import path from "node:path";
import type {Llama, LlamaModel} from "node-llama-cpp";
import {KvasirError, isKvasirError, modelBroken, modelTooLarge, modelUnsupported} from "../../protocol/errors.js";
import type {EngineSettings, ModelInfo} from "../../protocol/engine.js";
import {startLlama, type LlamaLog} from "./llama-backend.js";
import {loadAddon} from "../native/addon.js";
import type {AddonModel, ModelDescription, NativeAddon} from "../native/native.js";
import {ModelHasher, partsOf} from "../store/model-hash.js";

export interface LoadModelOptions {
    settings: Pick<EngineSettings, "modelPath" | "gpu" | "threads"> & Partial<Pick<EngineSettings, "cacheDir">>;
    hasher?: ModelHasher;
    /** Warnings and errors of llama.cpp and node-llama-cpp. */
    log?: LlamaLog;
    onProgress?: ((share: number) => void) | undefined;
    signal?: AbortSignal | undefined;
}

export class LoadedModel {
    readonly addon: NativeAddon;
    readonly description: ModelDescription;

    private constructor(
        readonly path: string,
        /** Hash of the weights: names head profiles and segments. */
        readonly hash: string,
        readonly llama: Llama,
        readonly model: LlamaModel,
    ) {
        this.addon = loadAddon();
        this.description = this.addon.describeModel(this.handle);
    }

    /**
     * @throws KvasirError `model-missing`, `model-broken`, `model-unsupported`, `model-too-large`, `addon-missing`,
     * `addon-mismatch`, `cancelled`
     */
    static async load({settings, hasher, log, onProgress, signal}: LoadModelOptions): Promise<LoadedModel> {
        const file = path.resolve(settings.modelPath);
        // llama.cpp's exceptions say less than what it logs before them.
        let complaint: string | undefined;
        const start = () =>
            startLlama(
                settings.gpu,
                (level, message) => {
                    if (level === "error") complaint ??= /error loading model: (.*)/.exec(message)?.[1];
                    log?.(level, message);
                },
                settings.cacheDir,
            );
        await checkSize(file, start);
        // Also says whether the file is there and is a whole GGUF, before llama.cpp tries.
        const hash = await (hasher ?? new ModelHasher()).hash(file);
        const llama = await start();
        try {
            const model = await llama.loadModel({
                modelPath: file,
                gpuLayers: settings.gpu === "cpu" ? 0 : "auto",
                // Contexts are tiny here: what matters is that the weights fit.
                onLoadProgress: (share) => onProgress?.(share),
                ...(signal === undefined ? {} : {loadSignal: signal}),
            });
            return new LoadedModel(file, hash, llama, model);
        } catch (error) {
            if (signal?.aborted) throw new KvasirError("cancelled", "loading the model was cancelled.");
            throw await loadError(file, error, complaint);
        }
    }

    /** node-llama-cpp's native model object, for the addon. */
    get handle(): AddonModel {
        return (this.model as unknown as {_model: AddonModel})._model;
    }

    get backend(): string {
        return this.llama.gpu === false ? "cpu" : this.llama.gpu;
    }

    /** Bytes of the GPU's memory; undefined when the CPU computes, which a backend without a device leaves it to. */
    async vram(): Promise<{total: number; free: number} | undefined> {
        if (this.llama.gpu === false) return undefined;
        const {total, free} = await this.llama.getVramState();
        return total === 0 ? undefined : {total, free};
    }

    info(headProfile: ModelInfo["headProfile"]): ModelInfo {
        const {description, model} = this;
        const {infill} = model.tokens;
        return {
            path: this.path,
            name: path.basename(this.path).replace(/\.gguf$/i, ""),
            architecture: String(model.fileInfo.metadata.general.architecture),
            layers: description.nLayers,
            heads: description.nHeads,
            kvHeads: description.nKvHeads,
            headDim: headDimOf(model, description),
            window: description.window,
            supported: description.unsupported === "",
            ...(description.unsupported === "" ? {} : {reason: description.unsupported}),
            hasChatTemplate: model.fileInfo.metadata.tokenizer.chat_template !== undefined,
            hasFim: infill.prefix !== null && infill.suffix !== null,
            headProfile,
            weightsBytes: description.bytes,
        };
    }

    async dispose(): Promise<void> {
        await this.model.dispose();
    }
}

function headDimOf(model: LlamaModel, description: ModelDescription): number {
    const keyLength = (model.fileInfo.architectureMetadata.attention as {key_length?: number} | undefined)?.key_length;
    return keyLength ?? Math.floor(model.embeddingVectorSize / description.nHeads);
}

/**
 * Weights are mapped, so a model that is too large would load and then never answer.
 * @throws KvasirError `model-too-large`
 */
async function checkSize(file: string, start: () => Promise<Llama>): Promise<void> {
    const sizes = await Promise.all(partsOf(file).map((part) => stat(part).catch(() => undefined)));
    const bytes = sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0);
    if (bytes <= totalmem()) return;
    const llama = await start();
    const {total: vram} = llama.gpu === false ? {total: 0} : await llama.getVramState();
    if (bytes > totalmem() + vram) throw modelTooLarge(file, bytes, freemem() + vram);
}

async function loadError(file: string, error: unknown, complaint: string | undefined): Promise<unknown> {
    if (isKvasirError(error)) return error;
    const message = firstLine(complaint ?? (error as Error).message ?? String(error));
    if (/insufficient|not enough|out of memory|too large|allocat/i.test(message))
        return modelTooLarge(file, (await stat(file)).size, freemem());
    if (/unknown model architecture|unsupported/i.test(message)) return modelUnsupported(file, message);
    return modelBroken(file, message, error);
}

function firstLine(text: string): string {
    return text.split("\n", 1)[0]!.replace(/\.$/, "");
}
