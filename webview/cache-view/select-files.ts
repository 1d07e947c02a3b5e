/** Owns which files the list shows, and in which order. Pure. */
import type {FileStatus, Tier} from "../../extension/protocol/engine.js";
import type {Chosen, Column, Filter} from "./state.js";

/** Nearest to the model first. */
export const tiers: readonly Tier[] = ["attended", "memory", "disk", "known"];

/** Share of the rows of a file that is kept; 0 when it is not read. */
export function keptShare({keptRows, tokens}: Pick<FileStatus, "keptRows" | "tokens">): number {
    return tokens === 0 ? 0 : Math.min(1, keptRows / tokens);
}

/** Files that match every word of the search in their path, in the order of the sort; equal ones by path. */
export function selectFiles(
    files: Iterable<FileStatus>,
    {search, filter, sort}: Pick<Chosen, "search" | "filter" | "sort">,
): FileStatus[] {
    const words = search
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== "");
    const chosen = [...files].filter(
        (file) => passes(file, filter) && words.every((word) => file.path.toLowerCase().includes(word)),
    );
    const direction = sort.isDescending ? -1 : 1;
    const value = values[sort.column];
    return chosen.sort((a, b) => {
        const left = value(a);
        const right = value(b);
        if (left !== right) return left < right ? -direction : direction;
        return a.path < b.path ? -1 : 1;
    });
}

function passes(file: FileStatus, filter: Filter): boolean {
    switch (filter) {
        case "all":
            return true;
        case "pinned":
            return file.pinned;
        case "unread":
            return file.reason !== undefined;
        case "attended":
        case "memory":
        case "disk":
            return file.tier === filter;
        case "known":
            return file.tier === "known" && file.reason === undefined;
    }
}

const values: Record<Column, (file: FileStatus) => number | string> = {
    path: (file) => file.path,
    tokens: (file) => file.tokens,
    kept: keptShare,
    bytes: (file) => file.bytes,
    tier: (file) => (file.reason === undefined ? tiers.indexOf(file.tier) : tiers.length),
    refined: (file) => Number(file.refined),
    seen: (file) => file.lastAttendedMs ?? 0,
    hits: (file) => file.hits,
};
