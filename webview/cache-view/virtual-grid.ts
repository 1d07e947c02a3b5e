/**
 * Owns a sorted table of any length: only rows in sight exist, one tab stop, arrow keys move in it (WAI-ARIA grid with
 * an active descendant). Must not know what its rows are.
 */
import {h} from "../shared/dom.js";
import {type GridCursor, moveCursor} from "./grid-cursor.js";
import {icon} from "./icons.js";
import {rowWindow, scrollTo} from "./virtual-rows.js";

export interface GridColumn<Row, Id extends string> {
    readonly id: Id;
    readonly title: string;
    /** CSS grid track. */
    readonly width: string;
    /** The track in a side bar. */
    readonly narrowWidth?: string;
    readonly isNumber: boolean;
    /** Shown from this width of the grid on, px. */
    readonly fromWidth: number;
    cell(row: Row): (Node | string)[];
}

export interface GridOptions<Row, Id extends string> {
    readonly name: string;
    readonly label: string;
    readonly columns: readonly GridColumn<Row, Id>[];
    readonly keyOf: (row: Row) => string;
    /** Of the whole row, for its looks. */
    readonly classOf: (row: Row) => string;
    readonly onSort?: (column: Id) => void;
    readonly onSelect: (row: Row) => void;
    /** Enter, or a double click. */
    readonly onOpen: (row: Row) => void;
    /** A key that does not move. Answers whether it meant something. */
    readonly onKey?: (row: Row, event: KeyboardEvent) => boolean;
}

export interface GridContent<Row, Id extends string> {
    readonly rows: readonly Row[];
    readonly selected: string | undefined;
    readonly sort?: {readonly column: Id; readonly isDescending: boolean};
}

export interface VirtualGrid<Row, Id extends string> {
    readonly element: HTMLElement;
    show(content: GridContent<Row, Id>): void;
    /** Brings a row into sight and makes it the current one. */
    reveal(key: string): void;
}

/** px: a side bar as it opens. */
const narrowWidth = 420;

