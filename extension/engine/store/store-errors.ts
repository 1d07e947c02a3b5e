/**
 * From what the file system says to what a person is told: errno values become coded errors, once for
 * the whole store. Errors that did not come from the file system pass through untouched.
 */
import {KvasirError, diskFull, isKvasirError, storeReadOnly} from "../../protocol/errors.js";

const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const outOfHandles = new Set(["EMFILE", "ENFILE"]);

/** The errno name of a file system error ("ENOENT"), undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
    if (!(error instanceof Error) || isKvasirError(error)) return undefined;
    const {code, syscall} = error as NodeJS.ErrnoException;
    return typeof code === "string" && syscall !== undefined ? code : undefined;
}

/** True when the file, or a folder on the way to it, is not there (or no longer: ESTALE on network drives). */
export function isMissing(error: unknown): boolean {
    const errno = errnoOf(error);
    return errno === "ENOENT" || errno === "ENOTDIR" || errno === "ESTALE";
}

/**
 * Error of a failed write in the store: `disk-full`, `busy` (no file handles left) or `store-read-only`
 * (no right to write, an I/O error, a folder that cannot be made).
 */
export function storeWriteError(path: string, error: unknown): unknown {
    const errno = errnoOf(error);
    if (errno === undefined) return error;
    if (full.has(errno)) return diskFull(path, error);
    if (outOfHandles.has(errno)) return noHandles(path, error);
    return storeReadOnly(path, error);
}

/** Error of a failed read that says nothing about the content: `busy` or `store-read-only` (no right to read either). */
export function storeReadError(path: string, error: unknown): unknown {
    const errno = errnoOf(error);
    if (errno === undefined) return error;
    if (outOfHandles.has(errno)) return noHandles(path, error);
    return new KvasirError("store-read-only", `${path} cannot be read (${errno}).`, {
        fix: "Check the rights of the cache folder or choose another with --cache-dir.",
        cause: error,
    });
}

function noHandles(path: string, cause: unknown): KvasirError {
    return new KvasirError("busy", `there was no file handle left for ${path}.`, {
        fix: "Try again, or raise the limit of open files (ulimit -n).",
        cause,
    });
}
