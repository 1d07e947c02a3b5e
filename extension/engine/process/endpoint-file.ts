/**
 * Owns the file by which clients find this engine: a private folder, a socket in it, a secret token. There is no lock:
 * whoever writes the file last is the engine, and the others notice and leave, so nothing stale can ever block.
 */
import {randomBytes} from "node:crypto";
import {chmod, link, lstat, mkdir, readFile, readdir, rename, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import {KvasirError} from "../../protocol/errors.js";
import {type Endpoint, endpointFileName, endpointSchema, protocolVersion} from "../../protocol/rpc.js";

/**
 * Makes the folder, open to its user alone.
 * @throws KvasirError `engine-unreachable` when it belongs to somebody else or is a link
 */
export async function ensurePrivateFolder(folder: string): Promise<void> {
    await mkdir(folder, {recursive: true, mode: 0o700});
    if (process.platform === "win32") return;
    const found = await lstat(folder);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) {
        throw new KvasirError("engine-unreachable", `${folder} belongs to another user.`, {
            fix: "Set KVASIR_RUNTIME_DIR to a folder of your own.",
        });
    }
    if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

/** A new endpoint of this process: a socket name and a token that nobody had before. */
export function newEndpoint(folder: string, version: string): Endpoint {
    const name = randomBytes(4).toString("hex");
    return {
        pid: process.pid,
        socket:
            process.platform === "win32"
                ? `\\\\.\\pipe\\kvasir-${randomBytes(16).toString("hex")}`
                : path.join(folder, `e-${name}.sock`),
        token: randomBytes(32).toString("hex"),
        protocol: protocolVersion,
        version,
    };
}

/**
 * Writes the file, unless somebody was quicker.
 * @param replaced what the file says of an engine that is gone; undefined when there was no file
 * @returns false when the file says something else by now: look again
 */
export async function publishEndpoint(folder: string, endpoint: Endpoint, replaced?: Endpoint): Promise<boolean> {
    const file = path.join(folder, endpointFileName);
    const part = `${file}.${process.pid}.part`;
    await writeFile(part, JSON.stringify(endpoint), {mode: 0o600});
    try {
        if (replaced === undefined && !(await exists(file))) {
            // Of several that start at once the file system lets one win; on a drive without links the last one does.
            await link(part, file).catch((error: NodeJS.ErrnoException) => {
                if (error.code === "EEXIST") throw error;
                return rename(part, file);
            });
            return true;
        }
        // One that is damaged belongs to nobody.
        const now = await readEndpoint(folder);
        if (now !== undefined && now.token !== replaced?.token) return false;
        await rename(part, file);
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
    } finally {
        await rm(part, {force: true});
    }
}

async function exists(file: string): Promise<boolean> {
    return lstat(file).then(
        () => true,
        () => false,
    );
}

/** What the file says now; undefined when there is none or it is damaged. */
export async function readEndpoint(folder: string): Promise<Endpoint | undefined> {
    try {
        return endpointSchema.parse(JSON.parse(await readFile(path.join(folder, endpointFileName), "utf8")));
    } catch {
        return undefined;
    }
}

/** Removes the file when it is still ours, and our socket. */
export async function withdrawEndpoint(folder: string, own: Endpoint): Promise<void> {
    const published = await readEndpoint(folder);
    if (published?.token === own.token) await rm(path.join(folder, endpointFileName), {force: true});
    if (process.platform !== "win32") await rm(own.socket, {force: true});
}

/** Sockets and half-written files that engines left behind which did not end by themselves. */
export async function removeLeftovers(folder: string, own: Endpoint): Promise<void> {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
        const file = path.join(folder, name);
        const isOld = async () => Date.now() - (await lstat(file)).mtimeMs > leftoverAgeMs;
        const isOurKind = /^e-[0-9a-f]{8}\.sock$/.test(name) || /^engine\.json\.\d+\.part$/.test(name);
        if (!isOurKind || file === own.socket || !(await isOld().catch(() => false))) continue;
        // An engine that is replaced but still has clients keeps its connections without the name.
        await rm(file, {force: true}).catch(() => undefined);
    }
}

/** Long after any engine that is just starting has settled. */
const leftoverAgeMs = 60_000;
