/** Tables for people: no frames, columns that line up, long first columns shortened in the middle. */
import Table from "cli-table3";
import type {Colors} from "./terminal.js";

export interface Column {
    title: string;
    align?: "left" | "right";
}

const noFrame = {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
    "bottom-right": "",
    left: "",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
    middle: "  ",
};

/** A first column shorter than this would say nothing. */
const minFirstColumns = 16;

/**
 * @param rows cells as text; the first column (a path) gives way when the table is wider than `width`
 * @returns lines without a newline at the end; "" when there are no rows
 */
export function formatTable(
    columns: readonly Column[],
    rows: readonly (readonly string[])[],
    {colors, width}: {colors: Colors; width: number},
): string {
    if (rows.length === 0) return "";
    const others = columns
        .slice(1)
        .map((column, index) => Math.max(column.title.length, ...rows.map((row) => row[index + 1]?.length ?? 0)) + 2);
    const room = Math.max(minFirstColumns, width - others.reduce((sum, each) => sum + each, 0));
    const table = new Table({
        chars: noFrame,
        style: {"padding-left": 0, "padding-right": 0, head: [], border: [], compact: true},
        colAligns: columns.map((column) => column.align ?? "left"),
        head: columns.map((column) => colors.dim(column.title)),
    });
    for (const [first = "", ...rest] of rows) table.push([shortenMiddle(first, room), ...rest]);
    return table
        .toString()
        .split("\n")
        .map((line) => line.trimEnd())
        .join("\n");
}

/** `extension/engine/store/disk-store.ts` in 20 columns: `extensio…sk-store.ts`. The end of a path says most. */
export function shortenMiddle(text: string, width: number): string {
    const characters = [...text];
    if (characters.length <= width) return text;
    const nStart = Math.floor((width - 1) * 0.4);
    return `${characters.slice(0, nStart).join("")}…${characters.slice(characters.length - (width - 1 - nStart)).join("")}`;
}
