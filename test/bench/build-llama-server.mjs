/**
 * Builds llama-server, the peer of the speed bench, from the very llama.cpp sources that node-llama-cpp was built from
 * (its own git bundle): into .kvasir/peers, where the bench looks for it. Idempotent; stopped in the middle, it goes on
 * where it was. About 20 minutes on two cores. With a GPU backend ggml's libraries come beside it.
 *
 *     node test/bench/build-llama-server.mjs [--gpu cuda|vulkan] [--cuda-architectures 90] [--jobs N]
 */
import {cp, mkdir, readFile, readdir, rename, rm, stat, writeFile} from "node:fs/promises";
import {availableParallelism} from "node:os";
import path from "node:path";
import {parseArgs} from "node:util";
import {keyOf} from "../../scripts/setup/content-hash.mjs";
import {withLock} from "../../scripts/setup/lock.mjs";
import {artefacts, root} from "../../scripts/setup/paths.mjs";
import {describeMissing, findMissing} from "../../scripts/setup/prerequisites.mjs";
import {Progress} from "../../scripts/setup/progress.mjs";
import {runCommand} from "../../scripts/setup/run-command.mjs";
import {SetupError} from "../../scripts/setup/setup-error.mjs";
import {isStamped, writeStamp} from "../../scripts/setup/stamp.mjs";

const peers = path.join(artefacts, "peers");
const llamaFolder = path.join(root, "node_modules/node-llama-cpp/llama");
const bundle = path.join(llamaFolder, "gitRelease.bundle");
const program = process.platform === "win32" ? "llama-server.exe" : "llama-server";

const {values: flags} = parseArgs({
    options: {gpu: {type: "string"}, "cuda-architectures": {type: "string"}, jobs: {type: "string"}},
});
try {
    if (flags.gpu !== undefined && !["cuda", "vulkan"].includes(flags.gpu))
        throw new SetupError(`there is no GPU backend "${flags.gpu}" here.`, {fix: "There are cuda and vulkan."});
    await withLock(build, {
        file: path.join(peers, "build.lock"),
        onWait: (pid) => process.stderr.write(`Waiting for another build (process ${pid}) to end …\n`),
    });
} catch (error) {
    if (!(error instanceof SetupError)) throw error;
    if (error.output) process.stderr.write(`\n${error.output.split("\n").slice(-40).join("\n")}\n\n`);
    process.stderr.write(
        `llama-server: ${error.message}${error.fix ? `\n${error.fix}` : ""}${error.log ? `\nLog: ${error.log}` : ""}\n`,
    );
    process.exitCode = 1;
}

async function build() {
    const {tag} = JSON.parse(await readFile(path.join(llamaFolder, "llama.cpp.info.json"), "utf8"));
    const size = String((await stat(bundle)).size);
    const variant = flags.gpu === undefined ? "llama-server" : `llama-server-${flags.gpu}`;
    const target = path.join(peers, variant);
    const options = configuration();
    const key = keyOf({tag, size, options: options.join(" ")});
    const binary = path.join(target, program);
    if (await isStamped(variant, key, binary)) {
        process.stdout.write(`${binary}\n`);
        return;
    }
    const missing = findMissing(["git", "cmake", "c++"]);
    if (missing.length > 0) throw new SetupError(describeMissing(missing));
    const progress = new Progress();
    const step = async (/** @type {string} */ title, /** @type {() => Promise<string>} */ work) => {
        progress.start(title);
        try {
            progress.done(await work());
        } catch (error) {
            progress.failed();
            throw error;
        }
    };
    const run = (/** @type {string} */ command, /** @type {string[]} */ args) =>
        runCommand(command, args, {log: variant, report: (line) => progress.report(line)});
    const source = path.join(peers, `llama.cpp-${keyOf({tag, size}).slice(0, 8)}`);
    const buildFolder = path.join(peers, `build-${variant}`);
    await step("llama.cpp sources", async () => {
        await fetchSource(source, run);
        return tag;
    });
    await step("llama-server, configured", async () => {
        await run("cmake", ["-S", source, "-B", buildFolder, ...(await generator(buildFolder)), ...options]);
        return flags.gpu ?? "cpu";
    });
    await step("llama-server, compiled", async () => {
        const jobs = flags.jobs ?? String(availableParallelism());
        await run("cmake", ["--build", buildFolder, "--config", "Release", "--target", "llama-server", "-j", jobs]);
        // Backends that are loaded at run time are no dependency of the program.
        if (flags.gpu !== undefined)
            await run("cmake", [
                "--build",
                buildFolder,
                "--config",
                "Release",
                "--target",
                `ggml-${flags.gpu}`,
                "-j",
                jobs,
            ]);
        return tag;
    });
    await keep(await folderOf(buildFolder), target);
    await writeStamp(variant, key, binary);
    process.stdout.write(`${binary}\n`);
}

