/** Owns how keys move in a grid (WAI-ARIA grid pattern). Pure; the view keeps the cursor and shows it. */

export interface GridCursor {
    readonly row: number;
    readonly column: number;
}

export interface GridSize {
    /** Row numbers reach from `firstRow` (a header may be -1) to `nRows - 1`. */
    readonly firstRow: number;
    readonly nRows: number;
    readonly nColumns: number;
    /** Rows that Page Up and Page Down jump. */
    readonly pageRows: number;
}

/** The cursor after a key, or undefined when the key does not move. */
export function moveCursor(
    {row, column}: GridCursor,
    {key, ctrlKey}: {key: string; ctrlKey: boolean},
    {firstRow, nRows, nColumns, pageRows}: GridSize,
): GridCursor | undefined {
    const to = (nextRow: number, nextColumn: number): GridCursor => ({
        row: Math.max(firstRow, Math.min(nRows - 1, nextRow)),
        column: Math.max(0, Math.min(nColumns - 1, nextColumn)),
    });
    switch (key) {
        case "ArrowDown":
            return to(row + 1, column);
        case "ArrowUp":
            return to(row - 1, column);
        case "ArrowRight":
            return to(row, column + 1);
        case "ArrowLeft":
            return to(row, column - 1);
        case "PageDown":
            return to(row + pageRows, column);
        case "PageUp":
            // From the list into the header only by the arrow: a page up that overshoots ends on the first row.
            return to(Math.max(Math.min(row, 0), row - pageRows), column);
        case "Home":
            return ctrlKey ? to(0, 0) : to(row, 0);
        case "End":
            return ctrlKey ? to(nRows - 1, nColumns - 1) : to(row, nColumns - 1);
        default:
            return undefined;
    }
}
