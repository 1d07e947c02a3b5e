/** Files for tests of the cache view. */
import type {FileStatus} from "../../../extension/protocol/engine.js";

/** A file that was read and is resident, cut to a quarter, unless said otherwise. */
export function fileStatus(path: string, change: Partial<FileStatus> = {}): FileStatus {
    const tokens = change.tokens ?? 100;
    const keptRows = change.keptRows ?? tokens / 4;
    return {
        path,
        tokens,
        keptRows,
        bytes: keptRows * 1000,
        fullBytes: tokens * 1000,
        tier: "memory",
        refined: false,
        pinned: false,
        hits: 0,
        ...change,
    };
}
