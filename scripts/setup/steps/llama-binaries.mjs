/**
 * llama.cpp itself, prebuilt by node-llama-cpp for this platform. The lock names the packages of the platforms whose
 * release was there when it was written; for another platform the one of the same version is fetched.
 */
import {existsSync} from "node:fs";
import {readFile} from "node:fs/promises";
import path from "node:path";
import {root} from "../paths.mjs";
import {runNpm} from "../run-command.mjs";
import {SetupError, fetchError} from "../setup-error.mjs";

/** @type {Readonly<Record<string, string>>} */
const packageOfPlatform = {
    "linux-x64": "linux-x64",
    "linux-arm64": "linux-arm64",
    "linux-arm": "linux-armv7l",
    "linux-riscv64": "linux-riscv64",
    "darwin-arm64": "mac-arm64-metal",
    "darwin-x64": "mac-x64",
    "win32-x64": "win-x64",
    "win32-arm64": "win-arm64",
};

/** @type {import("../plan.mjs").Step} */
export const llamaBinaries = {
    name: "llama-binaries",
    title: "llama.cpp for this platform",
    tools: ["node", "npm"],
    after: ["dependencies"],
    async status() {
        const name = binaryPackage(process.platform, process.arch);
        if (name === undefined) return {state: "pending", detail: "no prebuilt binaries"};
        return existsSync(path.join(root, "node_modules", name, "package.json"))
            ? {state: "done", detail: name}
            : {state: "pending", detail: `${name} is not installed`};
    },
    async run(report) {
        const name = binaryPackage(process.platform, process.arch);
        if (name === undefined) {
            throw new SetupError(`node-llama-cpp has no prebuilt binaries for ${process.platform}-${process.arch}.`, {
                fix: "Kvasir runs on Linux, macOS and Windows, on x64 and arm64.",
            });
        }
        const {version} = JSON.parse(
            await readFile(path.join(root, "node_modules/node-llama-cpp/package.json"), "utf8"),
        );
        try {
            await runNpm(
                ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`],
                {log: "llama-binaries", report},
            );
        } catch (error) {
            throw fetchError(`${name} ${version}`, error);
        }
        return `${name} ${version}`;
    },
};

/**
 * The package with the CPU (on Apple silicon: Metal) build for a platform; GPU builds come beside it by the lock.
 * @param {string} platform
 * @param {string} architecture
 */
export function binaryPackage(platform, architecture) {
    const name = packageOfPlatform[`${platform}-${architecture}`];
    return name === undefined ? undefined : `@node-llama-cpp/${name}`;
}
