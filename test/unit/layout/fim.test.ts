import {describe, expect, test} from "vitest";
import {type FimRequest, fimPrompt, fimStopTokens} from "../../../extension/core/layout/fim.js";
import {findFimVocabulary, type FimRole} from "../../../extension/core/layout/fim-roles.js";

/** A vocabulary of just these special tokens, in this order from id 100. */
function vocabularyOf(tokens: readonly string[], modelName = "", fromMetadata?: Partial<Record<FimRole, number>>) {
    return findFimVocabulary({
        textOf: (id) => tokens[id - 100],
        idOf: (text) => (tokens.includes(text) ? 100 + tokens.indexOf(text) : undefined),
        modelName,
        ...(fromMetadata ? {fromMetadata} : {}),
    });
}

/** The prompt as it would be written, special tokens by their text: the form in which model cards give it. */
function written(request: FimRequest, tokens: readonly string[], modelName = ""): string {
    const vocabulary = vocabularyOf(tokens, modelName);
    return fimPrompt(request, vocabulary)
        .pieces.map((piece) => (piece.role === undefined ? piece.text : tokens[vocabulary!.tokens[piece.role]! - 100]))
        .join("");
}

const qwen = ["<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"];
const starcoder2 = ["<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<repo_name>", "<file_sep>"];
const codellama = ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"];
const deepseek = ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"];
const codegemma = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>"];
const mistral = ["[SUFFIX]", "[PREFIX]", "[MIDDLE]"];

describe("the published form of every family", () => {
    // QwenLM/Qwen2.5-Coder, README, "File-Level Code Completion (Fill in the middle)".
    test("Qwen2.5-Coder, one file", () => {
        expect(written({textBefore: "def quicksort(arr):\n", textAfter: "\n    return x"}, qwen)).toBe(
            "<|fim_prefix|>def quicksort(arr):\n<|fim_suffix|>\n    return x<|fim_middle|>",
        );
    });

    // QwenLM/Qwen2.5-Coder, examples/Qwen2.5-Coder-repolevel-fim.py.
    test("Qwen2.5-Coder, repository", () => {
        const request = {
            textBefore: "from library import Library\n",
            textAfter: "\n    main()",
            path: "main.py",
            repoName: "library-system",
            files: [{path: "library.py", text: "class Book:\n    pass\n"}],
        };
        expect(written(request, qwen)).toBe(
            "<|repo_name|>library-system\n<|file_sep|>library.py\nclass Book:\n    pass\n\n<|file_sep|>main.py\n<|fim_prefix|>from library import Library\n<|fim_suffix|>\n    main()<|fim_middle|>",
        );
    });

    // facebookresearch/codellama, llama/generation.py, infilling_prompt_tokens: "<PRE> {pre} <SUF>{suf} <MID>",
    // where {pre} is encoded with SentencePiece's implied space and {suf} by encode_infilling, without it.
    test("Code Llama", () => {
        expect(written({textBefore: "def f():", textAfter: "\n    return 1"}, codellama)).toBe(
            "▁<PRE>def f():▁<SUF>\n    return 1▁<MID>",
        );
        const pieces = fimPrompt({textBefore: "a", textAfter: "b"}, vocabularyOf(codellama)).pieces;
        expect(pieces).toEqual([
            {role: "prefix"},
            {text: "a", hasImpliedSpace: true},
            {role: "suffix"},
            {text: "b", hasImpliedSpace: false},
            {role: "middle"},
        ]);
    });

    // arXiv 2402.19173, section 5.1: "<repo_name>reponame<file_sep>filepath0\ncode0<file_sep><fim_prefix>filepath1\n
    // code1_pre<fim_suffix>code1_suf<fim_middle>code1_mid<file_sep>".
    test("StarCoder2", () => {
        const request = {
            textBefore: "code1_pre",
            textAfter: "code1_suf",
            path: "filepath1",
            repoName: "reponame",
            files: [{path: "filepath0", text: "code0"}],
        };
        expect(written(request, starcoder2)).toBe(
            "<repo_name>reponame<file_sep>filepath0\ncode0<file_sep><fim_prefix>filepath1\ncode1_pre<fim_suffix>code1_suf<fim_middle>",
        );
        expect(written({textBefore: "p", textAfter: "s"}, starcoder2)).toBe("<fim_prefix>p<fim_suffix>s<fim_middle>");
    });

    // bigcode-project/Megatron-LM, megatron/data/gpt_dataset.py, permute: prefix token, suffix token, suffix, middle token,
    // prefix, middle, for half of what was seen in training; so that typing changes the end of the prompt alone.
    test("StarCoder and SantaCoder", () => {
        const request = {textBefore: "def print_hello_world():\n    ", textAfter: "\n    print('Hello world!')"};
        expect(written(request, ["<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"])).toBe(
            "<fim_prefix><fim_suffix>\n    print('Hello world!')<fim_middle>def print_hello_world():\n    ",
        );
        expect(written(request, ["<fim-prefix>", "<fim-middle>", "<fim-suffix>", "<fim-pad>"])).toBe(
            "<fim-prefix><fim-suffix>\n    print('Hello world!')<fim-middle>def print_hello_world():\n    ",
        );
    });

    // deepseek-ai/DeepSeek-Coder, README, "Code Insertion" and "Repository Level Code Completion".
    test("DeepSeek-Coder", () => {
        expect(written({textBefore: "    right = []\n", textAfter: "\n        if arr[i] < pivot:"}, deepseek)).toBe(
            "<｜fim▁begin｜>    right = []\n<｜fim▁hole｜>\n        if arr[i] < pivot:<｜fim▁end｜>",
        );
        expect(
            written(
                {
                    textBefore: "from utils import x\n",
                    textAfter: "",
                    path: "main.py",
                    files: [{path: "utils.py", text: "x = 1"}],
                },
                deepseek,
            ),
        ).toBe("#utils.py\nx = 1\n\n<｜fim▁begin｜>#main.py\nfrom utils import x\n<｜fim▁hole｜><｜fim▁end｜>");
    });

    // ai.google.dev/gemma/docs/codegemma/prompt-structure, "Fill in task example": no white space of our own anywhere.
    test("CodeGemma", () => {
        expect(
            written({textBefore: "import ", textAfter: "\nif __name__ == '__main__':\n    sys.exit(0)"}, codegemma),
        ).toBe("<|fim_prefix|>import <|fim_suffix|>\nif __name__ == '__main__':\n    sys.exit(0)<|fim_middle|>");
    });

    // ibm-granite model cards: "<fim_prefix> ... <fim_suffix> ... <fim_middle>", later "<|fim_prefix|> ...".
    test("Granite", () => {
        expect(
            written(
                {textBefore: "a", textAfter: "b"},
                ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
                "Granite 8B Code Base",
            ),
        ).toBe("<fim_prefix>a<fim_suffix>b<fim_middle>");
        expect(
            written(
                {textBefore: "a", textAfter: "b"},
                ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
                "Granite 4.0",
            ),
        ).toBe("<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>");
    });

    // mistralai/mistral-common, tests of encode_fim: FIMRequest(prompt="def f(", suffix="return a + b") gives
    // "<s>[SUFFIX]return▁a▁+▁b[PREFIX]▁def▁f(": suffix first, without an implied space, the prompt with it.
    test("Codestral", () => {
        const vocabulary = vocabularyOf(mistral, "Codestral-22B-v0.1");
        expect(written({textBefore: "def f(", textAfter: "return a + b"}, mistral, "Codestral-22B-v0.1")).toBe(
            "[SUFFIX]return a + b[PREFIX]def f(",
        );
        expect(fimPrompt({textBefore: "def f(", textAfter: "return a + b"}, vocabulary).pieces).toEqual([
            {role: "suffix"},
            {text: "return a + b", hasImpliedSpace: false},
            {role: "prefix"},
            {text: "def f(", hasImpliedSpace: true},
        ]);
    });
});

