/**
 * Fetches a model: asks the server first, sees that the disk has room, has node-llama-cpp download into a folder of
 * unfinished files (several connections at once, going on where an earlier try stopped), checks what came, and only then
 * moves it among the models. So whatever happens, a file that has a model's name is that model.
 */
import {createHash} from "node:crypto";
import {createReadStream} from "node:fs";
import {mkdir, readFile, rename, rm, stat, writeFile} from "node:fs/promises";
import path from "node:path";
import {pipeline} from "node:stream/promises";
import type {ModelDownloader} from "node-llama-cpp";
import type {DownloadProgress, DownloadReport} from "../../protocol/models.js";
import {
    KvasirError,
    busy,
    diskFull,
    downloadFailed,
    downloadForbidden,
    downloadStalled,
    downloadWrong,
    isKvasirError,
} from "../../protocol/errors.js";
import {useProxy} from "../proxy.js";
import {partsOf} from "../store/model-hash.js";
import {errnoOf, storeWriteError} from "../store/store-errors.js";
import {checkWhole} from "./gguf-facts.js";
import {freeBytes} from "./machine.js";
import {type Probe, nameOf, networkReason, probe, statusReason} from "./probe.js";

export interface DownloadJob {
    /** `hf:USER/REPOSITORY/FILE`, `hf:USER/REPOSITORY:QUANT` or a URL. */
    uri: string;
    /** Of the file itself, where `uri` names one. */
    url?: string | undefined;
    /** The name to keep it under; the server's when it is not given. */
    file?: string | undefined;
    /** What the catalogue says of it. */
    bytes?: number | undefined;
    sha256?: string | undefined;
    /** Where models are kept. */
    folder: string;
}

export interface DownloadOptions {
    signal: AbortSignal;
    onProgress?: (progress: DownloadProgress) => void;
    /** Given up when nothing has come for so long. */
    stallMs?: number;
    /** Instead of Hugging Face; ends with "/". */
    endpoint?: string | undefined;
    /** Key of Hugging Face. */
    token?: string | undefined;
}

const defaultStallMs = 60_000;
/** Room that is left on the disk in any case. */
const reserveBytes = 64 * 2 ** 20;
/** Downloads side by side of a model in several files. */
const parallelDownloads = 4;

/**
 * @throws KvasirError `download-failed`, `download-stalled`, `download-forbidden`, `download-wrong`, `disk-full`,
 * `store-read-only`, `cancelled`
 */
export async function downloadModel(job: DownloadJob, options: DownloadOptions): Promise<DownloadReport> {
    const {folder, file} = job;
    if (file !== undefined) {
        const there = await already(path.join(folder, file), job);
        if (there !== undefined) return there;
    }
    // By address: two that have the same name must not be mixed.
    const unfinished = path.join(
        folder,
        ".unfinished",
        createHash("sha256").update(job.uri).digest("hex").slice(0, 16),
    );
    await mkdir(unfinished, {recursive: true}).catch((error: unknown) => {
        throw storeWriteError(unfinished, error);
    });
    const unlock = await lock(path.join(unfinished, "lock"), whatOf(job));
    // Writes that ipull does not wait for fail outside of every await; a full disk must not end the process.
    let failedWrite: unknown;
    const onUnhandled = (error: unknown): void => {
        if (errnoOf(error) === undefined) throw error;
        failedWrite ??= error;
    };
    process.on("unhandledRejection", onUnhandled);
    try {
        return await fetchChecked(job, unfinished, options, () => failedWrite);
    } catch (error) {
        throw await codedError(error, failedWrite, job, unfinished, options.signal);
    } finally {
        process.off("unhandledRejection", onUnhandled);
        await unlock();
    }
}

/**
 * One process at a time writes a file.
 * @returns what takes the lock away
 * @throws KvasirError `busy`
 */
async function lock(file: string, what: string): Promise<() => Promise<void>> {
    for (;;) {
        try {
            await writeFile(file, String(process.pid), {flag: "wx"});
            return () => rm(file, {force: true});
        } catch (error) {
            if (errnoOf(error) !== "EEXIST") throw storeWriteError(file, error);
            const holder = Number(await readFile(file, "utf8").catch(() => ""));
            if (isAlive(holder)) throw busy(`the download of ${what}`);
            await rm(file, {force: true});
        }
    }
}