export function createVirtualGrid<Row, Id extends string>(options: GridOptions<Row, Id>): VirtualGrid<Row, Id> {
    const {name, columns, keyOf} = options;
    const header = h("div", {class: "grid-header", role: "row", "aria-rowindex": 1});
    const spacer = h("div", {class: "grid-rows", role: "rowgroup"});
    const scroller = h("div", {class: "grid-scroller", role: "presentation"}, spacer);
    const element = h(
        "div",
        {class: "grid", role: "grid", tabindex: 0, "aria-label": options.label},
        h("div", {role: "rowgroup"}, header),
        scroller,
    );
    let content: GridContent<Row, Id> = {rows: [], selected: undefined};
    let cursor: GridCursor = {row: 0, column: 0};
    let shownColumns = columns;
    let rowHeight = 0;
    let places = new Map<string, number>();

    const visible = () => ({
        scrollTop: scroller.scrollTop,
        viewHeight: scroller.clientHeight,
        rowHeight,
    });
    const cellId = (row: number, column: number) => `${name}-${row}-${column}`;

    function render(): void {
        renderHeader();
        renderRows();
    }

    function renderHeader(): void {
        const {sort} = content;
        header.replaceChildren(
            ...shownColumns.map((column, at) => {
                const isSorted = sort?.column === column.id;
                const cell = h(
                    "div",
                    {
                        id: cellId(-1, at),
                        class: `grid-cell${column.isNumber ? " number" : ""}${isCurrent(-1, at) ? " current" : ""}`,
                        role: "columnheader",
                        "aria-colindex": at + 1,
                        "aria-sort": isSorted ? (sort?.isDescending === true ? "descending" : "ascending") : undefined,
                    },
                    h("span", {class: "grid-title"}, column.title),
                );
                if (isSorted) cell.append(icon(sort?.isDescending === true ? "down" : "up"));
                if (options.onSort !== undefined) {
                    cell.classList.add("sortable");
                    onPress(cell, () => options.onSort?.(column.id));
                }
                return cell;
            }),
        );
    }

    function renderRows(): void {
        const {rows} = content;
        const {start, end} = rowWindow(rows.length, visible());
        spacer.style.setProperty("height", `${rows.length * rowHeight}px`);
        spacer.replaceChildren(...rows.slice(start, end).map((row, at) => rowElement(row, start + at)));
        element.setAttribute("aria-rowcount", String(rows.length + 1));
        element.setAttribute("aria-colcount", String(shownColumns.length));
        element.setAttribute("aria-activedescendant", cellId(cursor.row, cursor.column));
    }

    function rowElement(row: Row, at: number): HTMLElement {
        const isSelected = keyOf(row) === content.selected;
        const line = h(
            "div",
            {
                class: `grid-row ${options.classOf(row)}${isSelected ? " selected" : ""}`,
                role: "row",
                "aria-rowindex": at + 2,
                "aria-selected": isSelected ? "true" : "false",
            },
            shownColumns.map((column, columnAt) =>
                h(
                    "div",
                    {
                        id: cellId(at, columnAt),
                        class: `grid-cell${column.isNumber ? " number" : ""}${isCurrent(at, columnAt) ? " current" : ""}`,
                        role: columnAt === 0 ? "rowheader" : "gridcell",
                        "aria-colindex": columnAt + 1,
                    },
                    column.cell(row),
                ),
            ),
        );
        line.style.setProperty("top", `${at * rowHeight}px`);
        onPress(line, (event) => {
            const cell = (event.target as HTMLElement).closest(".grid-cell");
            const column = cell === null ? 0 : [...line.children].indexOf(cell);
            moveTo({row: at, column: Math.max(0, column)});
            if (event.detail === 2) options.onOpen(row);
        });
        return line;
    }

    /** Not by clicks: while files are read the list is drawn anew all the time, and a click ends where it began or nowhere. */
    function onPress(target: HTMLElement, run: (event: MouseEvent) => void): void {
        target.addEventListener("mousedown", (event) => {
            if (event.button !== 0) return;
            event.preventDefault();
            run(event);
            element.focus({preventScroll: true});
        });
    }

    function isCurrent(row: number, column: number): boolean {
        return cursor.row === row && cursor.column === column;
    }

    function measure(): void {
        const probe = h("div", {class: "grid-row probe"}, h("div", {class: "grid-cell"}, "X"));
        spacer.append(probe);
        // Whole pixels, and the same whatever the page is zoomed by.
        rowHeight = probe.offsetHeight;
        probe.remove();
        const width = element.clientWidth;
        shownColumns = columns.filter(({fromWidth}) => width >= fromWidth);
        const isNarrow = width < narrowWidth;
        element.classList.toggle("narrow", isNarrow);
        const tracks = shownColumns.map((column) => (isNarrow ? (column.narrowWidth ?? column.width) : column.width));
        element.style.setProperty("--columns", tracks.join(" "));
        // The header is as wide as the rows, beside the scroll bar.
        header.style.setProperty("margin-inline-end", `${scroller.offsetWidth - scroller.clientWidth}px`);
        cursor = {row: cursor.row, column: Math.min(cursor.column, shownColumns.length - 1)};
    }

    function moveTo(next: GridCursor): void {
        cursor = next;
        const row = content.rows[next.row];
        if (next.row >= 0) {
            scroller.scrollTop = scrollTo(next.row, visible());
        }
        render();
        if (row !== undefined && keyOf(row) !== content.selected) options.onSelect(row);
    }

    element.addEventListener("keydown", (event) => {
        const row = content.rows[cursor.row];
        if (event.key === "Enter") {
            event.preventDefault();
            const column = shownColumns[cursor.column];
            if (cursor.row < 0 && column !== undefined) options.onSort?.(column.id);
            else if (row !== undefined) options.onOpen(row);
            return;
        }
        const next = moveCursor(cursor, event, {
            firstRow: options.onSort === undefined ? 0 : -1,
            nRows: content.rows.length,
            nColumns: shownColumns.length,
            pageRows: Math.max(1, Math.floor(visible().viewHeight / rowHeight) - 1),
        });
        if (next !== undefined) {
            event.preventDefault();
            moveTo(next);
        } else if (row !== undefined && options.onKey?.(row, event) === true) event.preventDefault();
    });
    element.addEventListener("focus", () => {
        // Coming into the list for the first time by a key, its first row is the current one.
        if (!element.matches(":focus-visible")) return;
        if (content.selected === undefined && cursor.row >= 0) moveTo({...cursor, row: Math.max(0, cursor.row)});
    });
    scroller.addEventListener("scroll", renderRows, {passive: true});
    new ResizeObserver(() => {
        if (element.clientWidth === 0) return;
        measure();
        render();
    }).observe(element);

    return {
        element,
        show(next) {
            const isSameList = next.rows === content.rows;
            content = next;
            if (!isSameList) places = new Map(next.rows.map((row, at) => [keyOf(row), at]));
            // The current row stays the same file wherever the sort has put it.
            const at = next.selected === undefined ? undefined : places.get(next.selected);
            const last = next.rows.length - 1;
            if (cursor.row >= 0) cursor = {...cursor, row: Math.max(0, at ?? Math.min(cursor.row, last))};
            if (rowHeight === 0) measure();
            render();
        },
        reveal(key) {
            const at = places.get(key);
            if (at !== undefined) moveTo({row: at, column: 0});
        },
    };
}
