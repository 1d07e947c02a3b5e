/** Owns what an operating system's error about a path means for the list of skipped files. */
import type {SkipReason} from "../../core/files/skip-reason.js";

const reasons: Record<string, SkipReason> = {
    ENOENT: "missing",
    ENOTDIR: "missing",
    ELOOP: "symlink",
    EISDIR: "not-a-file",
    ENXIO: "not-a-file",
    EACCES: "unreadable",
    EPERM: "unreadable",
};

/** Any failure but the ones above (an I/O error, too many open files, a stale network folder) is `unreadable`. */
export function skipReasonOfError(error: unknown): SkipReason {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return reasons[code] ?? "unreadable";
}
