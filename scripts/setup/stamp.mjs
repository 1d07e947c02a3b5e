/** A stamp says from which inputs an artefact was made. It lies apart from the artefact and is written last. */
import {mkdir, readFile, rename, rm, stat, writeFile} from "node:fs/promises";
import path from "node:path";
import {stamps} from "./paths.mjs";

/**
 * @typedef {{key: string, size?: number, mtimeMs?: number}} Stamp
 */

/**
 * True when `artefact` exists, was made from inputs with this key, and (for a file) is the one that was stamped.
 * @param {string} name
 * @param {string} key
 * @param {string} artefact
 */
export async function isStamped(name, key, artefact) {
    const [stamp, now] = await Promise.all([readStamp(name), stat(artefact).catch(() => undefined)]);
    if (stamp === undefined || now === undefined || stamp.key !== key) return false;
    return now.isDirectory() || (stamp.size === now.size && stamp.mtimeMs === now.mtimeMs);
}

/**
 * @param {string} name
 * @param {string} key
 * @param {string} artefact
 */
export async function writeStamp(name, key, artefact) {
    const now = await stat(artefact);
    /** @type {Stamp} */
    const stamp = now.isDirectory() ? {key} : {key, size: now.size, mtimeMs: now.mtimeMs};
    await mkdir(stamps, {recursive: true});
    const file = stampFile(name);
    await writeFile(`${file}.part`, JSON.stringify(stamp));
    await rename(`${file}.part`, file);
}

/** @param {string} name */
export async function dropStamp(name) {
    await rm(stampFile(name), {force: true});
}

/** @param {string} name */
function stampFile(name) {
    return path.join(stamps, `${name}.json`);
}

/**
 * @param {string} name
 * @returns {Promise<Stamp | undefined>}
 */
async function readStamp(name) {
    try {
        return JSON.parse(await readFile(stampFile(name), "utf8"));
    } catch {
        // No stamp, or one cut short: the step runs again.
        return undefined;
    }
}
