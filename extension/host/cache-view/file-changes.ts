/** Owns what of a list of files differs from the one sent before, so that ten thousand files are sent once. Pure. */
import type {FileStatus} from "../../protocol/engine.js";

export interface FileChanges {
    changed: FileStatus[];
    removed: string[];
}

export function fileChanges(before: ReadonlyMap<string, FileStatus>, now: readonly FileStatus[]): FileChanges {
    const paths = new Set(now.map(({path}) => path));
    return {
        changed: now.filter((file) => {
            const known = before.get(file.path);
            return known === undefined || !isSame(known, file);
        }),
        removed: [...before.keys()].filter((path) => !paths.has(path)),
    };
}

/** Both are flat. */
function isSame(a: FileStatus, b: FileStatus): boolean {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof FileStatus>;
    return [...keys].every((key) => a[key] === b[key]);
}
