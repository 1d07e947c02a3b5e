/** The native addon, built by CMake and put in place in one move, so that a running engine keeps the one it loaded. */
import {spawnSync} from "node:child_process";
import {existsSync} from "node:fs";
import {copyFile, mkdir, readFile, readdir, rename, rm} from "node:fs/promises";
import path from "node:path";
import {hashFolder, keyOf} from "../content-hash.mjs";
import {addonBuild, addonFile, addonSource, root} from "../paths.mjs";
import {runCommand} from "../run-command.mjs";
import {SetupError} from "../setup-error.mjs";
import {isStamped, writeStamp} from "../stamp.mjs";
import {headersKey} from "./llama-headers.mjs";

const cmakeFolder = path.join(addonBuild, "cmake");

/** @type {import("../plan.mjs").Step} */
export const addon = {
    name: "addon",
    title: "native addon",
    tools: ["cmake", "c++"],
    after: ["dependencies", "headers"],
    async status() {
        if (!(await hasSources())) return {state: "skipped", detail: "native-config/addon/src has no sources yet"};
        const key = await addonKey();
        if (key === undefined) return {state: "pending", detail: "waits for the npm packages"};
        if (await isStamped("addon", key, addonFile)) return {state: "done", detail: path.relative(root, addonFile)};
        return {state: "pending", detail: existsSync(addonFile) ? "its sources changed" : "not built"};
    },
    async run(report) {
        // Taken before the build: a source edited meanwhile makes the next run build again.
        const key = await addonKey();
        if (key === undefined) throw new SetupError("llama.cpp's headers are missing.", {fix: "Run `npm run setup`."});
        await mkdir(addonBuild, {recursive: true});
        const run = (/** @type {string[]} */ args) =>
            runCommand("cmake", args, {log: "addon", report: (line) => report(line.replaceAll(root, "."))});
        const configure = ["-S", addonSource, "-B", cmakeFolder, "-DCMAKE_BUILD_TYPE=Release", ...generator()];
        try {
            await run(configure);
        } catch (error) {
            // A build folder of another generator, compiler or place does not configure: once more from nothing.
            if (!existsSync(path.join(cmakeFolder, "CMakeCache.txt"))) throw buildError(error);
            await rm(cmakeFolder, {recursive: true, force: true});
            await run(configure).catch((again) => Promise.reject(buildError(again)));
        }
        await run(["--build", cmakeFolder, "--config", "Release", "--parallel"]).catch((error) =>
            Promise.reject(buildError(error)),
        );
        await copyFile(path.join(cmakeFolder, "out/kvasir.node"), `${addonFile}.part`);
        await rename(`${addonFile}.part`, addonFile).catch((error) => {
            if (error.code !== "EPERM" && error.code !== "EBUSY" && error.code !== "EACCES") throw error;
            throw new SetupError("The native addon is in use and cannot be replaced.", {
                fix: "Close what runs Kvasir and run this again.",
            });
        });
        await writeStamp("addon", key, addonFile);
        return path.relative(root, addonFile);
    },
};

async function hasSources() {
    const entries = await readdir(path.join(addonSource, "src"), {recursive: true}).catch(() => []);
    return entries.some((entry) => entry.endsWith(".cpp"));
}

/** Key over everything the addon is made from, or undefined before its headers are known. */
async function addonKey() {
    const headers = await headersKey();
    if (headers === undefined) return undefined;
    const [sources, ...versions] = await Promise.all([
        hashFolder(addonSource, (file) => !file.startsWith("build/") && /\.(cpp|h|hpp|inc|txt|cmake)$/.test(file)),
        ...["node-llama-cpp", "node-addon-api", "node-api-headers"].map(
            async (name) =>
                JSON.parse(await readFile(path.join(root, "node_modules", name, "package.json"), "utf8")).version,
        ),
    ]);
    return keyOf({
        headers,
        sources,
        versions: versions.join(" "),
        platform: `${process.platform}-${process.arch}`,
        cxx: process.env.CXX ?? "",
    });
}

/** Ninja when it is there (quicker); never with Visual Studio, whose compiler CMake finds only by its own generator. */
function generator() {
    if (process.platform === "win32" || process.env.CMAKE_GENERATOR !== undefined) return [];
    const isReused = existsSync(path.join(cmakeFolder, "CMakeCache.txt"));
    return !isReused && spawnSync("ninja", ["--version"]).status === 0 ? ["-G", "Ninja"] : [];
}

/** @param {unknown} error */
function buildError(error) {
    if (!(error instanceof SetupError)) return error;
    return new SetupError("The native addon could not be built.", {
        fix: "The compiler's message is above; a C++17 compiler is needed (GCC 9, Clang 10, Visual Studio 2019 or later).",
        output: error.output,
        log: error.log,
    });
}
