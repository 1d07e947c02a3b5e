/**
 * `npm run bench:vscode`: what Kvasir costs an editor, measured in a real VS Code with the bundles as they are shipped:
 * activation as VS Code itself measures it, the scan of a large workspace, memory of the extension host with and without
 * Kvasir, first ghost text against the engine's own time, and what an answer takes of the host's thread. Prints medians with their range; `--json` prints all
 * figures. `npm run bench:vscode -- window scan completion` runs some of its stages.
 */
import {cp, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {runTests} from "@vscode/test-electron";
import esbuild from "esbuild";
import {build, nodeBundle} from "../esbuild.mjs";
import {artefacts, root} from "./setup/paths.mjs";
import {demoRepositoryFolder} from "./setup/steps/demo-repository.mjs";
import {modelFile} from "./setup/steps/model.mjs";
import {launchChromium} from "./vscode/chromium.mjs";
import {addressOf, startCodeServer} from "./vscode/code-server.mjs";
import {endEngine} from "./vscode/end-engine.mjs";
import {meterOf, runCommand} from "./vscode/workbench.mjs";

const nFiles = 10_000;
const nWindows = 3;
const isJson = process.argv.includes("--json");
const say = (/** @type {string} */ text) => void (isJson || process.stdout.write(`${text}\n`));

const home = await mkdtemp(path.join(os.tmpdir(), "kvasir-bench-vscode-"));
const runtimeFolder = path.join(home, "run");
const settings = {
    "kvasir.model.path": modelFile,
    "kvasir.engine.gpu": "cpu",
    "kvasir.engine.idleMinutes": 0.05,
    "kvasir.cache.folder": path.join(home, "cache"),
    // The scan alone: ten thousand files are not read by a small machine in a bench.
    "kvasir.reading.automatic": false,
    "kvasir.chat.maxTokens": 60,
    "kvasir.chat.temperature": 0,
    "kvasir.context.attendedTokens": 1_000,
    "kvasir.context.waitForReadsMs": 60_000,
    "editor.quickSuggestions": {other: "off", comments: "off", strings: "off"},
};
// The servers end with this process, however it ends.
process.once("SIGINT", () => process.exit(130));
try {
    await build({names: ["extension", "engine", "cli", "chat", "cache-view"], isProduction: true});
    const large = path.join(home, "large");
    await makeWorkspace(large);
    const demo = path.join(home, "demo");
    await cp(demoRepositoryFolder, demo, {recursive: true});

    const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
    const isChosen = (/** @type {string} */ stage) => chosen.length === 0 || chosen.includes(stage);
    /** @type {Record<string, unknown>} */
    const figures = {};
    if (isChosen("window")) figures.window = await windowFigures(large);
    if (isChosen("scan")) {
        const {files, scanMs, stallMs} = await figuresInHost(large, false);
        figures.scan = {files, scanMs, stallMs};
        say(`Scan of ${files} files: ${spread(scanMs)} ms`);
        say(`  the longest that the extension host answered nobody meanwhile: ${spread(stallMs)} ms`);
    }
    if (isChosen("completion")) {
        const {completions, answer} = await figuresInHost(demo, true);
        figures.completions = completions;
        say(`First ghost text: ${spread(completions.map(({wholeMs}) => wholeMs))} ms`);
        say(`  of it the engine: ${spread(completions.map(({engineMs}) => engineMs))} ms`);
        const ratios = completions.map(({wholeMs, engineMs}) => wholeMs / engineMs);
        say(`  ratio: ${spread(ratios)} (${ratios.length} completions)`);
        figures.answer = answer;
        if (answer !== undefined)
            say(
                `An answer of ${answer.tokens} tokens in ${(answer.ms / 1000).toFixed(1)} s: ${answer.ownMs.toFixed(0)} ms of the extension host's thread`,
            );
    }
    if (isJson) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
} finally {
    await endEngine(runtimeFolder);
    await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200}).catch(() => undefined);
}

/**
 * As large repositories are: a hundred folders of a hundred sources.
 * @param {string} folder
 */
async function makeWorkspace(folder) {
    for (let n = 0; n < 100; n++) {
        const inner = path.join(folder, `packages/part-${n}/src`);
        await mkdir(inner, {recursive: true});
        const text = (/** @type {number} */ i) =>
            `export const value${i} = ${i};\nexport const twice${i} = value${i} * 2;\n`;
        await Promise.all(
            Array.from({length: nFiles / 100}, (_, i) => writeFile(path.join(inner, `file-${i}.ts`), text(i))),
        );
    }
}

