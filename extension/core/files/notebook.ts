/**
 * Owns how a notebook is read: its cells as code in the notebook's language, prose as comments, outputs left out. Must
 * not know the editor, the disk, or the form of a file (parse-notebook.ts).
 */
export interface NotebookCell {
    kind: "code" | "prose";
    text: string;
}

/** True for files whose text is a notebook's JSON. */
export function isNotebookPath(path: string): boolean {
    return path.toLowerCase().endsWith(".ipynb");
}

const slashLanguages = new Set([
    "javascript",
    "typescript",
    "java",
    "c",
    "cpp",
    "c++",
    "csharp",
    "c#",
    "go",
    "rust",
    "scala",
    "kotlin",
    "swift",
    "fsharp",
    "f#",
]);

/** One text of all cells, divided by the marks that editors know as cells ("# %%", "# %% [markdown]"). */
export function notebookText(cells: readonly NotebookCell[], language: string): string {
    const comment = slashLanguages.has(language.toLowerCase()) ? "//" : "#";
    return cells
        .map(({kind, text}) => {
            if (kind === "code") return `${comment} %%\n${text}`;
            const lines = text.split("\n").map((line) => (line === "" ? comment : `${comment} ${line}`));
            return `${comment} %% [markdown]\n${lines.join("\n")}`;
        })
        .join("\n\n")
        .concat("\n");
}
