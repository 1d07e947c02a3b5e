/** llama.cpp's public headers, of the very release that node-llama-cpp was built from: taken from its own git bundle. */
import {readFile, rename, rm, stat} from "node:fs/promises";
import path from "node:path";
import {keyOf} from "../content-hash.mjs";
import {artefacts, llamaHeaders, root} from "../paths.mjs";
import {runCommand} from "../run-command.mjs";
import {SetupError} from "../setup-error.mjs";
import {isStamped, writeStamp} from "../stamp.mjs";

const llamaFolder = path.join(root, "node_modules/node-llama-cpp/llama");
const bundle = path.join(llamaFolder, "gitRelease.bundle");

/** @type {import("../plan.mjs").Step} */
export const llamaHeadersStep = {
    name: "headers",
    title: "llama.cpp headers",
    tools: ["git"],
    after: ["dependencies"],
    async status() {
        const key = await headersKey();
        if (key === undefined) return {state: "pending", detail: "waits for the npm packages"};
        return (await isStamped("headers", key, llamaHeaders))
            ? {state: "done", detail: await release()}
            : {state: "pending", detail: "not there"};
    },
    async run(report) {
        const key = await headersKey();
        if (key === undefined) {
            throw new SetupError(`${path.relative(root, bundle)} is missing.`, {
                fix: "Remove node_modules and run this again.",
            });
        }
        const clone = path.join(artefacts, "llama.cpp-headers.part");
        await rm(clone, {recursive: true, force: true});
        const git = (/** @type {string[]} */ ...args) => runCommand("git", args, {log: "headers", report});
        // Only the headers are written out; the blobs of a whole work tree would be 100 MB more.
        await git("clone", "--quiet", "--no-checkout", bundle, clone);
        await git("-C", clone, "checkout", "--quiet", "HEAD", "--", "include", "ggml/include", "LICENSE");
        await rm(path.join(clone, ".git"), {recursive: true, force: true});
        await rm(llamaHeaders, {recursive: true, force: true});
        await rename(clone, llamaHeaders);
        await writeStamp("headers", key, llamaHeaders);
        return `of ${await release()}`;
    },
};

/** Key of the bundle the headers come from, or undefined before the packages are installed. */
export async function headersKey() {
    try {
        const [{size}, tag] = await Promise.all([stat(bundle), release()]);
        return keyOf({tag, size: String(size)});
    } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
        throw error;
    }
}

async function release() {
    const {tag} = JSON.parse(await readFile(path.join(llamaFolder, "llama.cpp.info.json"), "utf8"));
    return `llama.cpp ${tag}`;
}
