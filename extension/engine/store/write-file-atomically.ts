/**
 * A file appears whole or not at all: written under a temporary name in its own folder, synced, then
 * renamed. After a failure nothing half-written is left. Knows nothing of what is written.
 */
import {randomBytes} from "node:crypto";
import {type FileHandle, link, mkdir, open, readdir, rename, stat, unlink} from "node:fs/promises";
import {basename, dirname, join} from "node:path";
import {errnoOf, storeWriteError} from "./store-errors.js";

export interface AtomicWriteOptions {
    /** Fails with `false` when the target exists, decided by the file system, so that one of several processes wins. */
    isExclusive?: boolean;
    /** False for files that are only hints: no sync, a power cut may leave the old one or none. Default true. */
    isDurable?: boolean;
}

const temporaryPattern = /^\..+\.(\d+)\.[0-9a-f]{12}\.tmp$/;

/** How often a write starts again after its folder vanished under it. */
const maxRestarts = 3;

/** Older than this, a temporary file is dead even when its process number lives (it may have been given away again). */
const temporaryLifeMs = 24 * 3600 * 1000;

/**
 * Writes `target` (mode 0600, folders 0700) through `write`, which gets an empty open file.
 * `write` is called again when the folder vanished under it.
 * @returns false only with `isExclusive`, when the target exists already.
 * @throws KvasirError `disk-full`, `store-read-only`, `busy`; an error of `write` that is no file system error passes unchanged.
 */
export async function writeFileAtomically(
    target: string,
    write: (file: FileHandle) => Promise<void>,
    options: AtomicWriteOptions = {},
): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
        try {
            return await writeOnce(target, write, options);
        } catch (error) {
            if (errnoOf(error) !== "ENOENT" || attempt >= maxRestarts) throw storeWriteError(dirname(target), error);
        }
    }
}

/** Deletes what crashed writers left in `folder`: temporary files whose process is gone. */
export async function removeDeadTemporaries(folder: string): Promise<void> {
    for (const name of await readdir(folder).catch(() => [])) {
        const match = temporaryPattern.exec(name);
        if (match === null) continue;
        const path = join(folder, name);
        const status = await stat(path).catch(() => undefined);
        if (status === undefined) continue;
        // A writer in another container has a number that is dead here; losing its file makes it write again.
        const isOld = Math.abs(Date.now() - status.mtimeMs) > temporaryLifeMs;
        if (isOld || !isAlive(Number(match[1]))) await unlink(path).catch(() => undefined);
    }
}

export function isTemporaryName(name: string): boolean {
    return temporaryPattern.test(name);
}

async function writeOnce(
    target: string,
    write: (file: FileHandle) => Promise<void>,
    {isExclusive = false, isDurable = true}: AtomicWriteOptions,
): Promise<boolean> {
    const folder = dirname(target);
    await mkdir(folder, {recursive: true, mode: 0o700});
    const temporary = join(folder, `.${basename(target)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
    let file: FileHandle | undefined;
    try {
        file = await open(temporary, "wx", 0o600);
        await write(file);
        if (isDurable) await file.sync();
        const closing = file;
        file = undefined;
        await closing.close();
        const isPublished = isExclusive ? await publishNew(temporary, target) : await replace(temporary, target);
        if (isDurable && isPublished) await syncFolder(folder);
        return isPublished;
    } catch (error) {
        await file?.close().catch(() => undefined);
        await unlink(temporary).catch(() => undefined);
        throw error;
    }
}

async function replace(temporary: string, target: string): Promise<true> {
    // Windows refuses to rename over a file that a virus scanner or a reader holds for a moment.
    const nTries = process.platform === "win32" ? 6 : 1;
    for (let attempt = 1; ; attempt++) {
        try {
            await rename(temporary, target);
            return true;
        } catch (error) {
            const errno = errnoOf(error) ?? "";
            if (attempt >= nTries || !["EPERM", "EACCES", "EBUSY"].includes(errno)) throw error;
            await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** attempt));
        }
    }
}

async function publishNew(temporary: string, target: string): Promise<boolean> {
    try {
        await link(temporary, target);
    } catch (error) {
        const errno = errnoOf(error) ?? "";
        if (errno === "EEXIST") {
            await unlink(temporary);
            return false;
        }
        // Drives without hard links (exFAT, some network drives): look, then rename. Two processes
        // within the same moment may then both believe they were first.
        if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errno)) throw error;
        const isTaken = await stat(target).then(
            () => true,
            () => false,
        );
        if (isTaken) await unlink(temporary);
        else await rename(temporary, target);
        return !isTaken;
    }
    await unlink(temporary).catch(() => undefined);
    return true;
}

/** Makes the rename itself survive a power cut. Windows and some drives cannot sync a folder: there it is up to the journal. */
async function syncFolder(folder: string): Promise<void> {
    const handle = await open(folder, "r").catch(() => undefined);
    if (handle === undefined) return;
    try {
        await handle.sync();
    } catch (error) {
        const errno = errnoOf(error);
        if (errno === "EIO" || errno === "ENOSPC" || errno === "EDQUOT") throw error;
    } finally {
        await handle.close().catch(() => undefined);
    }
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}
