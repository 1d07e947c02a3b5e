/**
 * Finds and loads the native addon and ties it to the llama.cpp libraries that node-llama-cpp has loaded.
 * Order of places: an explicit path, one shipped beside the bundle, the local build.
 */
import {existsSync} from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {addonMismatch, addonMissing} from "../../protocol/errors.js";
import type {NativeAddon} from "./native.js";

const require = createRequire(import.meta.url);

/** Folders that may hold `kvasir-<platform>-<arch>.node`, best first. */
export function addonCandidates(from = path.dirname(fileURLToPath(import.meta.url))): string[] {
    const name = `kvasir-${process.platform}-${process.arch}.node`;
    const candidates: string[] = [];
    if (process.env.KVASIR_ADDON) candidates.push(process.env.KVASIR_ADDON);
    // Sources lie three folders below the root, bundles (dist/) one.
    for (const up of [".", "..", "../..", "../../.."]) {
        candidates.push(path.resolve(from, up, "native", name));
        candidates.push(path.resolve(from, up, "native-config/addon/build", name));
    }
    return candidates;
}

let loaded: NativeAddon | undefined;

/**
 * The addon, tied to the loaded llama.cpp. node-llama-cpp must have loaded its libraries before.
 * @throws KvasirError `addon-missing`, `addon-mismatch`
 */
export function loadAddon(): NativeAddon {
    if (loaded) return loaded;
    const addon = loadedAddonFile();
    const expected = installedVersions();
    if (addon.nodeLlamaCppVersion !== expected.nodeLlamaCpp || addon.llamaRelease !== expected.llamaRelease)
        throw addonMismatch(
            `the addon was built for node-llama-cpp ${addon.nodeLlamaCppVersion} with llama.cpp ${addon.llamaRelease}, ` +
                `installed are ${expected.nodeLlamaCpp} and ${expected.llamaRelease}`,
        );
    try {
        addon.load(loadedLlamaLibraries());
    } catch (error) {
        throw addonMismatch((error as Error).message);
    }
    loaded = addon;
    return addon;
}

/**
 * The addon alone, which cannot compute yet.
 * @throws KvasirError `addon-missing`, `addon-mismatch`
 */
export function loadedAddonFile(): NativeAddon {
    const candidates = addonCandidates();
    const file = candidates.find((candidate) => existsSync(candidate));
    if (file === undefined) throw addonMissing(candidates[0]!);
    try {
        return require(file) as NativeAddon;
    } catch (error) {
        throw addonMismatch(`the addon does not load: ${(error as Error).message}`);
    }
}

/** Versions of the installed node-llama-cpp and of the llama.cpp release that its binaries were made from. */
export function installedVersions(): {nodeLlamaCpp: string; llamaRelease: string} {
    const main = require.resolve("node-llama-cpp");
    const root = main.slice(0, main.lastIndexOf("node-llama-cpp") + "node-llama-cpp".length);
    const read = (file: string) => require(path.join(root, file)) as Record<string, string>;
    return {
        nodeLlamaCpp: read("package.json").version ?? "?",
        llamaRelease: read("llama/llama.cpp.info.json").tag ?? "?",
    };
}

/**
 * Paths of llama.cpp's libraries in this process, from Node's own report of shared objects. With several builds
 * (CPU, Vulkan, CUDA) in one process the last loaded one counts: node-llama-cpp loads a single build per `Llama`.
 */
function loadedLlamaLibraries(): string[] {
    const report = process.report.getReport() as unknown as {sharedObjects?: string[]};
    const objects = report.sharedObjects ?? [];
    const isLlama = (file: string) => /^(lib)?llama[.-].*|^(lib)?llama\.(so|dll|dylib)$/.test(path.basename(file));
    const isGgml = (file: string) => /^(lib)?ggml([.-].*)?\.(so|dll|dylib)/.test(path.basename(file));
    const llama = objects.filter((file) => isLlama(file) && !/common|addon/.test(path.basename(file))).at(-1);
    if (llama === undefined) throw new Error("node-llama-cpp has not loaded llama.cpp in this process");
    const folder = path.dirname(llama);
    const ggml = objects.filter((file) => isGgml(file));
    // Some builds take ggml from a neighbouring package, so other folders count too, behind its own.
    return [
        llama,
        ...ggml.filter((f) => path.dirname(f) === folder),
        ...ggml.filter((f) => path.dirname(f) !== folder),
    ];
}
