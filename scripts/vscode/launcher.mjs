#!/usr/bin/env node
/**
 * Stands in for a desktop VS Code where there is none: takes the arguments with which tests are started in one
 * (`--extensionDevelopmentPath`, `--extensionTestsPath`, a folder), runs them in code-server, and ends with their exit code.
 */
import {createWriteStream} from "node:fs";
import {mkdir, rm} from "node:fs/promises";
import path from "node:path";
import {artefacts} from "../setup/paths.mjs";
import {launchChromium} from "./chromium.mjs";
import {addressOf, startCodeServer} from "./code-server.mjs";

/** A run that says nothing for so long hangs. */
const silenceMs = 300_000;

const flags = new Map();
/** @type {string[]} */
const folders = [];
/** @type {string[]} An address can name one; another one is installed. */
const extensions = [];
for (const argument of process.argv.slice(2)) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) folders.push(argument);
    else if (name === "extensionDevelopmentPath") extensions.push(value ?? "");
    else flags.set(name, value ?? "true");
}
const tests = flags.get("extensionTestsPath");
const [extension, installed] = extensions;
if (extension === undefined || tests === undefined) {
    process.stderr.write("launcher: --extensionDevelopmentPath and --extensionTestsPath are needed\n");
    process.exit(2);
}

const server = await startCodeServer({
    hasDriver: true,
    ...(installed === undefined ? {} : {extension: installed}),
    settings: JSON.parse(process.env.KVASIR_TEST_SETTINGS ?? "{}"),
    hasTrust: process.env.KVASIR_TEST_TRUST === "1",
});
const browser = await launchChromium();
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.once(signal, () => void Promise.allSettled([browser.close(), server.stop()]).then(() => process.exit(130)));
}
const kept = path.join(artefacts, "logs/vscode-host");
await rm(kept, {recursive: true, force: true});
await mkdir(kept, {recursive: true});
const pageLog = createWriteStream(path.join(kept, "page.log"));
let code = 1;
try {
    const page = await browser.newPage({viewport: {width: 1280, height: 900}});
    let lastSaidMs = Date.now();
    const exit = new Promise((/** @type {(code: number) => void} */ resolve) => {
        void page.exposeFunction("codeAutomationLog", (/** @type {string} */ type, /** @type {unknown[]} */ args) => {
            lastSaidMs = Date.now();
            const text = args.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(" ");
            pageLog.write(`${type} ${text}\n`);
            // The rest of what an editor says to itself is in the log.
            if (/^ {2}[✔✘] /.test(text)) process.stdout.write(`${text}\n`);
        });
        void page.exposeFunction("codeAutomationExit", (/** @type {number} */ exitCode) => resolve(exitCode));
        page.once("crash", () => resolve(1));
        setInterval(() => Date.now() - lastSaidMs > silenceMs && resolve(124), 1_000).unref();
    });
    const folder = folders[0];
    const isWorkspaceFile = folder?.endsWith(".code-workspace") ?? false;
    await page.goto(
        addressOf(server, {
            ...(folder === undefined ? {} : isWorkspaceFile ? {workspace: folder} : {folder}),
            extension,
            payload: [["extensionTestsPath", tests]],
        }),
    );
    code = await exit;
    if (code !== 0) {
        await page.screenshot({path: path.join(kept, "page.png")}).catch(() => undefined);
        await server.keepLogs(kept);
        process.stdout.write(`The logs of VS Code are in ${kept}\n`);
    }
} finally {
    await browser.close();
    await server.stop();
}
process.exit(code);
