/** Owns the order in which files are read in the background: what somebody looks at, what that imports, then the rest. Pure. */

/**
 * @param paths all that is to be read, in the order of the rest
 * @param near the files at hand (pinned, open), the nearest first; those that are not to be read only lend their imports
 * @param importsOf the known files that a file imports
 */
export function readingOrder(
    paths: readonly string[],
    near: readonly string[],
    importsOf: (path: string) => readonly string[],
): string[] {
    const isWanted = new Set(paths);
    const first = [...near, ...near.flatMap(importsOf)].filter((path) => isWanted.has(path));
    return [...new Set([...first, ...paths])];
}
