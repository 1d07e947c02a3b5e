/**
 * `npm start`: Kvasir in VS Code on a real repository with the small model. On a machine with a desktop VS Code in that
 * one, else in the browser by code-server, whose address is printed. `npm start -- FOLDER` opens another folder.
 */
import {spawn, spawnSync} from "node:child_process";
import {mkdir, writeFile} from "node:fs/promises";
import path from "node:path";
import {build} from "../esbuild.mjs";
import {artefacts, root} from "./setup/paths.mjs";
import {demoRepositoryFolder} from "./setup/steps/demo-repository.mjs";
import {modelFile} from "./setup/steps/model.mjs";
import {findDesktop} from "./vscode/desktop.mjs";

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

/** Its own settings, so that nothing of the user's editor is touched. */
const home = path.join(artefacts, "start");
const settings = {
    "kvasir.model.path": modelFile,
    // Whoever ends it does not expect a model to stay in memory.
    "kvasir.engine.idleMinutes": 0.5,
    "workbench.startupEditor": "none",
    "security.workspace.trust.enabled": false,
    "telemetry.telemetryLevel": "off",
};
/** Where the last one was, so that a bookmark goes on to work. */
const port = 8139;
const endings = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

const given = process.argv[2];
const folder = given === undefined ? demoRepositoryFolder : path.resolve(process.env.INIT_CWD ?? process.cwd(), given);
await build({names: ["extension", "engine", "cli", "chat", "cache-view"]});
const desktop = findDesktop();
if (desktop === undefined) await startInBrowser();
else await startOnDesktop(desktop);

/** @param {string} executable */
async function startOnDesktop(executable) {
    const data = path.join(home, "desktop");
    await mkdir(path.join(data, "User"), {recursive: true});
    await writeFile(path.join(data, "User/settings.json"), JSON.stringify(settings, undefined, 2), {flag: "wx"}).catch(
        () => undefined,
    );
    say(`Opening ${folder} in ${executable}.`);
    const child = spawn(
        executable,
        [
            folder,
            `--extensionDevelopmentPath=${root}`,
            `--user-data-dir=${data}`,
            `--extensions-dir=${path.join(home, "extensions")}`,
            "--new-window",
        ],
        {stdio: "ignore", detached: true, shell: process.platform === "win32"},
    );
    child.unref();
}

async function startInBrowser() {
    // Fetched only where it is needed.
    const setup = spawnSync(process.execPath, [path.join(root, "scripts/setup.mjs"), "--quiet", "--only", "vscode"], {
        stdio: "inherit",
    });
    if (setup.status !== 0) process.exit(1);
    const {addressOf, startCodeServer} = await import("./vscode/code-server.mjs");
    // Also while it is starting: the server has a process group of its own and ends with this process.
    const end = () => process.exit(130);
    for (const signal of endings) process.once(signal, end);
    const server = await startCodeServer({settings, home: path.join(home, "browser"), port, extension: root}).catch(
        (error) => {
            process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
            process.exit(1);
        },
    );
    say(`Kvasir in VS Code: ${addressOf(server, {folder})}`);
    say("Its chat is behind the K on the left, its memory behind the meter in the status bar. Ctrl+C ends it.");
    for (const signal of endings) {
        process.off(signal, end);
        process.once(signal, () => void server.stop().then(() => process.exit(0)));
    }
}
