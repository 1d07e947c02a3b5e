import {describe, expect, test} from "vitest";
import {notebookPlace} from "../../../extension/core/completion/notebook-text.js";
import type {NotebookCell} from "../../../extension/core/files/notebook.js";

const code = (text: string): NotebookCell => ({kind: "code", text});
const prose = (text: string): NotebookCell => ({kind: "prose", text});
/** The notebook's text with the cursor as `|`. */
const marked = (cells: NotebookCell[], index: number, offset: number, language = "python") => {
    const place = notebookPlace(cells, index, offset, language);
    return `${place.text.slice(0, place.offset)}|${place.text.slice(place.offset)}`;
};

describe("a cell's cursor in the notebook's text", () => {
    test("stands behind what the cells above define", () => {
        expect(marked([prose("# Data\n\nload it"), code("import csv"), code("rows = \nend")], 2, 7)).toBe(
            "# %% [markdown]\n# # Data\n#\n# load it\n\n# %%\nimport csv\n\n# %%\nrows = |\nend\n",
        );
    });

    test("in the first cell, in the middle of a word", () => {
        expect(marked([code("ab"), code("cd")], 0, 1, "typescript")).toBe("// %%\na|b\n\n// %%\ncd\n");
    });

    test("in an empty cell", () => {
        expect(marked([code("a"), code(""), code("b")], 1, 0)).toBe("# %%\na\n\n# %%\n|\n\n# %%\nb\n");
    });

    test("in prose, which is completed as text, alone", () => {
        expect(marked([code("a"), prose("Hello")], 1, 5)).toBe("Hello|");
    });

    test("a cell that is not there is an error", () => {
        expect(() => notebookPlace([], 0, 0, "python")).toThrow(RangeError);
    });
});
