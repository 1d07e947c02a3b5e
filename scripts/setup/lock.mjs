/** One set-up at a time: two terminals that start tests together would otherwise write the same files. */
import {mkdir, readFile, rm, stat, writeFile} from "node:fs/promises";
import path from "node:path";
import {artefacts} from "./paths.mjs";

/** A lock without a process id is being written, or its writer died right then. */
const staleMs = 5_000;

/**
 * Runs `work` while holding the lock; waits for another set-up, and takes over the lock of one that died.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{file?: string, onWait?: (pid: number) => void, pollMs?: number}} [options]
 * @returns {Promise<T>}
 */
export async function withLock(
    work,
    {file = path.join(artefacts, "setup.lock"), onWait = () => {}, pollMs = 500} = {},
) {
    await mkdir(path.dirname(file), {recursive: true});
    let hasWaited = false;
    while (!(await take(file))) {
        const holder = Number.parseInt(await readFile(file, "utf8").catch(() => ""), 10);
        const isAbandoned = Number.isInteger(holder) ? !isAlive(holder) : await isOlderThan(file, staleMs);
        if (isAbandoned) {
            await rm(file, {force: true});
            continue;
        }
        if (!hasWaited) onWait(holder);
        hasWaited = true;
        await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    try {
        return await work();
    } finally {
        await rm(file, {force: true});
    }
}

/** @param {string} file */
async function take(file) {
    try {
        await writeFile(file, `${process.pid}\n`, {flag: "wx"});
        return true;
    } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
        throw error;
    }
}

/** @param {number} pid */
function isAlive(pid) {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
    }
}

/**
 * @param {string} file
 * @param {number} ageMs
 */
async function isOlderThan(file, ageMs) {
    const found = await stat(file).catch(() => undefined);
    return found !== undefined && Date.now() - found.mtimeMs > ageMs;
}
