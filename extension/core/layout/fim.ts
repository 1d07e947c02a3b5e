/**
 * Owns the prompt for a completion, family by family, as a list of token roles and texts that the engine
 * tokenises, and where its generation stops. Must not know a tokenizer: texts become tokens elsewhere.
 */
import {fileHeader} from "./chat-layout.js";
import type {FimFamily, FimRole, FimVocabulary} from "./fim-roles.js";

/** A token by its role, or a text. Texts are tokenised without special tokens: a file may spell `<fim_suffix>`. */
export type FimPiece =
    | {role: FimRole; text?: undefined}
    | {
          text: string;
          /** A SentencePiece vocabulary puts its implied space before this text, as in training; others have none. */
          hasImpliedSpace: boolean;
          role?: undefined;
      };

export interface FimRequest {
    /** Text before and after the cursor, already cut to size (fim-window.ts). */
    textBefore: string;
    textAfter: string;
    /** The file being completed, where its name is known. */
    path?: string;
    /** Other files, when they are not attended as segments: for engines that keep none. */
    files?: readonly {path: string; text: string}[];
    repoName?: string;
}

export interface FimPrompt {
    mode: "fim" | "prefix";
    pieces: FimPiece[];
    /** Blanks at the end of `textBefore` that the prompt leaves to the model; its completion begins with them. */
    heldBack: string;
    /** Texts at which generation stops, for what the model spells out instead of saying with a token. */
    stopTexts: string[];
}

const token = (role: FimRole): FimPiece => ({role});
const text = (written: string, hasImpliedSpace = false): FimPiece => ({text: written, hasImpliedSpace});

type Form = (request: FimRequest, has: (role: FimRole) => boolean) => FimPiece[];

/** Prefix, suffix, middle: the form of Bavarian et al. (arXiv 2207.14255), the file's name in a comment. */
const psm: Form = (request) => [
    ...otherFiles(request),
    token("prefix"),
    text(header(request) + request.textBefore),
    token("suffix"),
    text(request.textAfter),
    token("middle"),
];

/**
 * What stands behind the cursor first, then what stands before it, where the answer goes on: while a person types, only
 * what was typed is read again. For models that were trained in this order as well as in the other
 * (bigcode-project/Megatron-LM, megatron/data/gpt_dataset.py, permute: "SPM (variant 2 from FIM paper)").
 */
const spm: Form = (request) => [
    ...otherFiles(request),
    token("prefix"),
    token("suffix"),
    text(request.textAfter),
    token("middle"),
    text(header(request) + request.textBefore),
];

