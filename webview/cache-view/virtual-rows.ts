/** Owns which rows of a long list exist in the page: those in sight and a few around them. Pure. */

export interface RowWindow {
    /** First row that exists. */
    readonly start: number;
    /** Behind the last row that exists. */
    readonly end: number;
}

/** Rows above and below the visible ones, so that scrolling by a key never shows a gap. */
const around = 8;

/** @param heights in the same unit */
export function rowWindow(
    nRows: number,
    {scrollTop, viewHeight, rowHeight}: {scrollTop: number; viewHeight: number; rowHeight: number},
): RowWindow {
    if (nRows === 0 || !(rowHeight > 0)) return {start: 0, end: 0};
    const first = Math.floor(Math.max(0, scrollTop) / rowHeight);
    const nVisible = Math.ceil(Math.max(0, viewHeight) / rowHeight) + 1;
    const start = Math.max(0, Math.min(first, nRows - nVisible) - around);
    return {start, end: Math.min(nRows, Math.max(first, 0) + nVisible + around)};
}

/** The scroll position that brings a row into sight with the least movement. */
export function scrollTo(
    row: number,
    {scrollTop, viewHeight, rowHeight}: {scrollTop: number; viewHeight: number; rowHeight: number},
): number {
    const top = row * rowHeight;
    if (top < scrollTop) return top;
    if (top + rowHeight > scrollTop + viewHeight) return top + rowHeight - viewHeight;
    return scrollTop;
}
