/** Owns the geometry of the map: squarified rectangles in a box (Bruls, Huizing, van Wijk 2000), by d3-hierarchy. Pure. */
import {hierarchy, treemap, treemapSquarify} from "d3-hierarchy";
import {isFolder, type MapCell, type MapFolder} from "./folder-cells.js";

export interface Rectangle {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
}

export interface PlacedCell extends Rectangle {
    readonly cell: MapCell;
}

/** An opened folder: its frame with room for a name. */
export interface PlacedFolder extends Rectangle {
    readonly path: string;
    readonly hasTitle: boolean;
}

export interface MapLayout {
    readonly cells: readonly PlacedCell[];
    readonly folders: readonly PlacedFolder[];
}

/** px: room for a folder's name. */
export const titleHeight = 16;
/** A smaller folder has no room for a name. */
const leastTitled = {width: 60, height: 48};

/** Rectangles in a box, in reading order: from the top, then from the left. Weightless boxes give none. */
export function layoutMap(root: MapFolder, {width, height}: {width: number; height: number}): MapLayout {
    if (!(width > 0) || !(height > 0) || root.weight === 0) return {cells: [], folders: []};
    const tree = hierarchy<MapFolder | MapCell>(root, (node) => (isFolder(node) ? node.children : undefined))
        .sum((node) => (isFolder(node) ? 0 : node.weight))
        .sort((a, b) => (b.value ?? 0) - (a.value ?? 0) || (a.data.path < b.data.path ? -1 : 1));
    const placed = treemap<MapFolder | MapCell>()
        .tile(treemapSquarify)
        .size([width, height])
        .paddingInner(1)
        .paddingOuter((node) => (node.depth === 0 ? 0 : 1))
        .paddingTop((node) => (node.depth > 0 && hasRoom(node.x1 - node.x0, node.y1 - node.y0) ? titleHeight : 1))(
        tree,
    );
    const cells: PlacedCell[] = [];
    const folders: PlacedFolder[] = [];
    for (const {data, depth, x0, y0, x1, y1} of placed.descendants()) {
        const box = {x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0)};
        if (!isFolder(data)) cells.push({...box, cell: data});
        else if (depth > 0) folders.push({...box, path: data.path, hasTitle: hasRoom(box.width, box.height)});
    }
    cells.sort((a, b) => a.y - b.y || a.x - b.x);
    return {cells, folders};
}

function hasRoom(width: number, height: number): boolean {
    return width >= leastTitled.width && height >= leastTitled.height;
}

export type Direction = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight";

/** The nearest rectangle in a direction, by the distance of the edges first and of the middles then. */
export function neighbour(cells: readonly PlacedCell[], from: number, direction: Direction): number {
    const start = cells[from];
    if (start === undefined) return from;
    let best = from;
    let bestScore = Number.POSITIVE_INFINITY;
    for (const [at, cell] of cells.entries()) {
        if (at === from) continue;
        const score = distance(start, cell, direction);
        if (score < bestScore) {
            bestScore = score;
            best = at;
        }
    }
    return best;
}

function distance(from: Rectangle, to: Rectangle, direction: Direction): number {
    const isVertical = direction === "ArrowUp" || direction === "ArrowDown";
    const flip = direction === "ArrowUp" || direction === "ArrowLeft" ? -1 : 1;
    const along = (box: Rectangle) => (isVertical ? box.y + box.height / 2 : box.x + box.width / 2) * flip;
    const across = (box: Rectangle) => (isVertical ? box.x + box.width / 2 : box.y + box.height / 2);
    const ahead = along(to) - along(from);
    if (ahead <= 0) return Number.POSITIVE_INFINITY;
    // Only what begins beyond this rectangle lies in the direction; a neighbour beside it does not.
    const gap = isVertical
        ? flip > 0
            ? to.y - (from.y + from.height)
            : from.y - (to.y + to.height)
        : flip > 0
          ? to.x - (from.x + from.width)
          : from.x - (to.x + to.width);
    if (gap < -1) return Number.POSITIVE_INFINITY;
    const overlaps = isVertical
        ? to.x < from.x + from.width && to.x + to.width > from.x
        : to.y < from.y + from.height && to.y + to.height > from.y;
    return gap * 4 + Math.abs(across(to) - across(from)) + (overlaps ? 0 : 10_000);
}
