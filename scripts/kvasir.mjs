/**
 * The command line from a checkout: bundles it when a source is newer than the bundle, then becomes it. Standard output
 * belongs to the command alone.
 */
import {existsSync, statSync} from "node:fs";
import {readFile} from "node:fs/promises";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {root} from "./setup/paths.mjs";

const entry = "extension/cli/main.ts";
const bundle = path.join(root, "dist/cli.mjs");
/** A server shares the engine process of the windows, which is a program of its own. */
const joinsEngine = ["serve", "mcp"].some((command) => process.argv.includes(command));

if (!existsSync(path.join(root, "node_modules/esbuild")))
    fail("the packages are not installed.", "Run `npm run setup` once.");
if (!existsSync(path.join(root, entry))) fail("the command line is not part of this checkout.");
for (const name of joinsEngine ? ["cli", "engine"] : ["cli"]) {
    if (await isCurrent(path.join(root, `dist/${name}.mjs`))) continue;
    const {build} = await import("../esbuild.mjs");
    await build({names: [name]});
}
process.argv[1] = bundle;
// npm starts scripts in the package's folder; paths on the command line are relative to where the user is.
if (process.env.npm_lifecycle_event === "kvasir" && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
await import(pathToFileURL(bundle).href);

/**
 * True when nothing that went into a bundle changed since.
 * @param {string} bundle
 */
async function isCurrent(bundle) {
    try {
        if (!existsSync(bundle)) return false;
        /** @type {{startedMs: number, inputs: string[]}} */
        const {startedMs, inputs} = JSON.parse(await readFile(`${bundle}.inputs.json`, "utf8"));
        return [...inputs, "esbuild.mjs", "package-lock.json"].every(
            (input) => statSync(path.join(root, input)).mtimeMs < startedMs,
        );
    } catch {
        // Never bundled, or one of its sources is gone.
        return false;
    }
}

/**
 * @param {string} message
 * @param {string} [fix]
 * @returns {never}
 */
function fail(message, fix) {
    process.stderr.write(`error internal: ${message}${fix === undefined ? "" : ` ${fix}`}\n`);
    process.exit(1);
}
