/** Hashes of content, so that "done" means "made from these inputs" and not "newer than". */
import {createHash} from "node:crypto";
import {createReadStream} from "node:fs";
import {readFile, readdir} from "node:fs/promises";
import path from "node:path";
import {pipeline} from "node:stream/promises";

/**
 * One hash over named parts: the same parts in the same order give the same key.
 * @param {Readonly<Record<string, string>>} parts
 */
export function keyOf(parts) {
    const hash = createHash("sha256");
    for (const [name, value] of Object.entries(parts)) {
        hash.update(`${name.length}:${name}=${value.length}:${value};`);
    }
    return hash.digest("hex").slice(0, 32);
}

/**
 * Hash over the paths and bytes of all files below a folder that `isWanted` takes, independent of the folder's place.
 * @param {string} folder
 * @param {(relativePath: string) => boolean} [isWanted]
 */
export async function hashFolder(folder, isWanted = () => true) {
    const entries = await readdir(folder, {recursive: true, withFileTypes: true});
    const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
        .filter(isWanted)
        .sort();
    const hash = createHash("sha256");
    for (const file of files) {
        const bytes = await readFile(path.join(folder, file));
        hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    }
    return hash.digest("hex");
}

/**
 * @param {string} file
 * @param {"sha256" | "sha512"} algorithm
 * @param {"hex" | "base64"} encoding
 */
export async function hashFile(file, algorithm, encoding) {
    const hash = createHash(algorithm);
    await pipeline(createReadStream(file, {highWaterMark: 1 << 20}), hash);
    return hash.digest(encoding);
}