/** What cmake is told. On the CPU one program for this very processor; with a GPU the backends are libraries beside it. */
function configuration() {
    const common = {
        CMAKE_BUILD_TYPE: "Release",
        LLAMA_BUILD_TESTS: "OFF",
        LLAMA_BUILD_EXAMPLES: "OFF",
        LLAMA_BUILD_APP: "OFF",
        LLAMA_BUILD_SERVER: "ON",
        // Nothing is fetched while it is built, and nothing by what is built.
        LLAMA_BUILD_UI: "OFF",
        LLAMA_USE_PREBUILT_UI: "OFF",
        LLAMA_CURL: "OFF",
        LLAMA_OPENSSL: "OFF",
    };
    const byBackend =
        flags.gpu === undefined
            ? {BUILD_SHARED_LIBS: "OFF", GGML_NATIVE: "ON"}
            : {
                  BUILD_SHARED_LIBS: "ON",
                  GGML_BACKEND_DL: "ON",
                  GGML_NATIVE: "OFF",
                  GGML_CPU_ALL_VARIANTS: "ON",
                  // A library finds its own kind beside itself and nowhere else: a second copy of ggml would not work.
                  CMAKE_BUILD_WITH_INSTALL_RPATH: "ON",
                  CMAKE_INSTALL_RPATH: "$ORIGIN",
                  [`GGML_${flags.gpu.toUpperCase()}`]: "ON",
                  ...(flags["cuda-architectures"] && {CMAKE_CUDA_ARCHITECTURES: flags["cuda-architectures"]}),
              };
    return Object.entries({...common, ...byBackend}).map(([name, value]) => `-D${name}=${value}`);
}

/**
 * The work tree of the bundle, whole or not at all.
 * @param {string} folder
 * @param {(command: string, args: string[]) => Promise<string>} run
 */
async function fetchSource(folder, run) {
    if (await exists(folder)) return;
    const part = `${folder}.part`;
    await rm(part, {recursive: true, force: true});
    await mkdir(peers, {recursive: true});
    await run("git", ["-c", "advice.detachedHead=false", "clone", "--quiet", bundle, part]);
    // The bundle lacks what its ignore rules match, and cmake asks for it.
    await writeFile(path.join(part, "ggml/ggml.pc.in"), "");
    await rename(part, folder);
}

/**
 * Ninja when it is there; a folder keeps the generator that it was made with.
 * @param {string} buildFolder
 */
async function generator(buildFolder) {
    if (await exists(path.join(buildFolder, "CMakeCache.txt"))) return [];
    const isNinja = (process.env.PATH ?? "").split(path.delimiter);
    for (const folder of isNinja) {
        if ((await exists(path.join(folder, "ninja"))) || (await exists(path.join(folder, "ninja.exe"))))
            return ["-G", "Ninja"];
    }
    return [];
}

/**
 * Where the program was built: Visual Studio adds a folder for the configuration.
 * @param {string} buildFolder
 */
async function folderOf(buildFolder) {
    const release = path.join(buildFolder, "bin/Release");
    return (await exists(release)) ? release : path.join(buildFolder, "bin");
}

/**
 * The program and the libraries beside it, swapped in when they are all there.
 * @param {string} from
 * @param {string} to
 */
async function keep(from, to) {
    const part = `${to}.part`;
    await rm(part, {recursive: true, force: true});
    await mkdir(part, {recursive: true});
    for (const name of await readdir(from)) {
        if (name === program || /\.(so(\.\d+)*|dylib|dll)$/.test(name))
            await cp(path.join(from, name), path.join(part, name), {verbatimSymlinks: true});
    }
    await rm(to, {recursive: true, force: true});
    await rename(part, to);
}

/** @param {string} file */
async function exists(file) {
    return stat(file).then(
        () => true,
        () => false,
    );
}
