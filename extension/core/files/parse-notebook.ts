/** Owns the form of a notebook's file (.ipynb): JSON with cells, of which only what is read is looked at. */
import * as z from "zod";
import type {NotebookCell} from "./notebook.js";

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
