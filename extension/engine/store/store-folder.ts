/**
 * Where things lie in the cache folder, and whose it is: the tag that backup programs respect, private
 * folders, one file per segment in 16 x 16 folders, and the quarantine for damaged files. Knows names
 * and rights, not content.
 *
 *     CACHEDIR.TAG
 *     segments-v2/a/b/ab....kvseg     (the version of the file format: other versions never meet)
 *     segments-v2-KEY/a/b/ab....kvseg (encrypted, with the name of the key: other keys never meet)
 *     quarantine/
 *     index.json, index-KEY.bin, model-hashes.json   (hints)
 */
import {lstat, mkdir, readdir, rename, rm, rmdir, stat, unlink} from "node:fs/promises";
import {basename, dirname, join} from "node:path";
import {KvasirError} from "../../protocol/errors.js";
import {isSegmentIdentity, type SegmentIdentity, storeVersion} from "./identity.js";
import {errnoOf, isMissing, storeReadError, storeWriteError} from "./store-errors.js";
import {isTemporaryName, removeDeadTemporaries, writeFileAtomically} from "./write-file-atomically.js";

const suffix = ".kvseg";
/** Damaged files are kept for whoever wants to know why, but never many of them. */
const maxQuarantined = 8;
const maxQuarantinedBytes = 64 * 2 ** 20;

const plainIndex = "index.json";
/** Folders of segments and their indexes, of every version and key. */
const anySegments = /^segments-v\d+(-[0-9a-f]{8})?$/;
const plainSegments = /^segments-v\d+$/;
const anyIndex = /^index(-[0-9a-f]{8})?\.(json|bin)$/;

const tag = `Signature: 8a477f597d28d172789f06886806bc55
# This is kvasir-cache, what Kvasir has read of your files. Backups may leave it out
# (https://bford.info/cachedir/) and it may be deleted at any time.
`;

/** A file of the cache that counts and that this store cannot use. */
export interface OtherFile {
    path: string;
    bytes: number;
    lastUsedMs: number;
}

export class StoreFolder {
    readonly root: string;
    readonly indexPath: string;
    readonly #segments: string;
    readonly #quarantine: string;

    constructor(root: string, keyId?: string) {
        this.root = root;
        this.indexPath = join(root, keyId === undefined ? plainIndex : `index-${keyId}.bin`);
        this.#segments = join(root, `segments-v${storeVersion}${keyId === undefined ? "" : `-${keyId}`}`);
        this.#quarantine = join(root, "quarantine");
    }

