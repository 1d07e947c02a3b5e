/**
 * Owns what the map shows as one rectangle each: files where they are large, whole folders where they are small, so that
 * ten thousand files stay a few hundred rectangles and the detail is where the bytes are. Pure.
 */
import type {FileStatus} from "../../extension/protocol/engine.js";
import {nothing, plus, type Totals} from "./totals.js";

export interface MapCell {
    /** A file's path or a folder's. */
    readonly path: string;
    /** Undefined for a folder that stands for everything in it. */
    readonly file?: FileStatus;
    readonly totals: Totals;
    readonly weight: number;
}

export interface MapFolder {
    readonly path: string;
    readonly weight: number;
    readonly children: readonly (MapFolder | MapCell)[];
}

/** What the area of a rectangle stands for. */
export type MapMeasure = (file: FileStatus) => number;

interface Node {
    path: string;
    totals: Totals;
    weight: number;
    file?: FileStatus;
    children?: Map<string, Node>;
    isOpen: boolean;
}

export function isFolder(node: MapFolder | MapCell): node is MapFolder {
    return "children" in node;
}

/**
 * The tree of rectangles below a folder. Folders are opened from the heaviest on, as long as the rectangles stay within
 * `maxCells`; files without weight are left out.
 * @param folder "" for the workspace
 */
export function folderCells(
    files: Iterable<FileStatus>,
    folder: string,
    measure: MapMeasure,
    maxCells: number,
): MapFolder {
    const root: Node = {path: folder, totals: nothing, weight: 0, children: new Map(), isOpen: true};
    const prefix = folder === "" ? "" : `${folder}/`;
    for (const file of files) {
        const weight = file.reason === undefined ? measure(file) : 0;
        if (weight > 0 && file.path.startsWith(prefix)) insert(root, file, weight, prefix.length);
    }
    openHeaviest(root, maxCells);
    return shown(root) as MapFolder;
}

function insert(root: Node, file: FileStatus, weight: number, from: number): void {
    let node = root;
    add(node, file, weight);
    for (let slash = file.path.indexOf("/", from); slash >= 0; slash = file.path.indexOf("/", slash + 1)) {
        const path = file.path.slice(0, slash);
        node = childOf(node, path, () => ({path, totals: nothing, weight: 0, children: new Map(), isOpen: false}));
        add(node, file, weight);
    }
    const leaf = childOf(node, file.path, () => ({path: file.path, totals: nothing, weight: 0, file, isOpen: false}));
    add(leaf, file, weight);
}

function childOf(node: Node, path: string, make: () => Node): Node {
    const children = (node.children ??= new Map<string, Node>());
    let child = children.get(path);
    if (child === undefined) children.set(path, (child = make()));
    return child;
}

function add(node: Node, file: FileStatus, weight: number): void {
    node.totals = plus(node.totals, file);
    node.weight += weight;
}

function openHeaviest(root: Node, maxCells: number): void {
    let nCells = root.children?.size ?? 0;
    let closed = foldersIn(root);
    while (closed.length > 0) {
        closed.sort((a, b) => b.weight - a.weight || (a.path < b.path ? -1 : 1));
        const at = closed.findIndex((node) => nCells - 1 + (node.children?.size ?? 0) <= maxCells);
        const node = closed[at];
        if (node === undefined) return;
        node.isOpen = true;
        nCells += (node.children?.size ?? 0) - 1;
        // Those passed over were too full for the room left, and room only shrinks.
        closed = [...closed.slice(at + 1), ...foldersIn(node)];
    }
}

function foldersIn(node: Node): Node[] {
    return [...(node.children?.values() ?? [])].filter((child) => child.children !== undefined);
}

function shown({path, totals, weight, file, children, isOpen}: Node): MapFolder | MapCell {
    if (file !== undefined) return {path, file, totals, weight};
    if (!isOpen || children === undefined) return {path, totals, weight};
    return {path, weight, children: [...children.values()].map(shown)};
}
