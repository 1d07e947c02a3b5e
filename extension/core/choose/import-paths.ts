/**
 * Owns the steps that resolving imports takes in every language: beside the importer, in the folders above
 * it, in the usual source roots.
 */
import {folderOf, foldersAbove, joinPath, normaliseRelative} from "../files/paths.js";
import type {PathIndex} from "./path-index.js";
import type {ImportReference} from "./scan-imports.js";

/** The files that an import means, as far as the known paths tell. */
export type Resolver = (importer: string, reference: ImportReference, known: PathIndex) => string[];

export function one(path: string | undefined): string[] {
    return path === undefined ? [] : [path];
}

export function only(known: PathIndex, path: string | undefined): string | undefined {
    return path !== undefined && known.has(path) ? path : undefined;
}

/** The path that a relative specifier means, or undefined when it leaves the workspace. */
export function relative(importer: string, specifier: string): string | undefined {
    return normaliseRelative(joinPath(folderOf(importer), specifier));
}

/** The importer's folder and those above it, nearest first, each with the usual source roots in it. */
export function searchFolders(importer: string, roots: readonly string[]): string[] {
    return foldersAbove(importer)
        .reverse()
        .flatMap((folder) => roots.map((root) => (root === "" ? folder : joinPath(folder, root))));
}

export function firstAbove(
    importer: string,
    roots: readonly string[],
    find: (folder: string) => string | undefined,
): string | undefined {
    for (const folder of searchFolders(importer, roots)) {
        const found = find(folder);
        if (found !== undefined) return found;
    }
    return undefined;
}

export function upwards(folder: string, n: number): string | undefined {
    let path: string | undefined = folder;
    for (let i = 0; i < n; i++) {
        if (path === "") return undefined;
        path = folderOf(path);
    }
    return path;
}
