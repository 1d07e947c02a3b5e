/**
 * Owns how a notebook reads as one text: the code cells of one language in order, other cells as comments, so that a
 * cell is completed with what was defined above it.
 */

export interface NotebookCell {
    kind: "code" | "markup";
    languageId: string;
    text: string;
}

export interface NotebookPlace {
    text: string;
    /** UTF-16 offset of the cursor in the joined text. */
    offset: number;
}

const lineComment: Readonly<Record<string, string>> = {
    python: "#",
    r: "#",
    julia: "#",
    ruby: "#",
    shellscript: "#",
    powershell: "#",
    sql: "--",
    lua: "--",
    haskell: "--",
};

/** One blank line keeps two cells apart without looking like the end of the file. */
const between = "\n\n";

/**
 * The notebook's text as the cell's language sees it. A markup cell itself is completed as it is, without the others.
 * @param index the cell with the cursor
 * @param offset UTF-16 offset in that cell
 * @throws RangeError when there is no such cell
 */
export function notebookText(cells: readonly NotebookCell[], index: number, offset: number): NotebookPlace {
    const current = cells[index];
    if (current === undefined) throw new RangeError(`There is no cell ${index} of ${cells.length}.`);
    if (current.kind === "markup") return {text: current.text, offset};
    const parts: string[] = [];
    let start = 0;
    for (const [at, cell] of cells.entries()) {
        if (at === index) start = parts.reduce((length, part) => length + part.length + between.length, 0);
        const part = at === index ? cell.text : asSeenBy(current.languageId, cell);
        if (at === index || part !== "") parts.push(part);
    }
    return {text: parts.join(between), offset: start + offset};
}

/** A cell of another language is only what its comment tells; code of the same language is code. */
function asSeenBy(languageId: string, {kind, languageId: cellLanguage, text}: NotebookCell): string {
    if (kind === "code") return cellLanguage === languageId ? text : "";
    const mark = lineComment[languageId] ?? "//";
    if (text.trim() === "") return "";
    return text
        .split("\n")
        .map((line) => `${mark} ${line}`.trimEnd())
        .join("\n");
}
