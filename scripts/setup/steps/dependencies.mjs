/** The npm packages, exactly as locked; no package's install script runs. */
import {existsSync} from "node:fs";
import {readFile} from "node:fs/promises";
import path from "node:path";
import {root} from "../paths.mjs";
import {runNpm} from "../run-command.mjs";
import {SetupError, fetchError} from "../setup-error.mjs";

/**
 * @typedef {{version?: string, integrity?: string, optional?: boolean, link?: boolean}} LockedPackage
 * @typedef {{packages: Record<string, LockedPackage>}} Lock
 */

/** @type {import("../plan.mjs").Step} */
export const dependencies = {
    name: "dependencies",
    title: "npm packages",
    tools: ["node", "npm"],
    after: [],
    async status() {
        const [wanted, installed] = await Promise.all([
            readLock("package-lock.json"),
            readLock("node_modules/.package-lock.json"),
        ]);
        if (wanted === undefined) return {state: "pending", detail: "package-lock.json is missing"};
        if (installed === undefined) return {state: "pending", detail: "not installed"};
        const stale = findStale(wanted, installed).find((name) => name !== undefined) ?? findAbsentFolder(wanted);
        return stale === undefined
            ? {state: "done", detail: "as locked"}
            : {state: "pending", detail: `${stale} differs from the lock`};
    },
    async run(report) {
        // `npm ci` empties node_modules first; with packages already there the incremental way is quicker and, by
        // --no-save, as faithful to the lock.
        const isFresh = !existsSync(path.join(root, "node_modules/.package-lock.json"));
        const command = isFresh ? ["ci"] : ["install", "--no-save"];
        try {
            await runNpm([...command, "--ignore-scripts", "--no-audit", "--no-fund"], {log: "dependencies", report});
        } catch (error) {
            if (error instanceof SetupError && error.output?.includes("npm ci` can only install packages when")) {
                throw new SetupError("package.json and package-lock.json disagree.", {
                    fix: "Run `npm install` and keep both files.",
                    log: error.log,
                });
            }
            throw fetchError("The npm packages", error);
        }
        return "installed as locked";
    },
};

/**
 * The packages whose installed version is not the locked one. A missing optional package is no difference: it is
 * for another platform.
 * @param {Lock} wanted package-lock.json
 * @param {Lock} installed npm's own record in node_modules
 * @returns {string[]} paths as in the lock
 */
export function findStale(wanted, installed) {
    return Object.entries(wanted.packages)
        .filter(([place, locked]) => {
            if (place === "" || locked.link) return false;
            const found = installed.packages[place];
            if (found === undefined) return !locked.optional;
            // Binaries for other platforms may stand in the lock without a checksum.
            const isOtherContent = locked.integrity !== undefined && found.integrity !== locked.integrity;
            return found.version !== locked.version || isOtherContent;
        })
        .map(([place]) => place);
}

/**
 * npm's record can outlive a folder that someone removed.
 * @param {Lock} wanted
 */
function findAbsentFolder(wanted) {
    return Object.entries(wanted.packages)
        .filter(([place, locked]) => place.lastIndexOf("node_modules/") === 0 && !locked.optional && !locked.link)
        .map(([place]) => place)
        .find((place) => !existsSync(path.join(root, place)));
}

/**
 * @param {string} file
 * @returns {Promise<Lock | undefined>}
 */
async function readLock(file) {
    try {
        return JSON.parse(await readFile(path.join(root, file), "utf8"));
    } catch (error) {
        if (error instanceof SyntaxError || /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT")
            return undefined;
        throw error;
    }
}
