/**
 * A real VS Code without a desktop: starts code-server with folders of its own, tells when its workbench can be loaded,
 * and ends it with everything it started. Used by the tests and by `npm start`.
 */
import {spawn} from "node:child_process";
import {createWriteStream, existsSync} from "node:fs";
import {cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile} from "node:fs/promises";
import {createServer} from "node:net";
import os from "node:os";
import path from "node:path";
import {codeServerEntry, codeServerNode} from "../setup/steps/vscode.mjs";

/** A cold disk and two busy cores need most of it. */
const startTimeoutMs = 120_000;
const endTimeoutMs = 5_000;

/** Quiet enough for tests; each may add its own. */
export const quietSettings = {
    "files.autoSave": "off",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
    "telemetry.telemetryLevel": "off",
    "security.workspace.trust.enabled": false,
    "extensions.ignoreRecommendations": true,
    "git.openRepositoryInParentFolders": "never",
    "chat.disableAIFeatures": true,
    // For its marks beside the lines VS Code asks git about every document that opens, and an answer that comes too late
    // ends as an error in whatever test runs then.
    "scm.diffDecorations": "none",
};

/**
 * @typedef {object} CodeServer
 * @property {string} url
 * @property {number} port
 * @property {number} pid
 * @property {string} home its folder: user data in `udd`, logs, everything it writes
 * @property {() => Promise<void>} stop
 * @property {(target: string) => Promise<void>} keepLogs copies what it wrote about itself
 */

/**
 * @param {object} options
 * @param {Record<string, unknown>} [options.settings] of user and machine, over the quiet ones
 * @param {boolean} [options.hasDriver] lets a page run tests inside the extension host
 * @param {string} [options.home] kept when it is given; otherwise a fresh folder that goes with the server
 * @param {number} [options.port]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {boolean} [options.hasTrust] whether workspaces must be trusted first
 * @param {string} [options.extension] folder of an extension that is installed as it lies there
 * @param {string} [options.vsix] a packed extension to install, as a person does
 * @param {readonly string[]} [options.within] a command that becomes the server, whose own stands behind it
 * @returns {Promise<CodeServer>}
 */
export async function startCodeServer({
    settings = {},
    hasDriver = false,
    home,
    port,
    env = {},
    hasTrust = false,
    extension,
    vsix,
    within = [],
} = {}) {
    if (!existsSync(codeServerEntry)) throw new Error("code-server is missing: run `npm run setup -- --only vscode`.");
    const folder = home ?? (await mkdtemp(path.join(os.tmpdir(), "kvasir-vscode-")));
    await mkdir(path.join(folder, "exts"), {recursive: true});
    if (extension !== undefined) await installLink(extension, path.join(folder, "exts"));
    if (vsix !== undefined) await installVsix(vsix, folder);
    const all = {...quietSettings, ...(hasTrust ? {"security.workspace.trust.enabled": true} : {}), ...settings};
    // A window in a browser is a remote one: settings of scope "machine" count only where its machine keeps them.
    const own = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith("kvasir.")));
    for (const [owner, values] of Object.entries({User: all, Machine: own})) {
        const settingsFile = path.join(folder, "udd", owner, "settings.json");
        if (home !== undefined && existsSync(settingsFile)) continue;
        await mkdir(path.dirname(settingsFile), {recursive: true});
        await writeFile(settingsFile, JSON.stringify(values, undefined, 2));
    }
    await writeFile(path.join(folder, "config.yaml"), "");
    const chosenPort = port ?? (await freePort());
    const logFile = path.join(folder, "server.log");
    const log = createWriteStream(logFile);
    const [program = codeServerNode, ...before] = [...within, codeServerNode];
    const child = spawn(
        program,
        [
            ...before,
            codeServerEntry,
            ...["--config", path.join(folder, "config.yaml"), "--auth", "none"],
            ...["--bind-addr", `127.0.0.1:${chosenPort}`],
            ...[
                "--disable-telemetry",
                "--disable-update-check",
                "--disable-getting-started-override",
                "--disable-proxy",
            ],
            ...(hasTrust ? [] : ["--disable-workspace-trust"]),
            ...["--user-data-dir", path.join(folder, "udd"), "--extensions-dir", path.join(folder, "exts")],
            ...(hasDriver ? ["--vscode-option", "enable-smoke-test-driver"] : []),
        ],
        {
            // Its own group, so that the extension hosts end with it.
            detached: true,
            cwd: folder,
            env: {
                ...withoutEditor(process.env),
                XDG_CONFIG_HOME: folder,
                XDG_DATA_HOME: folder,
                XDG_CACHE_HOME: folder,
                EXTENSIONS_GALLERY: "{}",
                ...env,
            },
            stdio: ["ignore", "pipe", "pipe"],
        },
    );
    const endWithUs = () => child.pid !== undefined && signalGroup(child.pid, "SIGKILL");
    process.once("exit", endWithUs);
    child.once("exit", () => process.off("exit", endWithUs));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    /** @type {string | undefined} */
    let ending;
    child.once("error", (error) => (ending = error.message));
    child.once("exit", (code, signal) => (ending = `ended with ${signal ?? code}`));
    const url = `http://127.0.0.1:${chosenPort}`;
    const stop = async () => {
        await endGroup(child, () => ending !== undefined);
        if (home === undefined) await rm(folder, {recursive: true, force: true, maxRetries: 5});
    };
    try {
        await waitForWorkbench(url, () => ending);
    } catch (error) {
        await endGroup(child, () => ending !== undefined);
        throw new Error(`${error instanceof Error ? error.message : String(error)} (log: ${logFile})`);
    }
    return {
        url,
        port: chosenPort,
        home: folder,
        pid: child.pid ?? 0,
        stop,
        async keepLogs(target) {
            await mkdir(target, {recursive: true});
            await cp(logFile, path.join(target, "server.log")).catch(() => undefined);
            const logs = path.join(folder, "udd/logs");
            const found = await readdir(logs, {recursive: true}).catch(() => []);
            for (const file of found.filter((name) => /(exthost|Kvasir)[^/]*\.log$/.test(name))) {
                await cp(path.join(logs, file), path.join(target, file.replaceAll(path.sep, "_"))).catch(
                    () => undefined,
                );
            }
        },
    };
}

