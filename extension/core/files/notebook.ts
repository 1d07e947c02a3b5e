/**
 * Owns how a notebook is read: its cells as code in the notebook's language, prose as comments, outputs left out. Must
 * not know the editor or the disk.
 */
import * as z from "zod";

export interface NotebookCell {
    kind: "code" | "prose";
    text: string;
}

/** Only what is read; notebooks of other tools carry much else. */
const notebookSchema = z.object({
    cells: z.array(z.object({cell_type: z.string(), source: z.union([z.string(), z.array(z.string())]).default("")})),
    metadata: z
        .object({
            kernelspec: z.object({language: z.string().optional()}).optional().catch(undefined),
            language_info: z.object({name: z.string().optional()}).optional().catch(undefined),
        })
        .optional()
        .catch(undefined),
});

/** True for files whose text is a notebook's JSON. */
export function isNotebookPath(path: string): boolean {
    return path.toLowerCase().endsWith(".ipynb");
}

/** The cells of an .ipynb file, or undefined when it is none. */
export function parseNotebook(json: string): {cells: NotebookCell[]; language: string} | undefined {
    let value: unknown;
    try {
        value = JSON.parse(json);
    } catch {
        return undefined;
    }
    const parsed = notebookSchema.safeParse(value);
    if (!parsed.success) return undefined;
    const {cells, metadata} = parsed.data;
    return {
        cells: cells
            .filter(({cell_type}) => cell_type === "code" || cell_type === "markdown")
            .map(({cell_type, source}) => ({
                kind: cell_type === "code" ? "code" : "prose",
                text: typeof source === "string" ? source : source.join(""),
            })),
        language: metadata?.language_info?.name ?? metadata?.kernelspec?.language ?? "python",
    };
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
