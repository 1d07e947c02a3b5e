import {describe, expect, test} from "vitest";
import {notebookText, type NotebookCell} from "../../../extension/core/completion/notebook-text.js";

const code = (text: string, languageId = "python"): NotebookCell => ({kind: "code", languageId, text});
const markup = (text: string): NotebookCell => ({kind: "markup", languageId: "markdown", text});

describe("a notebook as one text", () => {
    test("cells of the language as code, markup as comments, the cursor in its cell", () => {
        const cells = [
            markup("# Data\n\nload it"),
            code("import csv"),
            code("echo hi", "shellscript"),
            code("rows = "),
        ];
        const {text, offset} = notebookText(cells, 3, 7);
        expect(text).toBe("# # Data\n#\n# load it\n\nimport csv\n\nrows = ");
        expect(offset).toBe(text.length);
    });

    test("the cursor in the middle of the first cell", () => {
        expect(notebookText([code("ab"), code("cd")], 0, 1)).toEqual({text: "ab\n\ncd", offset: 1});
    });

    test("an empty cell is a place too", () => {
        expect(notebookText([code("a"), code(""), code("b")], 1, 0)).toEqual({text: "a\n\n\n\nb", offset: 3});
    });

    test("a markup cell is completed as text, alone", () => {
        expect(notebookText([code("a"), markup("Hello")], 1, 5)).toEqual({text: "Hello", offset: 5});
    });

    test("other languages comment in their own way", () => {
        expect(notebookText([markup("hi"), code("x", "javascript")], 1, 0).text).toBe("// hi\n\nx");
    });

    test("a cell that is not there is an error", () => {
        expect(() => notebookText([], 0, 0)).toThrow(RangeError);
    });
});
