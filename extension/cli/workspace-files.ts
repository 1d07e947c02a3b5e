/**
 * From paths on the command line to files that the engine knows: scan, load, update. What is not text, or may not be
 * read, comes back with its reason.
 */
import {resolve} from "node:path";
import type {EngineApi, SourceFile} from "../protocol/engine.js";
import {fileMissing} from "../protocol/errors.js";
import type {SkipReason} from "../core/files/skip-reason.js";
import {loadText} from "../engine/workspace/load-text.js";
import {scanWorkspace} from "../engine/workspace/scan.js";

export interface SkippedFile {
    path: string;
    reason: SkipReason;
}

export interface WorkspaceFiles {
    files: SourceFile[];
    skipped: SkippedFile[];
}

/** Files opened at once: enough to hide the disk's latency. */
const nLoadsAtOnce = 16;

/**
 * @param paths files and folders as given, relative to the root or not; none: the whole workspace
 * @throws KvasirError `file-missing` for a path that was named and is not there; the signal's reason
 */
export async function collectFiles(
    root: string,
    paths: readonly string[] | undefined,
    signal: AbortSignal,
): Promise<WorkspaceFiles> {
    const found: {path: string; absolutePath: string}[] = [];
    const skipped: SkippedFile[] = [];
    const named = new Set(paths?.map((given) => resolve(root, given)));
    for await (const entry of scanWorkspace({root, ...(paths === undefined ? {} : {paths}), signal})) {
        if (entry.reason === undefined) found.push(entry);
        // What vanished from a folder meanwhile is skipped; what a person named must be there.
        else if (entry.reason === "missing" && named.has(entry.absolutePath)) throw fileMissing(entry.path);
        else skipped.push({path: entry.path, reason: entry.reason});
    }
    const files: SourceFile[] = [];
    for (let start = 0; start < found.length; start += nLoadsAtOnce) {
        signal.throwIfAborted();
        const some = found.slice(start, start + nLoadsAtOnce);
        const loaded = await Promise.all(some.map(({absolutePath, path}) => loadText(absolutePath, {path})));
        for (const [index, {path}] of some.entries()) {
            const result = loaded[index]!;
            if (result.reason === undefined) files.push({path, text: result.text, mtimeMs: result.mtimeMs});
            else skipped.push({path, reason: result.reason});
        }
    }
    return {files, skipped};
}

/** Collects the files and makes them known to the engine under the workspace's name, its root. */
export async function openWorkspace(
    engine: EngineApi,
    root: string,
    paths: readonly string[] | undefined,
    signal: AbortSignal,
): Promise<WorkspaceFiles> {
    const collected = await collectFiles(root, paths, signal);
    signal.throwIfAborted();
    await engine.updateWorkspace({workspace: root, upsert: collected.files});
    return collected;
}
