/**
 * Owns the set of known paths with the look-ups that resolving imports and names in a question needs: by
 * exact path, by file name, by folder, by the end of a path. Answers are sorted, so every choice made from
 * them is the same on every machine.
 */
import {baseNameOf, folderOf, stemOf} from "../files/paths.js";

export class PathIndex {
    readonly #paths = new Set<string>();
    readonly #byName = new Map<string, Set<string>>();
    readonly #byStem = new Map<string, Set<string>>();
    readonly #byFolder = new Map<string, Set<string>>();
    readonly #foldersByName = new Map<string, Set<string>>();
    /** Rises with every change: what was derived from an older version is stale. */
    version = 0;

    constructor(paths: Iterable<string> = []) {
        for (const path of paths) this.add(path);
    }

    add(path: string): void {
        if (this.#paths.has(path)) return;
        this.#paths.add(path);
        this.version += 1;
        put(this.#byName, baseNameOf(path), path);
        put(this.#byStem, stemOf(path).toLowerCase(), path);
        const folder = folderOf(path);
        put(this.#byFolder, folder, path);
        if (folder !== "") put(this.#foldersByName, baseNameOf(folder), folder);
    }

    delete(path: string): void {
        if (!this.#paths.delete(path)) return;
        this.version += 1;
        drop(this.#byName, baseNameOf(path), path);
        drop(this.#byStem, stemOf(path).toLowerCase(), path);
        const folder = folderOf(path);
        drop(this.#byFolder, folder, path);
        if (!this.#byFolder.has(folder)) drop(this.#foldersByName, baseNameOf(folder), folder);
    }

    get size(): number {
        return this.#paths.size;
    }

    has(path: string): boolean {
        return this.#paths.has(path);
    }

    /** All paths, sorted. */
    all(): string[] {
        return [...this.#paths].sort();
    }

    /** Files directly in a folder, sorted. */
    filesIn(folder: string): string[] {
        return sorted(this.#byFolder.get(folder));
    }

    hasFilesIn(folder: string): boolean {
        return this.#byFolder.has(folder);
    }

    /** Files with this base name (`a.ts`), sorted. */
    named(name: string): string[] {
        return sorted(this.#byName.get(name));
    }

    /** Files whose base name without its extension is this, whatever its case, sorted. */
    withStem(stem: string): string[] {
        return sorted(this.#byStem.get(stem.toLowerCase()));
    }

    /** Files whose path ends with these whole parts: `b/c.ts` finds `a/b/c.ts` but not `ab/c.ts`. Sorted. */
    endingWith(suffix: string): string[] {
        return this.named(baseNameOf(suffix)).filter((path) => path === suffix || path.endsWith(`/${suffix}`));
    }

    /** Folders with files in them whose path ends with these whole parts, sorted. */
    foldersEndingWith(suffix: string): string[] {
        return sorted(this.#foldersByName.get(baseNameOf(suffix))).filter(
            (folder) => folder === suffix || folder.endsWith(`/${suffix}`),
        );
    }
}

/** The path that shares the most leading folders with `near`; among equals the shortest, then the first. */
export function nearestPath(paths: readonly string[], near: string): string | undefined {
    let best: string | undefined;
    let bestShared = -1;
    for (const path of paths) {
        const shared = nSharedFolders(path, near);
        if (shared > bestShared || (shared === bestShared && path.length < best!.length)) {
            best = path;
            bestShared = shared;
        }
    }
    return best;
}

function nSharedFolders(a: string, b: string): number {
    const partsA = a.split("/");
    const partsB = b.split("/");
    let n = 0;
    while (n < partsA.length - 1 && n < partsB.length - 1 && partsA[n] === partsB[n]) n += 1;
    return n;
}

function put(map: Map<string, Set<string>>, key: string, value: string): void {
    const set = map.get(key);
    if (set === undefined) map.set(key, new Set([value]));
    else set.add(value);
}

function drop(map: Map<string, Set<string>>, key: string, value: string): void {
    const set = map.get(key);
    if (set?.delete(value) && set.size === 0) map.delete(key);
}

function sorted(set: Set<string> | undefined): string[] {
    return set === undefined ? [] : [...set].sort();
}
