/**
 * What a GGUF file says of itself, without loading it. The header is not believed before every length in it was held
 * against the file: it may be cut, damaged or made up.
 */
import {open} from "node:fs/promises";
import {modelShape, type ModelShape} from "../../protocol/models.js";
import {findFimVocabulary} from "../../core/layout/fim-roles.js";
import {modelBroken} from "../../protocol/errors.js";
import {GgufError, readGgufHead} from "../store/gguf-head.js";
import {partsOf} from "../store/model-hash.js";

export interface GgufFacts {
    architecture: string;
    quant: string | undefined;
    window: number | undefined;
    isFim: boolean;
    /** Undefined when the file does not say, or says nonsense. */
    shape: ModelShape | undefined;
    /** What is known to be refused at loading. */
    reason: string | undefined;
}

/** @throws KvasirError `model-broken`, also when bytes of the weights are missing */
export async function readGgufFacts(file: string): Promise<GgufFacts> {
    for (const part of partsOf(file)) await checkHead(part);
    const {GgufFileType, GgufInsights, readGgufFileInfo} = await import("node-llama-cpp");
    try {
        const info = await readGgufFileInfo(file, {sourceType: "filesystem", logWarnings: false});
        const insights = await GgufInsights.from(info);
        const {general, tokenizer} = info.metadata;
        const attention = (info.architectureMetadata.attention ?? {}) as Record<string, unknown>;
        const heads = first(attention.head_count);
        const headDim =
            number(attention.key_length) ?? (insights.embeddingVectorSize ?? Number.NaN) / (heads ?? Number.NaN);
        const shape = modelShape.safeParse({
            layers: number((info.architectureMetadata as {block_count?: unknown}).block_count),
            kvHeads: first(attention.head_count_kv) ?? heads,
            headDim,
        });
        const architecture = String(general.architecture);
        return {
            architecture,
            quant:
                general.file_type === undefined
                    ? undefined
                    : GgufFileType[general.file_type]?.replace(/^MOSTLY_|^ALL_/, ""),
            window: insights.trainContextSize,
            isFim: isFim(tokenizer.ggml ?? {}, general.name),
            shape: shape.data,
            reason: !insights.isSupportedByLlamaCpp
                ? `llama.cpp does not know the architecture ${architecture}`
                : insights.isRecurrent || insights.isHybrid
                  ? "it has recurrent layers"
                  : attention.kv_lora_rank !== undefined
                    ? "its attention (MLA) keeps no rows per head"
                    : insights.hasEncoder || !insights.hasDecoder
                      ? "it does not generate text"
                      : undefined,
        };
    } catch (error) {
        throw modelBroken(file, "its header contradicts itself", error);
    }
}

function isFim(vocabulary: Record<string, unknown>, modelName: string | undefined): boolean {
    const texts = Array.isArray(vocabulary.tokens) ? (vocabulary.tokens as string[]) : [];
    const prefix = number(vocabulary.fim_pre_token_id);
    const suffix = number(vocabulary.fim_suf_token_id);
    const middle = number(vocabulary.fim_mid_token_id);
    const found = findFimVocabulary({
        fromMetadata: {
            ...(prefix === undefined ? {} : {prefix}),
            ...(suffix === undefined ? {} : {suffix}),
            ...(middle === undefined ? {} : {middle}),
        },
        textOf: (id) => texts[id],
        idOf: (text) => {
            const id = texts.indexOf(text);
            return id < 0 ? undefined : id;
        },
        ...(modelName === undefined ? {} : {modelName}),
    });
    return found !== undefined;
}

/** @throws KvasirError `model-broken` */
async function checkHead(file: string): Promise<void> {
    const handle = await open(file, "r").catch((error: unknown) => {
        throw modelBroken(file, "it cannot be read", error);
    });
    try {
        await readGgufHead(handle, (await handle.stat()).size);
    } catch (error) {
        if (error instanceof GgufError) throw modelBroken(file, error.message, error);
        throw error;
    } finally {
        await handle.close();
    }
}

/** @throws KvasirError `model-broken` when the header is wrong or the weights that it tells of are longer than the file */
export async function checkWhole(file: string): Promise<void> {
    const handle = await open(file, "r");
    try {
        const {size} = await handle.stat();
        const {dataAt} = await readGgufHead(handle, size);
        const {GgufInsights, readGgufFileInfo} = await import("node-llama-cpp");
        const info = await readGgufFileInfo(file, {
            sourceType: "filesystem",
            logWarnings: false,
            spliceSplitFiles: false,
        });
        const {modelSize} = await GgufInsights.from(info);
        if (modelSize > size - dataAt) throw new GgufError("it is cut short");
    } catch (error) {
        if (error instanceof GgufError) throw modelBroken(file, error.message, error);
        throw modelBroken(file, "its header contradicts itself", error);
    } finally {
        await handle.close();
    }
}

function number(value: unknown): number | undefined {
    return typeof value === "number" ? value : undefined;
}

/** Some models have another number in each layer: the largest tells what they need at most. */
function first(value: unknown): number | undefined {
    return Array.isArray(value) ? Math.max(...value.map(Number)) : number(value);
}
