/**
 * llama.cpp for CUDA, which is too large to be packed: node-llama-cpp's own packages, fetched by npm when somebody asks for
 * them, checked against the checksums that Kvasir comes with, kept among the user's data and linked to beside
 * node-llama-cpp, where it looks for them. Only the command line fetches; an engine only renews the links.
 */
import {spawn} from "node:child_process";
import {existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync} from "node:fs";
import {mkdir, mkdtemp, rename, rm, writeFile} from "node:fs/promises";
import {createRequire} from "node:module";
import path from "node:path";
import {fileURLToPath} from "node:url";
import envPaths from "env-paths";
import * as z from "zod";
import {cancelled, diskFull, downloadFailed, downloadForbidden, downloadWrong, usage} from "../../protocol/errors.js";

const cudaPackage = z.object({
    name: z.string(),
    integrity: z.string().startsWith("sha512-"),
    /** On disk. */
    bytes: z.int().positive(),
});
type CudaPackage = z.infer<typeof cudaPackage>;
const cudaSchema = z.object({
    /** Of node-llama-cpp and all its packages. */
    version: z.string(),
    packages: z.record(z.string(), z.array(cudaPackage)),
});
export type CudaList = z.infer<typeof cudaSchema>;

export interface CudaPlace {
    /** What may be fetched. */
    list: CudaList;
    /** The folder `node_modules` in which node-llama-cpp lies. */
    modules: string;
    /** Where what was fetched stays, apart from the extension, which an update replaces. */
    kept: string;
    target: string;
    /** What runs npm, with its first arguments. */
    npm: readonly string[];
    env: NodeJS.ProcessEnv;
    /** Of npm, between two bytes. */
    stallMs: number;
}

export interface CudaOffer {
    packages: {name: string; version: string; integrity: string}[];
    /** On disk. */
    bytes: number;
    isThere: boolean;
}

export function cudaPlace(env: NodeJS.ProcessEnv = process.env): CudaPlace {
    const list = readList();
    if (list === undefined) throw new Error("native-config/cuda.json is missing");
    return {
        list,
        modules: modulesFolder(),
        kept: keptFolder(list, env),
        target: `${process.platform}-${process.arch}`,
        npm: [process.platform === "win32" ? "npm.cmd" : "npm"],
        env,
        stallMs: 60_000,
    };
}

/** The folder `node_modules` that node-llama-cpp is loaded from. */
export function modulesFolder(): string {
    const main = createRequire(import.meta.url).resolve("node-llama-cpp");
    return main.slice(0, main.lastIndexOf(`${path.sep}node-llama-cpp${path.sep}`));
}

