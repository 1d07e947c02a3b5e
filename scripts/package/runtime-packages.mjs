/**
 * Which files of node_modules a package needs when it runs: node-llama-cpp, which is never bundled, with what it imports,
 * and llama.cpp's libraries for one platform. All else in node_modules is in the bundles or serves building only.
 */
import {existsSync, readFileSync} from "node:fs";
import {cp, mkdir} from "node:fs/promises";
import path from "node:path";
import {root} from "../setup/paths.mjs";

const nodeModules = path.join(root, "node_modules");

/**
 * llama.cpp's libraries by target of VS Code: first the one that always works, then those for GPUs. CUDA's are 180 to 530 MB
 * and are not packed.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const librariesOfTarget = {
    "linux-x64": ["linux-x64", "linux-x64-vulkan"],
    "linux-arm64": ["linux-arm64"],
    "darwin-arm64": ["mac-arm64-metal"],
    "darwin-x64": ["mac-x64"],
    "win32-x64": ["win-x64", "win-x64-vulkan"],
    "win32-arm64": ["win-arm64"],
};

/** What is there for compiling, downloading and reading about llama.cpp; 35 MB of it is llama.cpp's source. */
const notAtRunTime = [
    /^node-llama-cpp\/(?:templates|bins)\//,
    // Two small files there say which release the libraries are of.
    /^node-llama-cpp\/llama\/(?!(?:llama\.cpp\.info|binariesGithubRelease|.*\.info)\.json$)/,
    /\.(?:map|[cm]?tsx?|tsbuildinfo|flow|markdown)$/,
    /\/(?:README|CHANGELOG|HISTORY|CONTRIBUTING|SECURITY)(?:\.[^/]*)?$/i,
    /\/(?:\.github|__tests__|tests?|examples?|docs?|benchmarks?)\//,
    /\/\.[^/]+$/,
];

/**
 * Packages by their folder below node_modules, found as Node finds them; those that only others' platforms have are left out.
 * @param {readonly string[]} names
 * @returns {string[]} sorted
 */
export function runtimePackages(names) {
    /** @type {Set<string>} */
    const found = new Set();
    const visit = (/** @type {string} */ name, /** @type {string} */ from) => {
        const folder = resolvePackage(name, from);
        if (folder === undefined || found.has(folder)) return;
        found.add(folder);
        const manifest = JSON.parse(readFileSync(path.join(nodeModules, folder, "package.json"), "utf8"));
        for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency, folder);
    };
    for (const name of names) visit(name, "");
    return [...found].sort();
}

/**
 * @param {string} name
 * @param {string} from a folder below node_modules, or ""
 * @returns {string | undefined}
 */
function resolvePackage(name, from) {
    for (let at = from; ; at = at.includes("/node_modules/") ? at.slice(0, at.lastIndexOf("/node_modules/")) : "") {
        const folder = at === "" ? name : `${at}/node_modules/${name}`;
        if (existsSync(path.join(nodeModules, folder, "package.json"))) return folder;
        if (at === "") return undefined;
    }
}

/**
 * Copies what is needed at run time into another node_modules.
 * @param {readonly string[]} folders of runtimePackages
 * @param {string} target
 */
export async function copyPackages(folders, target) {
    await mkdir(target, {recursive: true});
    for (const folder of folders) {
        await cp(path.join(nodeModules, folder), path.join(target, folder), {
            recursive: true,
            dereference: true,
            filter: (source) => {
                const relative = path.relative(nodeModules, source).split(path.sep).join("/");
                const inside = relative.slice(folder.length + 1);
                // Those that are needed stand in the list themselves.
                if (inside === "node_modules" || inside.startsWith("node_modules/")) return false;
                return !notAtRunTime.some((pattern) => pattern.test(relative));
            },
        });
    }
}
