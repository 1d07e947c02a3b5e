/**
 * Owns reading one file as text, whatever happens to it meanwhile: it vanishes, grows, is swapped for a
 * link or a pipe. Every outcome is a value; what is text and what is not is decided in core/files.
 */
import {constants, type Stats} from "node:fs";
import {type FileHandle, lstat, open} from "node:fs/promises";
import {classifyBytes, classifyPath, defaultFileLimits, type FileLimits} from "../../core/files/classify.js";
import type {SkipReason} from "../../core/files/skip-reason.js";
import {skipReasonOfError} from "./file-error.js";

/** Text without a byte order mark, line ends as on disk, and the state of the file that it belongs to. */
export interface LoadedText {
    text: string;
    sizeBytes: number;
    mtimeMs: number;
    reason?: undefined;
}

export type LoadResult = LoadedText | {text?: undefined; reason: SkipReason};

export interface LoadOptions {
    /** The path by which the file is judged (secret, generated, ...): its workspace path. */
    path: string;
    limits?: FileLimits;
}

/** A file that changes under a reader is tried again; a log that grows all the time is given up as `changing`. */
const nTries = 3;

/**
 * Reads a file as UTF-8.
 * @param absolutePath links are not followed
 */
export async function loadText(
    absolutePath: string,
    {path, limits = defaultFileLimits}: LoadOptions,
): Promise<LoadResult> {
    try {
        // Looked at before it is opened: opening a pipe or a device would wait or have effects.
        const before = await lstat(absolutePath);
        if (!before.isSymbolicLink() && !before.isFile()) return {reason: "not-a-file"};
        const reason = classifyPath(path, {sizeBytes: before.size, isSymbolicLink: before.isSymbolicLink()}, limits);
        if (reason !== undefined) return {reason};
        // Windows has neither flag: there a swap between the two calls would be followed.
        const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
        const file = await open(absolutePath, flags);
        try {
            return await readStable(file, path, limits);
        } finally {
            await file.close();
        }
    } catch (error) {
        return {reason: skipReasonOfError(error)};
    }
}

async function readStable(file: FileHandle, path: string, limits: FileLimits): Promise<LoadResult> {
    for (let nTried = 0; nTried < nTries; nTried++) {
        const before = await file.stat();
        if (!before.isFile()) return {reason: "not-a-file"};
        if (before.size > limits.maxFileBytes) return {reason: "huge"};
        const bytes = await readFrom(file, before.size);
        if (bytes.length !== before.size || !isSame(before, await file.stat())) continue;
        const classified = classifyBytes(path, bytes, limits);
        return classified.reason === undefined
            ? {text: classified.text, sizeBytes: before.size, mtimeMs: before.mtimeMs}
            : classified;
    }
    return {reason: "changing"};
}

/** From the start of the file, one byte further than it should be long, so that growth shows. */
async function readFrom(file: FileHandle, sizeBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(sizeBytes + 1);
    let length = 0;
    while (length < bytes.length) {
        const {bytesRead} = await file.read(bytes, length, bytes.length - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
    }
    return bytes.subarray(0, length);
}

function isSame(a: Stats, b: Stats): boolean {
    return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino;
}