function isAlive(pid: number): boolean {
    try {
        return pid > 0 && process.kill(pid, 0);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

async function fetchChecked(
    job: DownloadJob,
    unfinished: string,
    {signal, onProgress, stallMs = defaultStallMs, endpoint, token}: DownloadOptions,
    failedWrite: () => unknown,
): Promise<DownloadReport> {
    await useProxy();
    const ask = (url: string): Promise<Probe> => probe(url, {timeoutMs: stallMs, token, signal});
    onProgress?.({step: "asking", bytes: 0, totalBytes: job.bytes ?? 0});
    const known = job.url === undefined ? undefined : await ask(job.url);
    if (known?.bytes !== undefined && job.sha256 !== undefined && known.bytes !== job.bytes)
        throw downloadWrong(whatOf(job), `it has ${known.bytes} bytes and should have ${job.bytes}`);
    await checkRoom(job, known?.bytes ?? job.bytes, unfinished);
    const watch = new Watch(signal, whatOf(job), stallMs, failedWrite);
    try {
        const {createModelDownloader} = await import("node-llama-cpp");
        const downloader = await watch.during(
            createModelDownloader({
                modelUri: job.uri,
                dirPath: unfinished,
                ...(job.file === undefined ? {} : {fileName: job.file}),
                ...(endpoint === undefined ? {} : {endpoints: {huggingFace: endpoint}}),
                parallelDownloads,
                // Cancelled is not given up: the next try goes on.
                deleteTempFileOnCancel: false,
                onProgress: ({downloadedSize, totalSize, averageSpeed, estimatedTimeLeft}) => {
                    watch.came(downloadedSize);
                    onProgress?.({
                        step: "downloading",
                        bytes: downloadedSize,
                        totalBytes: totalSize,
                        ...(averageSpeed > 0 ? {bytesPerSecond: averageSpeed} : {}),
                        ...(Number.isFinite(estimatedTimeLeft) ? {secondsLeft: estimatedTimeLeft / 1000} : {}),
                    });
                },
            }),
        );
        const file = path.basename(downloader.entrypointFilename);
        if (job.file === undefined) {
            const there = await already(path.join(job.folder, file), job);
            if (there !== undefined) return there;
        }
        // Without a length ipull cannot tell the end from a cut (and shortens the file by what came last).
        if (downloader.filesInfo.some(({totalSize}) => totalSize === 0))
            throw downloadFailed(whatOf(job), "the server does not say how large it is");
        await checkRoom(job, downloader.totalSize, unfinished);
        await watch.during(downloader.download(), () => downloader.cancel());
        const files = downloader.filesInfo.map(({fileName}) => fileName);
        const urls = partUrls(job.url ?? urlOf(downloader), files.length);
        return await install(job, unfinished, files, urls.length === files.length ? urls : [], ask, onProgress);
    } finally {
        watch.end();
    }
}

/** Checks every file, and moves all or none. */
async function install(
    job: DownloadJob,
    unfinished: string,
    files: readonly string[],
    urls: readonly string[],
    ask: (url: string) => Promise<Probe>,
    onProgress: DownloadOptions["onProgress"],
): Promise<DownloadReport> {
    let bytes = 0;
    let checked: DownloadReport["checked"] = "header";
    for (const [index, file] of files.entries()) {
        const from = path.join(unfinished, file);
        const {size} = await stat(from);
        bytes += size;
        onProgress?.({step: "checking", bytes, totalBytes: bytes});
        const server = job.sha256 === undefined && urls[index] !== undefined ? await ask(urls[index]) : undefined;
        try {
            if (server?.bytes !== undefined && server.bytes !== size)
                throw downloadWrong(file, `it has ${size} bytes and should have ${server.bytes}`);
            const sha256 = job.sha256 ?? server?.sha256;
            if (sha256 !== undefined) {
                if ((await hashOf(from)) !== sha256) throw downloadWrong(file, "its checksum differs");
                checked = job.sha256 === undefined ? "server" : "catalogue";
            }
            await checkWhole(from);
        } catch (error) {
            await Promise.all(files.map((each) => rm(path.join(unfinished, each), {force: true})));
            throw isKvasirError(error, "model-broken")
                ? downloadWrong(
                      file,
                      error.message.replace(`${from} is not a readable GGUF model: `, "").replace(/\.$/, ""),
                  )
                : error;
        }
    }
    // The first part last: it is what a model is known by.
    for (const file of [...files].reverse()) await rename(path.join(unfinished, file), path.join(job.folder, file));
    await rm(unfinished, {recursive: true, force: true});
    return {path: path.join(job.folder, files[0]!), bytes, checked, wasThere: false};
}

/** The model, when it is here and whole; what has its name and is not it is left for its owner to look at. */
async function already(file: string, {bytes, sha256}: DownloadJob): Promise<DownloadReport | undefined> {
    const sizes = await Promise.all(partsOf(file).map((part) => stat(part).catch(() => undefined)));
    if (!sizes.every((size) => size?.isFile())) return undefined;
    const total = sizes.reduce((sum, size) => sum + (size?.size ?? 0), 0);
    if (sha256 !== undefined && bytes !== total)
        throw downloadWrong(
            path.basename(file),
            `a file of that name is in ${path.dirname(file)} already, with another size`,
        );
    return {path: file, bytes: total, checked: "header", wasThere: true};
}

/** @throws KvasirError `disk-full` before anything is written */
async function checkRoom(job: DownloadJob, bytes: number | undefined, unfinished: string): Promise<void> {
    if (bytes === undefined) return;
    // A file that was begun is as long as it will be, but has only those blocks that came.
    const begun = job.file && (await stat(path.join(unfinished, `${job.file}.ipull`)).catch(() => undefined));
    const needed = bytes - (begun ? Math.min(begun.size, begun.blocks * 512) : 0) + reserveBytes;
    const free = await freeBytes(unfinished);
    if (needed <= free) return;
    const gib = (n: number) => `${(n / 2 ** 30).toFixed(1)} GiB`;
    throw new KvasirError("disk-full", `${whatOf(job)} needs ${gib(needed)} and ${job.folder} has ${gib(free)} free.`, {
        fix: "Free some space, choose a smaller model, or name another folder with KVASIR_MODELS_DIR.",
    });
}

async function hashOf(file: string): Promise<string> {
    const hash = createHash("sha256");
    await pipeline(createReadStream(file, {highWaterMark: 2 ** 20}), hash);
    return hash.digest("hex");
}

function whatOf({file, uri}: DownloadJob): string {
    return file ?? (/^https?:/i.test(uri) ? nameOf(uri) : uri);
}

/** node-llama-cpp keeps to itself where a `hf:USER/REPOSITORY:QUANT` has led. */
function urlOf(downloader: ModelDownloader): string | undefined {
    return (downloader as unknown as {_modelUrl?: string})._modelUrl;
}

function partUrls(url: string | undefined, nFiles: number): string[] {
    if (url === undefined) return [];
    const {search} = new URL(url);
    const plain = search === "" ? url : url.slice(0, url.indexOf("?"));
    return nFiles === 1 ? [url] : partsOf(plain).map((part) => part + search);
}

/** Ends what it watches when the signal says so, when nothing comes any more, or when a write has failed. */
class Watch {
    #lastMs = Date.now();
    #bytes = -1;
    #stop: ((error: unknown) => void) | undefined;
    readonly #timer: NodeJS.Timeout;

    constructor(
        private readonly signal: AbortSignal,
        what: string,
        stallMs: number,
        failedWrite: () => unknown,
    ) {
        const look = () => {
            const failure = failedWrite();
            if (failure !== undefined) this.#stop?.(failure);
            else if (Date.now() - this.#lastMs > stallMs)
                this.#stop?.(downloadStalled(what, Math.round(stallMs / 1000)));
        };
        this.#timer = setInterval(look, Math.min(500, Math.max(20, stallMs / 4)));
    }

    /** What is transferred anew after a cut does not count: only more than ever before is progress. */
    came(bytes: number): void {
        if (bytes <= this.#bytes) return;
        this.#bytes = bytes;
        this.#lastMs = Date.now();
    }

    async during<T>(work: Promise<T>, cancel?: () => Promise<unknown>): Promise<T> {
        this.#lastMs = Date.now();
        const abort = () => this.#stop?.(this.signal.reason);
        try {
            return await new Promise<T>((done, fail) => {
                this.#stop = fail;
                this.signal.addEventListener("abort", abort, {once: true});
                if (this.signal.aborted) abort();
                work.then(done, fail);
            });
        } catch (error) {
            await cancel?.();
            throw error;
        } finally {
            this.signal.removeEventListener("abort", abort);
            this.#stop = undefined;
        }
    }

    end(): void {
        clearInterval(this.#timer);
    }
}

async function codedError(
    error: unknown,
    failedWrite: unknown,
    job: DownloadJob,
    unfinished: string,
    signal: AbortSignal,
): Promise<unknown> {
    const what = whatOf(job);
    if (signal.aborted)
        return new KvasirError("cancelled", `downloading ${what} was cancelled.`, {
            fix: "What has come is kept: the next try goes on there.",
        });
    if (isKvasirError(error)) return error;
    const writeError = errnoOf(failedWrite) === undefined ? error : failedWrite;
    if (errnoOf(writeError) !== undefined) {
        const coded = storeWriteError(job.folder, writeError);
        if (isKvasirError(coded, "disk-full")) {
            // What is left of it would keep the disk full, beside what else may need room.
            await rm(unfinished, {recursive: true, force: true});
            return diskFull(path.join(job.folder, job.file ?? what), writeError);
        }
        return coded;
    }
    const {statusCode} = error as {statusCode?: unknown};
    if (typeof statusCode === "number")
        return statusCode === 401 || statusCode === 403
            ? downloadForbidden(what, statusCode)
            : downloadFailed(what, statusReason(statusCode));
    const message = error instanceof Error ? error.message : String(error);
    const status = /: (\d{3}) /.exec(message)?.[1];
    if (status === "401" || status === "403") return downloadForbidden(what, Number(status));
    if (/does not exist/.test(message)) return downloadFailed(what, "there is no such model or quantisation", error);
    return downloadFailed(what, networkReason(error), error);
}
