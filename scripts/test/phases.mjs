/** The phases of `npm test`, cheap ones first. Each runs in its own process, so that none takes the others down. */
import {spawn} from "node:child_process";
import {mkdir, readFile, readdir, rm} from "node:fs/promises";
import path from "node:path";
import {artefacts, root} from "../setup/paths.mjs";
import {countCommand, countVitest, sum} from "./count.mjs";

const bin = (/** @type {string} */ file) => path.join(root, "node_modules", file);

/**
 * @typedef {object} Phase
 * @property {string} name
 * @property {() => Promise<import("./count.mjs").Count | undefined>} run undefined: there is nothing to run yet
 */

/** @type {readonly Phase[]} */
export const phases = [
    commandPhase("lint", [[bin("eslint/bin/eslint.js"), "."]]),
    commandPhase("types", [
        [bin("typescript/bin/tsc"), "-p", "tsconfig.json"],
        [bin("typescript/bin/tsc"), "-p", "webview/tsconfig.json"],
    ]),
    vitestPhase("unit"),
    vitestPhase("native"),
    vitestPhase("engine"),
    vitestPhase("reliability"),
    uiPhase(),
];

/**
 * The extension in a real VS Code: test/host inside its extension host, test/ui through the page. Needs more than the
 * other phases, so it has a set-up of its own.
 * @returns {Phase}
 */
function uiPhase() {
    return {
        name: "ui",
        async run() {
            const setup = [path.join(root, "scripts/setup.mjs"), "--quiet", "--only", "browser,vscode"];
            const bundles = [path.join(root, "esbuild.mjs"), "extension", "engine", "cli", "chat", "cache-view"];
            for (const script of [setup, bundles]) {
                const exitCode = await runNode(script);
                if (exitCode !== 0) return countCommand(path.relative(root, script[0] ?? ""), exitCode);
            }
            const {runHostTests} = await import("./host.mjs");
            const host = await runHostTests();
            const page = await vitestPhase("ui").run();
            return page === undefined ? host : sum(host, page);
        },
    };
}

/**
 * @param {string} name
 * @param {readonly (readonly string[])[]} commands Node scripts with their arguments; all run, one failure fails the phase
 * @returns {Phase}
 */
function commandPhase(name, commands) {
    return {
        name,
        async run() {
            let worst = /** @type {number | null} */ (0);
            for (const command of commands) worst = (await runNode(command)) === 0 ? worst : 1;
            return countCommand(name, worst);
        },
    };
}

/**
 * @param {string} name a project of vitest.config.ts and a folder below test/
 * @returns {Phase}
 */
function vitestPhase(name) {
    return {
        name,
        async run() {
            if (!(await hasTests(path.join(root, "test", name)))) return undefined;
            const reportFile = path.join(artefacts, "logs", `test-${name}.json`);
            await mkdir(path.dirname(reportFile), {recursive: true});
            await rm(reportFile, {force: true});
            const exitCode = await runNode([
                bin("vitest/vitest.mjs"),
                "run",
                "--project",
                name,
                "--reporter=default",
                "--reporter=json",
                `--outputFile.json=${reportFile}`,
            ]);
            const report = await readFile(reportFile, "utf8").then(JSON.parse, () => undefined);
            return countVitest(report, exitCode);
        },
    };
}

/** @param {string} folder */
async function hasTests(folder) {
    const files = await readdir(folder, {recursive: true}).catch(() => []);
    return files.some((file) => file.endsWith(".test.ts"));
}

/**
 * @param {readonly string[]} script
 * @returns {Promise<number | null>} exit code, null when a signal ended it
 */
function runNode(script) {
    return new Promise((resolve) => {
        const child = spawn(process.execPath, [...script], {cwd: root, stdio: ["ignore", "inherit", "inherit"]});
        child.once("error", () => resolve(1));
        child.once("close", (code) => resolve(code));
    });
}