    /**
     * Makes what is missing. A folder that was there before keeps its own rights; ours inside are 0700.
     * @throws KvasirError `store-read-only`, `disk-full`; `store-read-only` too when another user owns it.
     */
    async ensure(): Promise<void> {
        try {
            await mkdir(this.#segments, {recursive: true, mode: 0o700});
            await this.checkOwner();
        } catch (error) {
            throw storeWriteError(this.root, error);
        }
        const tagPath = join(this.root, "CACHEDIR.TAG");
        const hasTag = await stat(tagPath).then(
            () => true,
            () => false,
        );
        // A courtesy to backup programs: without it the cache works as well.
        if (!hasTag)
            await writeFileAtomically(tagPath, (file) => file.writeFile(tag), {isDurable: false}).catch(
                () => undefined,
            );
    }

    /** Segments that somebody else could have written are not believed. @throws KvasirError `store-read-only` */
    async checkOwner(): Promise<void> {
        const me = process.getuid?.();
        const status = await stat(this.#segments).catch(() => undefined);
        if (me === undefined || me === 0 || status === undefined || status.uid === me) return;
        throw new KvasirError("store-read-only", `the cache folder ${this.root} belongs to another user.`, {
            fix: "Choose a folder of your own with --cache-dir.",
        });
    }

    pathOf(identity: SegmentIdentity): string {
        return join(this.folderOf(identity.slice(0, 2)), identity + suffix);
    }

    /** The folder of all identities that begin with these two hex digits. */
    folderOf(prefix: string): string {
        return join(this.#segments, prefix.slice(0, 1), prefix.slice(1, 2));
    }

    /** Which of the folders that hold segments exist, by their two hex digits. @throws KvasirError `busy`, `store-read-only` */
    async prefixes(segments = this.#segments): Promise<string[]> {
        const isHexDigit = (name: string): boolean => /^[0-9a-f]$/.test(name);
        const first = (await this.#namesIn(segments)).filter(isHexDigit);
        const found: string[] = [];
        for (const a of first) {
            const second = (await this.#namesIn(join(segments, a))).filter(isHexDigit);
            found.push(...second.map((b) => a + b));
        }
        return found;
    }

    /** Identities of the segment files in one of the folders. Anything else in it is not ours. @throws KvasirError `busy`, `store-read-only` */
    async identitiesIn(prefix: string): Promise<SegmentIdentity[]> {
        const names = await this.#namesIn(this.folderOf(prefix));
        return names
            .filter((name) => name.endsWith(suffix))
            .map((name) => name.slice(0, -suffix.length))
            .filter(isSegmentIdentity)
            .filter((identity) => identity.startsWith(prefix));
    }

    /** What else takes room: segments of other keys and versions, and the quarantine. @throws KvasirError `busy`, `store-read-only` */
    async others(): Promise<OtherFile[]> {
        const paths = (await this.#namesIn(this.#quarantine)).map((name) => join(this.#quarantine, name));
        for (const name of await this.#namesIn(this.root)) {
            const segments = join(this.root, name);
            if (!anySegments.test(name) || segments === this.#segments) continue;
            for (const prefix of await this.prefixes(segments)) {
                const folder = join(segments, prefix.slice(0, 1), prefix.slice(1, 2));
                const files = (await this.#namesIn(folder)).filter((file) => file.endsWith(suffix));
                paths.push(...files.map((file) => join(folder, file)));
            }
        }
        const found = await Promise.all(
            paths.map(async (path) => {
                const status = await lstat(path).catch(() => undefined);
                return status?.isFile() ? [{path, bytes: status.size, lastUsedMs: status.atimeMs}] : [];
            }),
        );
        return found.flat();
    }

    /**
     * Takes a damaged file out of the way: into the quarantine, or deleted when that fails. Does nothing when
     * another process has put a new file in its place meanwhile (`inode` is that of the damaged one).
     * @returns false when the file is still there, as on a read-only drive.
     */
    async quarantine(path: string, inode: number | undefined): Promise<boolean> {
        const status = await lstat(path).catch(() => undefined);
        if (status === undefined || (inode !== undefined && status.ino !== inode)) return true;
        try {
            await mkdir(this.#quarantine, {recursive: true, mode: 0o700});
            await rename(path, join(this.#quarantine, `${Date.now()}-${basename(path)}`));
            await this.#trimQuarantine();
            return true;
        } catch {
            return rm(path, {recursive: true, force: true}).then(
                () => true,
                () => false,
            );
        }
    }

    async removeDeadTemporaries(): Promise<void> {
        await removeDeadTemporaries(this.root);
        for (const prefix of await this.prefixes()) await removeDeadTemporaries(this.folderOf(prefix));
    }

    /** Deletes every segment, hint and quarantined file, of every version and key, and nothing that is not ours. @throws KvasirError `store-read-only` */
    async clear(): Promise<void> {
        await this.#clear(anySegments, anyIndex);
        await rm(this.#quarantine, {recursive: true, force: true}).catch((error: unknown) => {
            throw storeWriteError(this.root, error);
        });
    }

    /** Deletes what was stored without a key. @throws KvasirError `store-read-only` */
    async clearPlain(): Promise<void> {
        await this.#clear(plainSegments, /^index\.json$/);
    }

    async #clear(folders: RegExp, indexes: RegExp): Promise<void> {
        try {
            for (const name of await this.#namesIn(this.root)) {
                const path = join(this.root, name);
                if (indexes.test(name)) await removeIfThere(path);
                if (!folders.test(name)) continue;
                for (const prefix of await this.prefixes(path)) {
                    const folder = join(path, prefix.slice(0, 1), prefix.slice(1, 2));
                    for (const file of await readdir(folder).catch(() => [])) {
                        if (file.endsWith(suffix) || isTemporaryName(file)) await removeIfThere(join(folder, file));
                    }
                    await rmdir(folder).catch(() => undefined);
                    await rmdir(dirname(folder)).catch(() => undefined);
                }
                if (path !== this.#segments) await rmdir(path).catch(() => undefined);
            }
        } catch (error) {
            throw storeWriteError(this.root, error);
        }
    }

    async #namesIn(folder: string): Promise<string[]> {
        return readdir(folder).catch((error: unknown) => {
            if (isMissing(error)) return [];
            throw storeReadError(folder, error);
        });
    }

    async #trimQuarantine(): Promise<void> {
        const names = (await readdir(this.#quarantine)).sort().reverse();
        let nBytes = 0;
        for (const [index, name] of names.entries()) {
            const path = join(this.#quarantine, name);
            nBytes += (await stat(path).catch(() => undefined))?.size ?? 0;
            if (index >= maxQuarantined || nBytes > maxQuarantinedBytes) await rm(path, {recursive: true, force: true});
        }
    }
}

/** Deletes a file. @returns false when it was gone already. */
export async function removeIfThere(path: string): Promise<boolean> {
    try {
        await unlink(path);
        return true;
    } catch (error) {
        if (isMissing(error)) return false;
        // A folder in a segment's place.
        if (errnoOf(error) !== "EISDIR" && errnoOf(error) !== "EPERM") throw error;
        await rm(path, {recursive: true, force: true});
        return true;
    }
}
