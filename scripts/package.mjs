/**
 * `npm run package`: the extension as a VSIX for one platform and the command line as an npm package, into
 * `.kvasir/packages`, with their sizes. `--target linux-x64` (this machine's by default), `--cpu-only` leaves llama.cpp for
 * GPUs out, `--only extension` or `--only cli` makes one of them.
 */
import {spawn} from "node:child_process";
import {rename, stat} from "node:fs/promises";
import path from "node:path";
import {parseArgs} from "node:util";
import {createVSIX} from "@vscode/vsce";
import {packages, stageCommandLine, stageExtension} from "./package/stage.mjs";
import {librariesOfTarget} from "./package/runtime-packages.mjs";
import {SetupError} from "./setup/setup-error.mjs";

const {values} = parseArgs({
    options: {
        target: {type: "string", default: `${process.platform}-${process.arch}`},
        "cpu-only": {type: "boolean", default: false},
        only: {type: "string"},
    },
});

try {
    if (values.only !== "cli") await packExtension(values.target, values["cpu-only"]);
    if (values.only !== "extension") await packCommandLine();
} catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`package: ${error.message} ${error.fix ?? ""}\n`);
    process.exitCode = 1;
}

/**
 * @param {string} target
 * @param {boolean} isCpuOnly
 */
async function packExtension(target, isCpuOnly) {
    const folder = await stageExtension(target, {isCpuOnly});
    const file = path.join(packages, `kvasir-${target}${isCpuOnly ? "-cpu" : ""}.vsix`);
    await createVSIX({
        cwd: folder,
        packagePath: file,
        target,
        // Links of the README lead into the repository, which this version does not name.
        rewriteRelativeLinks: false,
        allowMissingRepository: true,
        skipLicense: false,
    });
    const libraries = (librariesOfTarget[target] ?? []).slice(0, isCpuOnly ? 1 : undefined);
    await say(file, `llama.cpp: ${libraries.join(", ")}`);
}

async function packCommandLine() {
    const folder = await stageCommandLine();
    const name = await npmPack(folder);
    const file = path.join(packages, "kvasir-cli.tgz");
    await rename(path.join(packages, name), file);
    await say(file, "npm brings node-llama-cpp");
}

/**
 * @param {string} folder
 * @returns {Promise<string>} the name of the file, in the folder of packages
 */
function npmPack(folder) {
    return new Promise((resolve, reject) => {
        const child = spawn("npm", ["pack", "--json", "--pack-destination", packages], {
            cwd: folder,
            stdio: ["ignore", "pipe", "inherit"],
            shell: process.platform === "win32",
        });
        let output = "";
        child.stdout.on("data", (data) => (output += data));
        child.once("error", reject);
        child.once("close", (code) =>
            code === 0 ? resolve(JSON.parse(output)[0].filename) : reject(new Error(`npm pack ended with ${code}`)),
        );
    });
}

/**
 * @param {string} file
 * @param {string} note
 */
async function say(file, note) {
    const {size} = await stat(file);
    process.stdout.write(`${file}\n  ${(size / 1e6).toFixed(1)} MB; ${note}\n`);
}
