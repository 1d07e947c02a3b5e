/** Owns sums over files: the whole list, tiers, and folders with everything below them. Pure. */
import type {EngineStatus, FileStatus, Tier} from "../../extension/protocol/engine.js";

export interface Totals {
    readonly files: number;
    readonly tokens: number;
    readonly keptRows: number;
    readonly bytes: number;
    /** What the same files would take uncut. */
    readonly fullBytes: number;
}

export const nothing: Totals = {files: 0, tokens: 0, keptRows: 0, bytes: 0, fullBytes: 0};

export function plus(totals: Totals, file: FileStatus): Totals {
    return {
        files: totals.files + 1,
        tokens: totals.tokens + file.tokens,
        keptRows: totals.keptRows + file.keptRows,
        bytes: totals.bytes + file.bytes,
        fullBytes: totals.fullBytes + file.fullBytes,
    };
}

/** Files that can be read, by where their rows are. */
export function totalsByTier(files: Iterable<FileStatus>): Record<Tier, Totals> {
    const totals = {attended: nothing, memory: nothing, disk: nothing, known: nothing};
    for (const file of files) if (file.reason === undefined) totals[file.tier] = plus(totals[file.tier], file);
    return totals;
}

export interface FolderTotals {
    /** "" for the whole workspace. */
    readonly folder: string;
    readonly depth: number;
    readonly totals: Totals;
    /** Rows in memory among its files. */
    readonly resident: number;
}

/** Every folder with what is in it and below it, in the order of a tree. */
export function totalsByFolder(files: Iterable<FileStatus>): FolderTotals[] {
    const sums = new Map<string, {totals: Totals; resident: number}>();
    for (const file of files) {
        if (file.reason !== undefined) continue;
        const isResident = file.tier === "attended" || file.tier === "memory";
        for (const folder of foldersOf(file.path)) {
            const {totals, resident} = sums.get(folder) ?? {totals: nothing, resident: 0};
            sums.set(folder, {totals: plus(totals, file), resident: resident + Number(isResident)});
        }
    }
    // "a/b" comes before "a.b" in a tree although "/" sorts behind ".": folders are compared name by name.
    return [...sums.entries()]
        .sort(([a], [b]) => comparePaths(a, b))
        .map(([folder, sum]) => ({folder, depth: folder === "" ? 0 : folder.split("/").length, ...sum}));
}

/** All folders of a path from the root down, "" first. */
export function foldersOf(path: string): string[] {
    const folders = [""];
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
        folders.push(path.slice(0, slash));
    }
    return folders;
}

function comparePaths(a: string, b: string): number {
    const left = a.split("/");
    const right = b.split("/");
    for (let at = 0; at < Math.min(left.length, right.length); at++) {
        const one = left[at] ?? "";
        const other = right[at] ?? "";
        if (one !== other) return one < other ? -1 : 1;
    }
    return left.length - right.length;
}

export type BudgetPart = "attended" | "memory" | "other" | "free";

/** The parts of the KV limit in bytes; together they are the limit, or what is used when that is more. */
export function budgetParts(
    kv: EngineStatus["kv"],
    byTier: Readonly<Record<Tier, Totals>>,
): Record<BudgetPart, number> {
    const attended = Math.min(byTier.attended.bytes, kv.usedBytes);
    const memory = Math.min(byTier.memory.bytes, kv.usedBytes - attended);
    return {
        attended,
        memory,
        // Conversations, completions and the room in which files are read.
        other: kv.usedBytes - attended - memory,
        free: Math.max(0, kv.limitBytes - kv.usedBytes),
    };
}
