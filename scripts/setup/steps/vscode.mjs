/**
 * A real VS Code without a desktop, for the tests of the extension and for `npm start` where there is no other: code-server,
 * with the Node it wants. It lies apart from the packages of the extension, whose lock it would multiply.
 */
import {existsSync} from "node:fs";
import {mkdir, rename, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import {keyOf} from "../content-hash.mjs";
import {artefacts, root} from "../paths.mjs";
import {runNpm} from "../run-command.mjs";
import {SetupError, fetchError} from "../setup-error.mjs";
import {isStamped, writeStamp} from "../stamp.mjs";

/** code-server 4.139.1 is VS Code 1.139.1. It serves errors under Node 20, so it gets a Node 24 of its own. */
const codeServer = "4.139.1";
const node = "24.9.0";
const nodePackage = `node-${process.platform}-${process.arch}`;
const key = keyOf({codeServer, node, nodePackage});

const folder = path.join(artefacts, "vscode");

/** What starts it: `node entry ...`. */
export const codeServerEntry = path.join(folder, "node_modules/code-server/out/node/entry.js");
export const codeServerNode = path.join(folder, "node_modules", nodePackage, "bin/node");

/** @type {import("../plan.mjs").Step} */
export const vscode = {
    name: "vscode",
    title: "VS Code for the tests",
    tools: ["npm"],
    after: [],
    isOptional: true,
    async status() {
        return (await isStamped("vscode", key, folder)) && existsSync(codeServerEntry)
            ? {state: "done", detail: path.relative(root, folder)}
            : {state: "pending", detail: "code-server is not there"};
    },
    async run(report) {
        if (process.platform !== "linux" || process.arch !== "x64") {
            throw new SetupError(`There is no code-server for ${process.platform} on ${process.arch}.`, {
                fix: "Use a desktop VS Code: with `code` on the PATH it is found by itself.",
            });
        }
        const part = `${folder}.part`;
        await rm(part, {recursive: true, force: true});
        await mkdir(part, {recursive: true});
        await writeFile(path.join(part, "package.json"), '{"private": true}\n');
        // Without scripts: they would compile for minutes what prebuilt packages and plain JavaScript do as well here.
        const quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
        const install = (/** @type {string} */ cwd, /** @type {string[]} */ what) =>
            runNpm(["install", ...quietly, ...what], {log: "vscode", report, cwd});
        try {
            await install(part, [`code-server@${codeServer}`, `${nodePackage}@${node}`]);
            const server = path.join(part, "node_modules/code-server/lib/vscode");
            await install(server, ["--omit=dev"]);
            await install(path.join(server, "extensions"), ["--omit=dev"]);
        } catch (error) {
            throw fetchError("code-server", error);
        }
        await rm(folder, {recursive: true, force: true});
        await rename(part, folder);
        await writeStamp("vscode", key, folder);
        return `code-server ${codeServer} in ${path.relative(root, folder)}`;
    },
};