/** undefined for a program that was bundled without it, and offers no CUDA. */
function readList(): CudaList | undefined {
    const here = path.dirname(fileURLToPath(import.meta.url));
    // Beside the bundle when installed, in the sources when not.
    const files = ["..", "../../.."].map((up) => path.resolve(here, up, "native-config/cuda.json"));
    const file = files.find((one) => existsSync(one));
    return file === undefined ? undefined : cudaSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

function keptFolder({version}: CudaList, env: NodeJS.ProcessEnv): string {
    const named = env.KVASIR_LIBRARIES_DIR;
    const data =
        named === undefined || named === "" ? path.join(envPaths("kvasir", {suffix: ""}).data, "libraries") : named;
    return path.join(data, `llama.cpp-${version}`);
}

/** What was fetched once is there for every engine that starts. */
export function renewCudaLinks(): void {
    if (readList() !== undefined) linkCuda(cudaPlace());
}

/** @throws KvasirError `usage` when there is nothing for this machine */
export function cudaOffer(place: CudaPlace): CudaOffer {
    const wanted = wantedOf(place);
    return {
        packages: wanted.map(({name, integrity}) => ({name, version: place.list.version, integrity})),
        bytes: wanted.reduce((sum, {bytes}) => sum + bytes, 0),
        isThere: wanted.every(({name}) => existsSync(path.join(place.modules, name, "package.json"))),
    };
}

/**
 * Fetches, checks and links. Nothing half of it stays: what failed is deleted, npm's own cache is npm's.
 * @throws KvasirError `usage` without npm; `download-failed`, `download-forbidden`, `download-wrong`, `disk-full`, `cancelled`
 */
export async function addCuda(place: CudaPlace, signal: AbortSignal): Promise<void> {
    const wanted = wantedOf(place);
    await mkdir(place.kept, {recursive: true});
    const part = await mkdtemp(path.join(place.kept, ".unfinished-"));
    try {
        await writeFile(path.join(part, "package.json"), JSON.stringify(manifestOf(place, wanted)));
        await writeFile(path.join(part, "package-lock.json"), JSON.stringify(lockOf(place, wanted)));
        await npm(place, ["ci"], part, signal);
        for (const {name} of wanted) {
            await mkdir(path.dirname(path.join(place.kept, name)), {recursive: true});
            await rm(path.join(place.kept, name), {recursive: true, force: true});
            await rename(path.join(part, "node_modules", name), path.join(place.kept, name));
        }
    } finally {
        await rm(part, {recursive: true, force: true});
    }
    linkCuda(place);
}

/** Links what was fetched to where node-llama-cpp looks: again after each update of the extension. Never throws. */
export function linkCuda({list, modules, kept, target}: Pick<CudaPlace, "list" | "modules" | "kept" | "target">): void {
    for (const {name} of list.packages[target] ?? []) {
        const [from, to] = [path.join(modules, name), path.join(kept, name)];
        try {
            if (!existsSync(path.join(to, "package.json")) || existsSync(from)) continue;
            // A link that leads nowhere any more.
            if (lstatSync(from, {throwIfNoEntry: false}) !== undefined) rmSync(from, {recursive: true});
            mkdirSync(path.dirname(from), {recursive: true});
            symlinkSync(to, from, "junction");
        } catch {
            // An extension's folder that cannot be written: without CUDA then, as before.
        }
    }
}

/** What to say on a machine with a card of NVIDIA that CUDA is not used on. */
export function cudaHint(backend: string): string | undefined {
    if (readList() === undefined) return undefined;
    const {list, modules, target} = cudaPlace();
    const isMissing = list.packages[target]?.some(({name}) => !existsSync(path.join(modules, name, "package.json")));
    return backend !== "cuda" && isMissing === true && existsSync("/proc/driver/nvidia/version")
        ? "llama.cpp for CUDA can be added: `kvasir cuda` says what it takes, `Kvasir: Add CUDA Support...` in the editor."
        : undefined;
}

function wantedOf({list, target}: CudaPlace): CudaPackage[] {
    const wanted = list.packages[target];
    if (wanted === undefined)
        throw usage(
            `there is no llama.cpp for CUDA whose checksum is known on ${target}.`,
            "Vulkan runs on the same cards.",
        );
    return wanted;
}

function manifestOf({list}: CudaPlace, wanted: readonly CudaPackage[]): object {
    const dependencies = Object.fromEntries(wanted.map(({name}) => [name, list.version]));
    return {name: "kvasir-libraries", version: "1.0.0", private: true, dependencies};
}

/** npm installs what a lock names, and nothing whose checksum differs. */
function lockOf(place: CudaPlace, wanted: readonly CudaPackage[]): object {
    const packages = Object.fromEntries(
        wanted.map(({name, integrity}): [string, object] => [
            `node_modules/${name}`,
            {version: place.list.version, integrity},
        ]),
    );
    return {
        ...{name: "kvasir-libraries", version: "1.0.0", lockfileVersion: 3, requires: true},
        packages: {"": manifestOf(place, wanted), ...packages},
    };
}

async function npm(place: CudaPlace, args: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled("adding CUDA");
    const [program = "npm", ...first] = place.npm;
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
    const patience = [`--fetch-timeout=${place.stallMs}`, "--fetch-retries=1", "--fetch-retry-mintimeout=100"];
    const child = spawn(program, [...first, ...args, ...flags, ...patience], {
        cwd,
        env: place.env,
        stdio: ["ignore", "ignore", "pipe"],
        shell: process.platform === "win32",
        windowsHide: true,
    });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = (complaints + text).slice(-20_000)));
    const abort = () => child.kill("SIGKILL");
    signal.addEventListener("abort", abort, {once: true});
    const code = await new Promise<number | null | Error>((resolve) => {
        child.once("error", resolve);
        child.once("close", (ended) => resolve(ended));
    }).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) throw cancelled("adding CUDA");
    if (code !== 0) throw failureOf(code, complaints, place);
}

function failureOf(code: number | null | Error, complaints: string, {kept}: CudaPlace): Error {
    const what = "llama.cpp for CUDA";
    if (code instanceof Error)
        return usage(
            "npm is not here, which fetches llama.cpp for CUDA.",
            "Install Node.js, which brings npm, or stay with Vulkan.",
        );
    if (/EINTEGRITY|TAR_BAD_ARCHIVE|zlib|unexpected end/i.test(complaints))
        return downloadWrong(what, "its checksum is not the one that Kvasir comes with");
    if (/ENOSPC/.test(complaints)) return diskFull(kept);
    const status = /\bE(401|403)\b/.exec(complaints)?.[1];
    if (status !== undefined) return downloadForbidden(what, Number(status));
    const reason = /npm (?:error|ERR!) code (\w+)/.exec(complaints)?.[1] ?? `npm ended with ${code}`;
    return downloadFailed(what, reason);
}