/**
 * An address can name an extension under development only to a server with the test driver; any server loads what lies
 * in its extensions folder.
 * @param {string} extension
 * @param {string} extensionsFolder
 */
async function installLink(extension, extensionsFolder) {
    const {publisher, name, version} = JSON.parse(await readFile(path.join(extension, "package.json"), "utf8"));
    const link = path.join(extensionsFolder, `${publisher}.${name}-${version}`);
    await rm(link, {force: true});
    await symlink(extension, link, "junction");
}

/**
 * @param {string} vsix
 * @param {string} home
 */
async function installVsix(vsix, home) {
    const folders = ["--extensions-dir", path.join(home, "exts"), "--user-data-dir", path.join(home, "udd")];
    const child = spawn(codeServerNode, [codeServerEntry, "--install-extension", vsix, ...folders], {
        cwd: home,
        env: {...withoutEditor(process.env), XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, EXTENSIONS_GALLERY: "{}"},
        stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`${path.basename(vsix)} could not be installed: ${output}`);
}

/**
 * The address at which a folder opens. `extension`: one under development, for servers with the test driver.
 * @param {CodeServer} server
 * @param {{folder?: string, workspace?: string, extension?: string, payload?: readonly [string, string][]}} options
 */
export function addressOf(server, {folder, workspace, extension, payload = []}) {
    const remote = (/** @type {string} */ file) => `vscode-remote://127.0.0.1:${server.port}${file}`;
    const query = new URLSearchParams();
    if (folder !== undefined) query.set("folder", folder);
    if (workspace !== undefined) query.set("workspace", workspace);
    if (folder === undefined && workspace === undefined) query.set("ew", "true");
    const pairs = [
        ...(extension === undefined ? [] : [["extensionDevelopmentPath", remote(extension)]]),
        ...payload.map(([name, value]) => [name, value.startsWith("/") ? remote(value) : value]),
        ["skipWelcome", "true"],
    ];
    query.set("payload", JSON.stringify(pairs));
    return `${server.url}/?${query.toString()}`;
}

/**
 * Ready when the page is the workbench itself: the health check of the server says yes while the workbench fails.
 * @param {string} url
 * @param {() => string | undefined} hasEnded
 */
async function waitForWorkbench(url, hasEnded) {
    const deadlineMs = Date.now() + startTimeoutMs;
    for (;;) {
        const ending = hasEnded();
        if (ending !== undefined) throw new Error(`code-server ${ending}`);
        const response = await fetch(`${url}/?ew=true`).catch(() => undefined);
        if (response?.status === 200 && (await response.text()).includes("vscode-workbench-web-configuration")) return;
        if (response !== undefined && response.status >= 500) throw new Error(`code-server answers ${response.status}`);
        if (Date.now() > deadlineMs) throw new Error("code-server did not become ready");
        await new Promise((resolve) => setTimeout(resolve, 150));
    }
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {() => boolean} hasEnded
 */
async function endGroup(child, hasEnded) {
    if (child.pid === undefined) return;
    signalGroup(child.pid, "SIGTERM");
    const deadlineMs = Date.now() + endTimeoutMs;
    while (!hasEnded() && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 50));
    // Also when the leader has ended: an extension host may still be there.
    signalGroup(child.pid, "SIGKILL");
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
    try {
        process.kill(-pid, signal);
    } catch {
        // Nobody left.
    }
}

/** @returns {Promise<number>} */
function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            const port = typeof address === "object" && address !== null ? address.port : 0;
            server.close(() => resolve(port));
        });
    });
}

/**
 * Started from a terminal inside an editor, its variables would reach the new one.
 * @param {NodeJS.ProcessEnv} env
 */
function withoutEditor(env) {
    const isOurs = (/** @type {string} */ name) =>
        !name.startsWith("VSCODE_") && !name.startsWith("ELECTRON_") && name !== "NODE_OPTIONS" && name !== "PORT";
    return Object.fromEntries(Object.entries(env).filter(([name]) => isOurs(name)));
}
