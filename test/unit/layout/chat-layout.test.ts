import {describe, expect, test} from "vitest";
import {
    baseModelConversation,
    cutAtFiles,
    filePositions,
    fileText,
    filesMarker,
    systemMessage,
    systemSentence,
    systemTail,
} from "../../../extension/core/layout/chat-layout.js";

/** A special token, as an engine's template renderer has it beside plain text. */
interface Special {
    token: string;
}
const special = (token: string): Special => ({token});

/** ChatML as Qwen's and SmolLM2's templates render it. */
function chatMl(system: string, user: string): (string | Special)[] {
    const [start, end] = [special("<|im_start|>"), special("<|im_end|>")];
    return [start, `system\n${system}`, end, "\n", start, `user\n${user}`, end, "\n", start, "assistant\n"];
}

const written = (pieces: readonly (string | Special)[]) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : piece.token)).join("");

describe("the order of a prompt", () => {
    test("a file is its header, its text, a blank line; later parts have a header that no edit changes", () => {
        expect(fileText("src/a.ts", "const a = 1;\n")).toBe("// File: src/a.ts\nconst a = 1;\n\n\n");
        expect(fileText("src/a.ts", "x", {first: 1, last: 80})).toBe("// File: src/a.ts\nx\n\n");
        expect(fileText("src/a.ts", "y", {first: 81, last: 90})).toBe(
            fileText("src/a.ts", "y", {first: 95, last: 104}),
        );
        expect(fileText("src/a.ts", "y", {first: 81, last: 90})).not.toBe(fileText("src/a.ts", "y"));
    });

    test("files get a quarter of the window, at most 8k positions", () => {
        expect([2048, 8192, 131_072].map(filePositions)).toEqual([512, 2048, 8192]);
    });

    test("the template is cut where the files go: the opening and the fixed sentence before, all that varies behind", () => {
        const parts = {
            userInstructions: "Answer in French.",
            repositoryInstructions: [{path: "AGENTS.md", text: "Use tabs.\n"}],
            tools: "TOOLS",
        };
        const cut = cutAtFiles(chatMl(systemMessage(parts), "Where is main?"))!;
        expect(written(cut.prefix)).toBe(`<|im_start|>system\n${systemSentence}`);
        const rest = written(cut.rest);
        const order = [
            "Use tabs.",
            "Answer in French.",
            "TOOLS",
            "<|im_end|>",
            "Where is main?",
            "<|im_start|>assistant",
        ];
        expect(order.map((text) => rest.indexOf(text))).toEqual(
            [...order.map((text) => rest.indexOf(text))].sort((a, b) => a - b),
        );
        expect(order.every((text) => rest.includes(text))).toBe(true);
        expect(rest).not.toContain(filesMarker);
    });

    test("the prefix is the same for every user, repository and question", () => {
        const one = cutAtFiles(chatMl(systemMessage(), "a"))!;
        const other = cutAtFiles(
            chatMl(systemMessage({userInstructions: "b", tools: "c", missingFiles: ["d.ts"]}), "e"),
        )!;
        expect(other.prefix).toEqual(one.prefix);
    });

    test("a template that puts the system message into the first turn, or trims it, is cut as well", () => {
        const mistral = [
            special("<s>"),
            special("[INST]"),
            ` ${systemMessage({tools: "T"}).trim()}\n\nWhere?`,
            special("[/INST]"),
        ];
        const cut = cutAtFiles(mistral)!;
        expect(written(cut.prefix)).toBe(`<s>[INST] ${systemSentence}`);
        expect(written(cut.rest)).toMatch(/^Answer from the files[^]*T\n\nWhere\?\[\/INST\]$/);
    });

    test("a template that drops or repeats the system message is not cut", () => {
        expect(cutAtFiles(["user: ", "hello"])).toBeUndefined();
        expect(cutAtFiles([systemMessage(), systemMessage()])).toBeUndefined();
    });

    test("empty instructions leave no trace; files that are missing are named", () => {
        expect(systemTail({userInstructions: "  ", repositoryInstructions: [{path: "AGENTS.md", text: "\n"}]})).toBe(
            systemTail({}),
        );
        expect(systemTail({missingFiles: ["a.ts", "b.ts"]})).toContain("a.ts, b.ts");
    });

    test("a base model gets the conversation as text", () => {
        const text = baseModelConversation([
            {role: "user", text: "One?"},
            {role: "assistant", text: "1"},
            {role: "user", text: "Two? "},
        ]);
        expect(text.endsWith("Question: One?\n\nAnswer: 1\n\nQuestion: Two?\n\nAnswer:")).toBe(true);
    });
});