const forms: Record<FimFamily, Form> = {
    psm,

    // granite-8b-code's model card and arXiv 2405.04324, section 4: StarCoder's vocabulary, plain PSM.
    granite: psm,

    // StarCoder (arXiv 2305.06161) and SantaCoder (arXiv 2301.03988) differ in how the tokens are spelled only.
    starcoder: spm,

    // StarCoder2 (arXiv 2402.19173, section 5.1): the file's path stands behind the prefix token.
    starcoder2: (request, has) => {
        const {textBefore, textAfter, path, files = [], repoName} = request;
        if (path === undefined || !has("fileSeparator")) return psm(request, has);
        return [
            ...(repoName !== undefined && has("repoName") ? [token("repoName"), text(repoName)] : []),
            ...files.flatMap((file) => [token("fileSeparator"), text(`${file.path}\n${file.text}`)]),
            token("fileSeparator"),
            token("prefix"),
            text(`${path}\n${textBefore}`),
            token("suffix"),
            text(textAfter),
            token("middle"),
        ];
    },

    // Qwen2.5-Coder (arXiv 2409.12186, section 3 and examples/Qwen2.5-Coder-repolevel-fim.py): the path stands before the prefix token.
    qwen: (request, has) => {
        const {textBefore, textAfter, path, files = [], repoName} = request;
        const isNamed = path !== undefined && has("fileSeparator");
        return [
            ...(repoName !== undefined && has("repoName") ? [token("repoName"), text(`${repoName}\n`)] : []),
            ...files.flatMap((file) =>
                has("fileSeparator")
                    ? [token("fileSeparator"), text(`${file.path}\n${file.text}\n`)]
                    : [text(`${fileHeader(file.path)}${file.text}\n\n`)],
            ),
            ...(isNamed ? [token("fileSeparator"), text(`${path}\n`)] : []),
            token("prefix"),
            text((isNamed ? "" : header(request)) + textBefore),
            token("suffix"),
            text(textAfter),
            token("middle"),
        ];
    },

    // Code Llama (llama/generation.py, infilling_prompt_tokens): only the text before the cursor gets SentencePiece's space.
    codellama: (request) => [
        ...otherFiles(request),
        token("prefix"),
        text(header(request) + request.textBefore, true),
        token("suffix"),
        text(request.textAfter),
        token("middle"),
    ],

    // DeepSeek-Coder (README, "Code Insertion" and "Repository Level Code Completion"): begin, hole, end are prefix, suffix, middle; other files stand as `#path`.
    deepseek: ({textBefore, textAfter, path, files = []}) => [
        ...(files.length > 0 ? [text(files.map((file) => `#${file.path}\n${file.text}\n\n`).join(""))] : []),
        token("prefix"),
        text((path === undefined ? "" : `#${path}\n`) + textBefore),
        token("suffix"),
        text(textAfter),
        token("middle"),
    ],

    // CodeGemma (ai.google.dev/gemma/docs/codegemma/prompt-structure): files are divided by a separator.
    codegemma: (request, has) => [
        ...(request.files ?? []).flatMap((file) => [
            text(`${fileHeader(file.path)}${file.text}`),
            ...(has("fileSeparator") ? [token("fileSeparator")] : [text("\n\n")]),
        ]),
        token("prefix"),
        text(header(request) + request.textBefore),
        token("suffix"),
        text(request.textAfter),
        token("middle"),
    ],

    // Codestral (mistral-common, InstructTokenizerV2.encode_fim): suffix first, no middle token; the suffix gets no implied space.
    codestral: (request) => [
        token("suffix"),
        text(request.textAfter),
        token("prefix"),
        ...otherFiles(request, true),
        text(header(request) + request.textBefore, (request.files ?? []).length === 0),
    ],
};

/**
 * The prompt of a completion. It stands behind the prefix and the attended files; a caller without those
 * gives the files here and puts BOS before it.
 * @param vocabulary the model's fill-in-the-middle tokens; without them the text before the cursor alone is the prompt
 */
export function fimPrompt(request: FimRequest, vocabulary: FimVocabulary | undefined): FimPrompt {
    if (vocabulary === undefined) return prefixPrompt(request);
    const has = (role: FimRole) => vocabulary.tokens[role] !== undefined;
    const pieces = forms[vocabulary.family](request, has).filter((piece) => piece.text !== "");
    return {mode: "fim", pieces, heldBack: "", stopTexts: [...spelledStops]};
}

/** The token ids at which a completion stops, besides the vocabulary's own ends of generation: every role means that the gap is filled. */
export function fimStopTokens({tokens}: FimVocabulary): number[] {
    return [...new Set(Object.values(tokens))].sort((a, b) => a - b);
}

// What models that were tuned for chat spell out where a token should stand.
const spelledStops = ["<|file_sep|>", "<file_sep>", "<|fim_pad|>", "<|endoftext|>", "<EOT>", "\n// File: "];

/** Text only: a model that cannot fill in is shown what stands before the cursor. */
function prefixPrompt(request: FimRequest): FimPrompt {
    // Vocabularies have " name" as one token and hardly ever "name" behind a lone blank: blanks at the end
    // would force the model onto rare tokens, so it is left to write them again.
    const heldBack = /[ \t]*$/.exec(request.textBefore)![0];
    const shown = request.textBefore.slice(0, request.textBefore.length - heldBack.length);
    const pieces = [...otherFiles(request), text(header(request) + shown, true)].filter((piece) => piece.text !== "");
    return {mode: "prefix", pieces, heldBack, stopTexts: ["\n// File: ", "\n```"]};
}

function header({path}: FimRequest): string {
    return path === undefined ? "" : fileHeader(path);
}

function otherFiles({files = []}: FimRequest, hasImpliedSpace = false): FimPiece[] {
    return files.length === 0
        ? []
        : [text(files.map((file) => `${fileHeader(file.path)}${file.text}\n\n`).join(""), hasImpliedSpace)];
}