/** @param {string} folder */
async function windowFigures(folder) {
    /** @type {number[]} */
    const activationMs = [];
    /** @type {number[]} */
    const activationCpuMs = [];
    /** @type {number[]} */
    const memoryMib = [];
    const measured = await measuredExtension();
    for (let n = 0; n < nWindows; n++) {
        // One after the other, so that both sides meet the same machine.
        const without = await lookAtWindow(folder, undefined);
        const withKvasir = await lookAtWindow(folder, measured);
        if (withKvasir.activationMs !== undefined) activationMs.push(withKvasir.activationMs);
        const {loadMs, loadWallMs, activateMs, activateWallMs} = JSON.parse(
            await readFile(path.join(measured, "dist/activation.json"), "utf8"),
        );
        activationCpuMs.push(loadMs + activateMs);
        memoryMib.push(withKvasir.hostMib - without.hostMib);
        say(
            `  window ${n + 1}: active after ${activationMs.at(-1)} ms (loading ${loadMs.toFixed(1)} ms on the processor in ${loadWallMs.toFixed(1)} ms, activating ${activateMs.toFixed(1)} in ${activateWallMs.toFixed(1)}), ${memoryMib.at(-1)?.toFixed(1)} MiB more`,
        );
    }
    say(`Activation, processor time of the host's thread: ${spread(activationCpuMs)} ms`);
    say(`  by VS Code's own clock, with what the host does besides and waits for: ${spread(activationMs)} ms`);
    say(`Extension host with Kvasir minus without, ${nFiles} files: ${spread(memoryMib)} MiB`);
    return {activationMs, activationCpuMs, memoryMib};
}

/**
 * The extension in a folder of its own, whose bundle is loaded through test/bench/measured-extension.cjs.
 * @returns {Promise<string>}
 */
async function measuredExtension() {
    const folder = path.join(home, "measured");
    await cp(path.join(root, "dist"), path.join(folder, "dist"), {recursive: true});
    await rename(path.join(folder, "dist/extension.cjs"), path.join(folder, "dist/measured.cjs"));
    await cp(path.join(root, "test/bench/measured-extension.cjs"), path.join(folder, "dist/extension.cjs"));
    for (const name of ["package.json", "package.nls.json", "l10n", "media"])
        await cp(path.join(root, name), path.join(folder, name), {recursive: true});
    return folder;
}

/**
 * Opens a window on a folder until all is quiet.
 * @param {string} folder
 * @param {string | undefined} extension
 * @returns {Promise<{activationMs: number | undefined, hostMib: number}>}
 */
async function lookAtWindow(folder, extension) {
    const server = await startCodeServer({
        settings,
        env: {KVASIR_RUNTIME_DIR: runtimeFolder},
        ...(extension === undefined ? {} : {extension}),
    });
    const browser = await launchChromium();
    try {
        const page = await browser.newPage({viewport: {width: 1280, height: 900}});
        page.setDefaultTimeout(120_000);
        await page.goto(addressOf(server, {folder}));
        await page.locator(".monaco-workbench .explorer-folders-view .monaco-list-row").first().waitFor();
        let activationMs;
        if (extension !== undefined) {
            await meterOf(page).waitFor();
            await runCommand(page, "Developer: Show Running Extensions");
            const row = page.locator(".editor-instance .monaco-list-row").filter({hasText: "Kvasir"});
            await row.first().waitFor();
            activationMs = Number(/Activation: *(\d+) *ms/.exec(await row.first().innerText())?.[1]);
        } else await runCommand(page, "Developer: Show Running Extensions");
        // What starts with a window has ended by then, and garbage is collected when it is idle.
        await page.waitForTimeout(8_000);
        return {activationMs, hostMib: await extensionHostMib(server.home)};
    } finally {
        await browser.close();
        await server.stop();
    }
}

/**
 * Resident memory of the extension host that a server has started.
 * @param {string} serverHome
 */
async function extensionHostMib(serverHome) {
    for (const pid of await readdir("/proc")) {
        if (!/^\d+$/.test(pid)) continue;
        const [command, environment] = await Promise.all(
            ["cmdline", "environ"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "")),
        );
        if (!command?.includes("--type=extensionHost") || !environment?.includes(serverHome)) continue;
        const kib = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
        return Number(kib) / 1024;
    }
    throw new Error("the extension host was not found: this bench needs Linux");
}

/**
 * @param {string} folder
 * @param {boolean} hasCompletions
 * @returns {Promise<import("../test/bench/vscode-host.js").HostFigures>}
 */
async function figuresInHost(folder, hasCompletions) {
    const bundle = path.join(artefacts, "bench-vscode/index.cjs");
    await esbuild.build({
        entryPoints: [path.join(root, "test/bench/vscode-host.ts")],
        outfile: bundle,
        bundle: true,
        ...nodeBundle,
        format: "cjs",
        external: ["vscode"],
        logLevel: "warning",
    });
    const results = path.join(home, "results.json");
    await rm(results, {force: true});
    await runTests({
        vscodeExecutablePath: path.join(root, "scripts/vscode/launcher.mjs"),
        extensionDevelopmentPath: root,
        extensionTestsPath: bundle,
        launchArgs: [folder, "--disable-extensions"],
        extensionTestsEnv: {
            KVASIR_RUNTIME_DIR: runtimeFolder,
            KVASIR_TEST_SETTINGS: JSON.stringify(settings),
            KVASIR_BENCH_RESULTS: results,
            KVASIR_BENCH_COMPLETIONS: hasCompletions ? "1" : "0",
        },
    });
    return JSON.parse(await readFile(results, "utf8"));
}

/** @param {readonly number[]} values */
function spread(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
    const shown = (/** @type {number} */ value) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
    return `${shown(at(0.5))} (${shown(at(0))} to ${shown(at(1))})`;
}
