import {describe, expect, it} from "vitest";
import {isNotebookPath, notebookText} from "../../../extension/core/files/notebook.js";
import {parseNotebook} from "../../../extension/core/files/parse-notebook.js";

describe("notebooks", () => {
    it("are their cells, with prose as comments and without outputs", () => {
        const parsed = parseNotebook(
            JSON.stringify({
                cells: [
                    {cell_type: "markdown", source: ["# Title\n", "\n", "words"]},
                    {cell_type: "code", source: "print(1)\n", outputs: [{text: "SECRET"}]},
                    {cell_type: "raw", source: "raw"},
                    {cell_type: "code"},
                ],
                metadata: {kernelspec: {language: "python"}, colab: {anything: true}},
                nbformat: 4,
            }),
        );
        expect(parsed?.language).toBe("python");
        expect(notebookText(parsed?.cells ?? [], "python")).toBe(
            "# %% [markdown]\n# # Title\n#\n# words\n\n# %%\nprint(1)\n\n\n# %%\n\n",
        );
    });

    it("comments are those of the language", () => {
        expect(notebookText([{kind: "prose", text: "a"}], "TypeScript")).toBe("// %% [markdown]\n// a\n");
    });

    it.each([
        "",
        "no json",
        "[]",
        '{"cells": 1}',
        '{"cells": [{"source": "x"}]}',
        '{"cells": [{"cell_type": "code", "source": 5}]}',
    ])("%j is no notebook", (text) => expect(parseNotebook(text)).toBeUndefined());

    it("metadata of any form keeps no notebook from being read", () => {
        expect(parseNotebook('{"cells": [], "metadata": {"kernelspec": 3}}')).toEqual({cells: [], language: "python"});
    });

    it("are told by their name", () => {
        expect(isNotebookPath("a/B.IPYNB")).toBe(true);
        expect(isNotebookPath("a.ipynb.py")).toBe(false);
    });
});
