/**
 * Lays out in a folder of its own what a package holds: production bundles, the addon, head profiles, the catalogue, texts.
 * The checkout's package.json stays as it is; a package has one of its own, without what serves building.
 */
import {existsSync} from "node:fs";
import {cp, mkdir, readFile, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import {build} from "../../esbuild.mjs";
import {addonBuild, artefacts, root} from "../setup/paths.mjs";
import {runNpm} from "../setup/run-command.mjs";
import {SetupError} from "../setup/setup-error.mjs";
import {copyPackages, librariesOfTarget, runtimePackages} from "./runtime-packages.mjs";

export const packages = path.join(artefacts, "packages");
/** Bundles of the command line, which the extension asks about models, are in both. */
const extensionBundles = ["extension", "engine", "cli", "chat", "cache-view"];

/**
 * @param {string} target of `vsce --target`
 * @param {{isCpuOnly?: boolean}} [options] without llama.cpp for GPUs: quick to pack, for tests
 * @returns {Promise<string>} the folder
 */
export async function stageExtension(target, {isCpuOnly = false} = {}) {
    const libraries = await librariesFor(target, isCpuOnly);
    const folder = await emptyFolder(`extension-${target}`);
    await build({names: extensionBundles, isProduction: true});
    await copyBundles(folder, extensionBundles);
    await copyFiles(folder, [
        "l10n",
        "package.nls.json",
        "native-config/models.json",
        "native-config/cuda.json",
        "native-config/profiles",
    ]);
    await copyFiles(folder, ["media", "LICENSE", "CHANGELOG.md"]);
    await copyAddons(folder, [target]);
    await writeFile(path.join(folder, "README.md"), await readmeForMarket());
    const manifest = await ownManifest();
    await writeManifest(folder, {
        ...manifest,
        dependencies: {"node-llama-cpp": manifest.dependencies["node-llama-cpp"]},
    });
    await copyPackages(runtimePackages(["node-llama-cpp", ...libraries]), path.join(folder, "node_modules"));
    return folder;
}

/**
 * The command line for npm. npm brings node-llama-cpp and the libraries of the platform; addons are of those that are built.
 * @returns {Promise<string>} the folder
 */
export async function stageCommandLine() {
    const targets = Object.keys(librariesOfTarget).filter((target) => existsSync(addonOf(target)));
    if (targets.length === 0) throw missingAddon(`${process.platform}-${process.arch}`);
    const folder = await emptyFolder("command-line");
    await build({names: ["cli"], isProduction: true});
    await copyBundles(folder, ["cli"]);
    const program = path.join(folder, "dist/cli.mjs");
    await writeFile(program, `#!/usr/bin/env node\n${await readFile(program, "utf8")}`, {mode: 0o755});
    await copyFiles(folder, [
        "native-config/models.json",
        "native-config/cuda.json",
        "native-config/profiles",
        "LICENSE",
        "CHANGELOG.md",
    ]);
    await cp(path.join(root, "docs/cli.md"), path.join(folder, "README.md"));
    await copyAddons(folder, targets);
    const {name, version, license, type, keywords, engines, dependencies} = await ownManifest();
    await writeManifest(folder, {
        ...{name, version, license, type, keywords},
        description: "Kvasir's command line: a local model that keeps a whole repository in reach.",
        engines: {node: engines.node},
        bin: {kvasir: "dist/cli.mjs"},
        files: ["dist/", "native/", "native-config/", "CHANGELOG.md"],
        dependencies: {"node-llama-cpp": dependencies["node-llama-cpp"]},
    });
    return folder;
}

/**
 * Packages with llama.cpp for a target; for this machine's they are fetched when the lock does not name them.
 * @param {string} target
 * @param {boolean} isCpuOnly
 */
async function librariesFor(target, isCpuOnly) {
    const names = librariesOfTarget[target];
    if (names === undefined)
        throw new SetupError(`There is no target "${target}".`, {
            fix: `There are: ${Object.keys(librariesOfTarget).join(", ")}.`,
        });
    const wanted = (isCpuOnly ? names.slice(0, 1) : names).map((name) => `@node-llama-cpp/${name}`);
    const isThere = (/** @type {string} */ name) => existsSync(path.join(root, "node_modules", name, "package.json"));
    if (!wanted.every(isThere)) {
        if (target !== `${process.platform}-${process.arch}`)
            throw new SetupError(`llama.cpp for ${target} is not here.`, {
                fix: "Pack it on that platform, as the release workflow does.",
            });
        const {version} = JSON.parse(
            await readFile(path.join(root, "node_modules/node-llama-cpp/package.json"), "utf8"),
        );
        // All at once: npm takes away what it was not told to keep.
        const requests = wanted.map((name) => `${name}@${version}`);
        await runNpm(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", ...requests], {
            log: "package",
        });
    }
    return wanted;
}

/** @param {string} name */
async function emptyFolder(name) {
    const folder = path.join(packages, name);
    await rm(folder, {recursive: true, force: true});
    await mkdir(folder, {recursive: true});
    return folder;
}

/**
 * Without source maps and the notes of the bundler.
 * @param {string} folder
 * @param {readonly string[]} names
 */
async function copyBundles(folder, names) {
    const parts = {extension: ["extension.cjs", "extension"], engine: ["engine.mjs"], cli: ["cli.mjs"]};
    const webview = names.includes("chat") ? ["webview"] : [];
    for (const part of [
        ...names.flatMap((name) => parts[/** @type {keyof typeof parts} */ (name)] ?? []),
        ...webview,
    ]) {
        await cp(path.join(root, "dist", part), path.join(folder, "dist", part), {
            recursive: true,
            filter: (source) => !/\.(?:map|inputs\.json)$/.test(source),
        });
    }
}

/**
 * @param {string} folder
 * @param {readonly string[]} files
 */
async function copyFiles(folder, files) {
    for (const file of files) await cp(path.join(root, file), path.join(folder, file), {recursive: true});
}

/** @param {string} target */
function addonOf(target) {
    return path.join(addonBuild, `kvasir-${target}.node`);
}

/**
 * @param {string} folder
 * @param {readonly string[]} targets
 */
async function copyAddons(folder, targets) {
    for (const target of targets) {
        if (!existsSync(addonOf(target))) throw missingAddon(target);
        await mkdir(path.join(folder, "native"), {recursive: true});
        await cp(addonOf(target), path.join(folder, "native", path.basename(addonOf(target))));
    }
}

/** @param {string} target */
function missingAddon(target) {
    return new SetupError(`The native addon for ${target} is not built here.`, {
        fix: `Build it on that platform (\`npm run setup\`) and put it into ${path.relative(root, addonBuild)}.`,
    });
}

/** Marketplaces show no SVG and no file of the repository. */
async function readmeForMarket() {
    const text = await readFile(path.join(root, "README.md"), "utf8");
    return text.replace(/^!\[[^\]]*\]\((?!https:)[^)]*\)\n+/gm, "");
}

async function ownManifest() {
    return JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
}

/**
 * @param {string} folder
 * @param {Record<string, unknown>} manifest
 */
async function writeManifest(folder, manifest) {
    const {private: _private, scripts: _scripts, devDependencies: _dev, ...kept} = manifest;
    await writeFile(path.join(folder, "package.json"), `${JSON.stringify(kept, undefined, 2)}\n`);
}