describe("which family a vocabulary is of", () => {
    test.each([
        ["qwen", qwen, ""],
        ["starcoder2", starcoder2, ""],
        ["starcoder", ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"], ""],
        ["codellama", codellama, ""],
        ["deepseek", deepseek, "deepseek-coder-6.7b-base"],
        ["codegemma", codegemma, ""],
        ["granite", ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"], "granite-20b-code"],
        ["codestral", mistral, "Codestral 25.01"],
        ["psm", ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"], "GLM-4.5"],
    ])("%s", (family, tokens, name) => {
        expect(vocabularyOf(tokens, name)?.family).toBe(family);
    });

    test("no tokens, or tokens that the model never learned, are none", () => {
        expect(vocabularyOf([])).toBeUndefined();
        expect(vocabularyOf(["<repo_name>", "<file_sep>"], "SmolLM2 135M Instruct")).toBeUndefined();
        expect(vocabularyOf(["<fim_prefix>", "<fim_suffix>"])).toBeUndefined();
        expect(vocabularyOf(mistral, "Mistral-7B-Instruct-v0.3")).toBeUndefined();
        expect(vocabularyOf(mistral, "Mamba-Codestral-7B-v0.1")).toBeUndefined();
    });

    test("ids of the file's metadata come before the texts that we know", () => {
        const vocabulary = vocabularyOf(["<a>", "<b>", "<c>"], "", {prefix: 100, suffix: 101, middle: 102});
        expect(vocabulary).toEqual({family: "psm", tokens: {prefix: 100, suffix: 101, middle: 102}});
    });

    test("every role ends a completion", () => {
        expect(fimStopTokens(vocabularyOf(qwen)!)).toEqual([100, 101, 102, 103, 104, 105]);
    });
});

describe("a model that cannot fill in", () => {
    test("is shown the file's name and the text before the cursor; blanks at the end are left to it", () => {
        const prompt = fimPrompt(
            {textBefore: "function f() {\n    return ", textAfter: "\n}", path: "src/a.ts"},
            undefined,
        );
        expect(prompt).toMatchObject({
            mode: "prefix",
            heldBack: " ",
            pieces: [{text: "// File: src/a.ts\nfunction f() {\n    return", hasImpliedSpace: true}],
        });
        expect(fimPrompt({textBefore: "if x:\n    ", textAfter: ""}, undefined)).toMatchObject({
            heldBack: "    ",
            pieces: [{text: "if x:\n"}],
        });
    });

    test("an empty file is an empty prompt", () => {
        expect(fimPrompt({textBefore: "", textAfter: ""}, undefined).pieces).toEqual([]);
    });
});

test("text that spells a special token stays text", () => {
    const pieces = fimPrompt({textBefore: "const sep = '<|fim_suffix|>';", textAfter: ""}, vocabularyOf(qwen)).pieces;
    expect(pieces.filter(({role}) => role === "suffix")).toHaveLength(1);
    expect(pieces).toContainEqual({text: "const sep = '<|fim_suffix|>';", hasImpliedSpace: false});
});
