/**
 * Owns how a cell and its cursor become a place in the text of the whole notebook, the same text that is read from its
 * file, so that a cell is completed with what was defined above it.
 */
import {type NotebookCell, notebookText} from "../files/notebook.js";

export interface NotebookPlace {
    text: string;
    /** UTF-16 offset of the cursor in the notebook's text. */
    offset: number;
}

/**
 * A cell of prose is completed as it is, without the others.
 * @param index the cell with the cursor
 * @param offset UTF-16 offset in that cell
 * @param language of the cell
 * @throws RangeError when there is no such cell
 */
export function notebookPlace(
    cells: readonly NotebookCell[],
    index: number,
    offset: number,
    language: string,
): NotebookPlace {
    const current = cells[index];
    if (current === undefined) throw new RangeError(`There is no cell ${index} of ${cells.length}.`);
    if (current.kind === "prose") return {text: current.text, offset};
    // The notebook up to the cursor, without the line feed that ends every notebook's text.
    const before = notebookText(
        [...cells.slice(0, index), {kind: "code", text: current.text.slice(0, offset)}],
        language,
    );
    return {text: notebookText(cells, language), offset: before.length - 1};
}
