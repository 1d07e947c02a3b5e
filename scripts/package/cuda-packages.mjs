/**
 * What is known of llama.cpp for CUDA before anybody fetches it: node-llama-cpp's packages for a target, with the checksum
 * and the size on disk that the registry's own files have. `native-config/cuda.json` is the list that a package carries.
 */
import {spawn} from "node:child_process";

/** @type {Readonly<Record<string, readonly string[]>>} */
export const cudaPackagesOfTarget = {
    "linux-x64": ["@node-llama-cpp/linux-x64-cuda", "@node-llama-cpp/linux-x64-cuda-ext"],
    "win32-x64": ["@node-llama-cpp/win-x64-cuda", "@node-llama-cpp/win-x64-cuda-ext"],
};

/**
 * @param {string} target
 * @param {string} version
 * @param {NodeJS.ProcessEnv} [env] of npm
 * @param {Readonly<Record<string, readonly string[]>>} [byTarget]
 * @returns {Promise<{name: string, integrity: string, bytes: number}[] | undefined>} undefined when the registry lacks one
 */
export async function lookUpCuda(target, version, env = process.env, byTarget = cudaPackagesOfTarget) {
    const found = [];
    for (const name of byTarget[target] ?? []) {
        const packed = await npmPack(`${name}@${version}`, env);
        if (packed === undefined) return undefined;
        found.push({name, integrity: packed.integrity, bytes: packed.unpackedSize});
    }
    return found.length === 0 ? undefined : found;
}

/**
 * Fetches the whole package, as its size on disk stands nowhere else, and writes nothing.
 * @param {string} spec
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{integrity: string, unpackedSize: number} | undefined>}
 */
async function npmPack(spec, env) {
    const child = spawn("npm", ["pack", spec, "--dry-run", "--json", "--loglevel=error"], {
        env,
        stdio: ["ignore", "pipe", "pipe"],
        shell: process.platform === "win32",
    });
    let output = "";
    let complaints = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (complaints += data));
    const code = await new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("close", resolve);
    });
    if (code === 0) return JSON.parse(output)[0];
    if (/\bE404\b|\bETARGET\b/.test(complaints)) return undefined;
    throw new Error(`npm pack ${spec} ended with ${code}: ${complaints}`);
}
