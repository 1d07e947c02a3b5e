/**
 * Owns how fill-in-the-middle prompts are written as text, for servers that turn `<|fim_prefix|>` in a prompt into the
 * token: which family a model's name belongs to, and what keeps a file that spells a token itself from being one.
 */
import {type FimRequest, fimPrompt} from "./fim.js";
import type {FimFamily, FimRole, FimVocabulary} from "./fim-roles.js";

type Spelling = Partial<Record<FimRole, string>> & {prefix: string; suffix: string};

const starcoder: Spelling = {prefix: "<fim_prefix>", suffix: "<fim_suffix>", middle: "<fim_middle>"};

/** By name, most special first; spellings are those of each model's own tokenizer_config.json. */
const families: {name: RegExp; family: FimFamily; spelling: Spelling}[] = [
    {
        name: /qwen.*coder|coder.*qwen/i,
        family: "qwen",
        spelling: {
            prefix: "<|fim_prefix|>",
            suffix: "<|fim_suffix|>",
            middle: "<|fim_middle|>",
            repoName: "<|repo_name|>",
            fileSeparator: "<|file_sep|>",
        },
    },
    {
        name: /codegemma/i,
        family: "codegemma",
        spelling: {
            prefix: "<|fim_prefix|>",
            suffix: "<|fim_suffix|>",
            middle: "<|fim_middle|>",
            fileSeparator: "<|file_separator|>",
        },
    },
    {
        name: /deepseek.*coder/i,
        family: "deepseek",
        spelling: {prefix: "<｜fim▁begin｜>", suffix: "<｜fim▁hole｜>", middle: "<｜fim▁end｜>"},
    },
    {
        name: /starcoder-?2/i,
        family: "starcoder2",
        spelling: {...starcoder, repoName: "<repo_name>", fileSeparator: "<file_sep>"},
    },
    {name: /granite.*code/i, family: "granite", spelling: starcoder},
    {name: /star-?coder|tiny_?starcoder/i, family: "starcoder", spelling: starcoder},
    {name: /codestral(?!.*mamba)/i, family: "codestral", spelling: {prefix: "[PREFIX]", suffix: "[SUFFIX]"}},
];

export interface SpelledPrompt {
    text: string;
    /** Where generation stops: a token that was written out, and what models write in its stead. */
    stops: string[];
}

/**
 * The prompt as one text.
 * @param modelName as the server tells it
 * @returns undefined when the name tells no family, or when the text around the cursor spells one of its tokens
 */
export function spelledFim(request: FimRequest, modelName: string): SpelledPrompt | undefined {
    const found = families.find(({name}) => name.test(modelName));
    if (found === undefined) return undefined;
    const {family, spelling} = found;
    const marks = Object.values(spelling);
    const spells = (text: string) => marks.some((mark) => text.includes(mark));
    if (spells(request.textBefore) || spells(request.textAfter) || spells(request.path ?? "")) return undefined;
    const files = (request.files ?? []).filter(({path, text}) => !spells(path) && !spells(text));
    const {pieces, stopTexts} = fimPrompt({...request, files}, vocabularyOf(family, spelling));
    return {
        text: pieces.map((piece) => (piece.role === undefined ? piece.text : spelling[piece.role]!)).join(""),
        stops: [...new Set([...marks, ...stopTexts])],
    };
}

/** fimPrompt asks which roles there are, not which numbers they have. */
function vocabularyOf(family: FimFamily, spelling: Spelling): FimVocabulary {
    const roles = Object.keys(spelling) as FimRole[];
    const tokens = Object.fromEntries(roles.map((role, i) => [role, i])) as FimVocabulary["tokens"];
    return {family, tokens};
}
