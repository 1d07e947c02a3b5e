/**
 * Runs test/host inside a real VS Code's extension host: a desktop one when there is one (KVASIR_VSCODE or `code` on the
 * PATH), else code-server. The tests are the same.
 */
import {readdirSync} from "node:fs";
import {cp, mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {runTests} from "@vscode/test-electron";
import esbuild from "esbuild";
import {nodeBundle} from "../../esbuild.mjs";
import {artefacts, root} from "../setup/paths.mjs";
import {demoRepositoryFolder} from "../setup/steps/demo-repository.mjs";
import {modelFile} from "../setup/steps/model.mjs";
import {findDesktop} from "../vscode/desktop.mjs";
import {endEngine} from "../vscode/end-engine.mjs";
import {countHost} from "./count.mjs";

const out = path.join(artefacts, "test-host");

/** @returns {Promise<import("./count.mjs").Count>} */
export async function runHostTests() {
    await bundleTests();
    const home = await mkdtemp(path.join(os.tmpdir(), "kvasir-host-"));
    const desktop = findDesktop();
    try {
        // A copy: tests edit it.
        const workspace = path.join(home, "workspace");
        await cp(demoRepositoryFolder, workspace, {recursive: true});
        const settings = {
            "kvasir.model.path": modelFile,
            "kvasir.engine.gpu": "cpu",
            "kvasir.cache.folder": path.join(home, "cache"),
            "kvasir.engine.idleMinutes": 0.05,
            // A busy build server reads slowly; a test wants to see the file that it named.
            "kvasir.context.waitForReadsMs": 60_000,
            "kvasir.context.attendedTokens": 1_000,
            // Read by the tests that are about reading; meanwhile the others would wait for it on a slow machine.
            "kvasir.reading.automatic": false,
            // The editor's own list would take a completion's place, now and then.
            "editor.quickSuggestions": {other: "off", comments: "off", strings: "off"},
        };
        await mkdir(path.join(home, "udd/User"), {recursive: true});
        await writeFile(path.join(home, "udd/User/settings.json"), JSON.stringify(settings));
        const crash = await runTests({
            vscodeExecutablePath: desktop ?? path.join(root, "scripts/vscode/launcher.mjs"),
            // The second one brings a tool, which the chat is given.
            extensionDevelopmentPath: [root, path.join(root, "test/host/tools-extension")],
            extensionTestsPath: path.join(out, "index.cjs"),
            launchArgs: [workspace, "--disable-extensions", `--user-data-dir=${path.join(home, "udd")}`],
            extensionTestsEnv: {
                // Not the engine of whoever runs the tests.
                KVASIR_RUNTIME_DIR: path.join(home, "run"),
                KVASIR_MODELS_DIR: path.join(home, "models"),
                KVASIR_TEST_SETTINGS: JSON.stringify(settings),
            },
        }).then(
            () => undefined,
            (error) => error,
        );
        const kept = path.join(artefacts, "logs/vscode-host");
        await mkdir(kept, {recursive: true});
        await cp(path.join(home, "run/engine.log"), path.join(kept, "engine.log")).catch(() => undefined);
        return countHost(await readResults(), crash);
    } finally {
        await endEngine(path.join(home, "run"));
        await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200}).catch(() => undefined);
    }
}

async function bundleTests() {
    await rm(out, {recursive: true, force: true});
    const folder = path.join(root, "test/host");
    const tests = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
    await esbuild.build({
        entryPoints: ["index.ts", ...tests].map((name) => path.join(folder, name)),
        outdir: out,
        outExtension: {".js": ".cjs"},
        bundle: true,
        ...nodeBundle,
        format: "cjs",
        sourcemap: "inline",
        // mocha finds its own files beside itself; from the bundle's folder it is found in the checkout.
        external: ["vscode", "mocha"],
        logLevel: "warning",
    });
}

/** @returns {Promise<readonly import("./count.mjs").HostTest[] | undefined>} undefined: it did not come to that */
async function readResults() {
    return readFile(path.join(out, "results.json"), "utf8").then(JSON.parse, () => undefined);
}
