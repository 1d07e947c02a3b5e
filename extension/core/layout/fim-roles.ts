/**
 * Owns which tokens of a vocabulary mean "before the cursor", "after the cursor", "now fill in", and to
 * which family of models that makes it belong. Must not know a model: it is given look-ups.
 */

/** What a token stands for in a fill-in-the-middle prompt. */
export type FimRole = "prefix" | "suffix" | "middle" | "pad" | "repoName" | "fileSeparator";

/** Families of models that were trained on the same prompt form. `psm` is the plain common form. */
export type FimFamily =
    "qwen" | "codellama" | "starcoder2" | "starcoder" | "deepseek" | "codegemma" | "granite" | "codestral" | "psm";

export interface FimVocabulary {
    family: FimFamily;
    /** Token ids by role; prefix and suffix are always there, and middle in every family but `codestral`. */
    tokens: Partial<Record<FimRole, number>> & {prefix: number; suffix: number};
}

export interface VocabularyLookUp {
    /** Ids from the GGUF's metadata (`tokenizer.ggml.fim_pre_token_id` and so on), where it has them. */
    fromMetadata?: Partial<Record<FimRole, number>>;
    /** The text of a token, special tokens as they are written. */
    readonly textOf: (id: number) => string | undefined;
    /** The one token with exactly this text, or undefined. */
    readonly idOf: (text: string) => number | undefined;
    /** `general.name` of the GGUF. */
    modelName?: string;
}

/** How the roles' tokens are written, by the vocabularies that have them (the list of llama.cpp's llama-vocab.cpp, extended). */
const texts: Record<FimRole, readonly string[]> = {
    prefix: [
        "<|fim_prefix|>",
        "<fim_prefix>",
        "<fim-prefix>",
        "<｜fim▁begin｜>",
        "▁<PRE>",
        " <PRE>",
        "<PRE>",
        "<|code_prefix|>",
        "<|prefix|>",
        "[PREFIX]",
    ],
    suffix: [
        "<|fim_suffix|>",
        "<fim_suffix>",
        "<fim-suffix>",
        "<｜fim▁hole｜>",
        "▁<SUF>",
        " <SUF>",
        "<SUF>",
        "<|code_suffix|>",
        "<|suffix|>",
        "[SUFFIX]",
    ],
    middle: [
        "<|fim_middle|>",
        "<fim_middle>",
        "<fim-middle>",
        "<｜fim▁end｜>",
        "▁<MID>",
        " <MID>",
        "<MID>",
        "<|code_middle|>",
        "<|middle|>",
    ],
    pad: ["<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<PAD>"],
    repoName: ["<|repo_name|>", "<|fim_repo|>", "<repo_name>", "<reponame>", "<fim-repo>", "<REPO>"],
    fileSeparator: ["<|file_sep|>", "<file_sep>", "<|file_separator|>"],
};

const roles = Object.keys(texts) as FimRole[];

/**
 * Finds the vocabulary's fill-in-the-middle tokens.
 * @returns undefined when the model was not trained to fill in, as far as its vocabulary tells: the caller
 *     then completes from the text before the cursor alone
 */
export function findFimVocabulary({
    fromMetadata = {},
    textOf,
    idOf,
    modelName = "",
}: VocabularyLookUp): FimVocabulary | undefined {
    const tokens: Partial<Record<FimRole, number>> = {};
    for (const role of roles) {
        const id = fromMetadata[role] ?? texts[role].map(idOf).find((found) => found !== undefined);
        if (id !== undefined) tokens[role] = id;
    }
    const {prefix, suffix} = tokens;
    if (prefix === undefined || suffix === undefined) return undefined;
    const family = familyOf(textOf(prefix) ?? "", textOf(tokens.fileSeparator ?? -1) ?? "", modelName);
    // Mistral's vocabularies all have [PREFIX] and [SUFFIX]; only Codestral learned them.
    if (family === "codestral" && (!/codestral/i.test(modelName) || /mamba/i.test(modelName))) return undefined;
    if (family !== "codestral" && tokens.middle === undefined) return undefined;
    return {family, tokens: {...tokens, prefix, suffix}};
}

function familyOf(prefix: string, fileSeparator: string, modelName: string): FimFamily {
    const name = prefix.trim();
    if (name === "[PREFIX]") return "codestral";
    if (name.replace("▁", "") === "<PRE>") return "codellama";
    if (name === "<｜fim▁begin｜>") return "deepseek";
    if (/granite/i.test(modelName)) return "granite";
    if (name === "<fim_prefix>") return fileSeparator === "<file_sep>" ? "starcoder2" : "starcoder";
    if (name === "<fim-prefix>") return "starcoder";
    if (name === "<|fim_prefix|>" && fileSeparator === "<|file_sep|>") return "qwen";
    if (name === "<|fim_prefix|>" && fileSeparator === "<|file_separator|>") return "codegemma";
    return "psm";
}
