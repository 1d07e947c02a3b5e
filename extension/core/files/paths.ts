/**
 * Owns the one spelling of a path inside Kvasir: relative to the workspace root, forward slashes, no `.`
 * or `..`. Must not know the disk: it works on text, so that it is the same on every platform.
 */

/** Forward slashes, whatever the platform wrote. A backslash is a legal character in a POSIX file name, so only Windows paths are changed. */
export function toPosix(path: string, isWindows: boolean): string {
    return isWindows ? path.replaceAll("\\", "/") : path;
}

/**
 * Removes `.`, `..`, doubled and trailing slashes from a relative POSIX path. `""` is the root itself.
 * @returns undefined when the path leaves the root or is absolute.
 */
export function normaliseRelative(path: string): string | undefined {
    if (path.startsWith("/") || /^[A-Za-z]:\//.test(path)) return undefined;
    const parts: string[] = [];
    for (const part of path.split("/")) {
        if (part === "" || part === ".") continue;
        if (part !== "..") parts.push(part);
        else if (parts.pop() === undefined) return undefined;
    }
    return parts.join("/");
}

/**
 * The workspace-relative POSIX path of an absolute path.
 * @param root absolute folder, both in the platform's own spelling
 * @returns undefined when `absolute` is not inside `root`; `""` for the root itself
 */
export function relativeTo(root: string, absolute: string, isWindows: boolean): string | undefined {
    const base = withoutTrailingSlash(toPosix(root, isWindows));
    const path = withoutTrailingSlash(toPosix(absolute, isWindows));
    const isInside = isWindows ? path.toLowerCase().startsWith(base.toLowerCase() + "/") : path.startsWith(base + "/");
    if (isInside) return normaliseRelative(path.slice(base.length + 1));
    return (isWindows ? path.toLowerCase() === base.toLowerCase() : path === base) ? "" : undefined;
}

/** `folder` + `/` + `name`, where `""` is the root. */
export function joinPath(folder: string, name: string): string {
    return folder === "" ? name : `${folder}/${name}`;
}

/** The folder of a relative path; `""` for a file in the root. */
export function folderOf(path: string): string {
    return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The last part of a path: `src/a.test.ts` gives `a.test.ts`. */
export function baseNameOf(path: string): string {
    return path.slice(path.lastIndexOf("/") + 1);
}

/** Lower-case, without the dot: `src/a.test.TS` gives `ts`; `""` for `Makefile` and `.gitignore`. */
export function extensionOf(path: string): string {
    const name = baseNameOf(path);
    const dot = name.lastIndexOf(".");
    return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}

/** The base name up to its last dot: `src/a.test.ts` gives `a.test`; a leading dot belongs to the stem. */
export function stemOf(path: string): string {
    const name = baseNameOf(path);
    const dot = name.lastIndexOf(".");
    return dot <= 0 ? name : name.slice(0, dot);
}

/** Every folder above a path, the root (`""`) first: `a/b/c.ts` gives `["", "a", "a/b"]`. */
export function foldersAbove(path: string): string[] {
    const folders = [""];
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
        folders.push(path.slice(0, slash));
    return folders;
}

function withoutTrailingSlash(path: string): string {
    return path.endsWith("/") ? path.slice(0, -1) : path;
}
