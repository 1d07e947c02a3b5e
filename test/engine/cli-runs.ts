/** Runs the command line as people do: the bundle, in its own process, in a folder of real files. */
import {spawn, type ChildProcess} from "node:child_process";
import {cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const repositories = join(root, ".kvasir/repos");

/** What set-up fetched: the sources of a package, as their authors wrote them. */
export const demoRepository = join(
    repositories,
    readdirSync(repositories).find((name) => name.startsWith("mobx-"))!,
);

export interface CliRun {
    code: number | null;
    stdout: string;
    stderr: string;
    /** The one object on standard output. @throws when there is anything else */
    json: <T>() => T;
}

export class CliWorkspace {
    readonly folder: string;
    readonly cacheDir: string;

    /** @param files paths below the demo repository, copied under the same names */
    constructor(files: readonly string[]) {
        const base = realpathSync(mkdtempSync(join(tmpdir(), "kvasir-cli-")));
        this.folder = join(base, "workspace");
        this.cacheDir = join(base, "cache");
        mkdirSync(this.folder);
        for (const file of files) {
            mkdirSync(dirname(join(this.folder, file)), {recursive: true});
            cpSync(join(demoRepository, file), join(this.folder, file), {recursive: true});
        }
    }

    run(...args: string[]): Promise<CliRun> {
        return this.start(args).ended;
    }

    /** @param input what is typed, all at once, when given */
    start(args: readonly string[], input?: string): {child: ChildProcess; ended: Promise<CliRun>} {
        const child = spawn(
            process.execPath,
            [join(root, "scripts/kvasir.mjs"), ...args, "--cache-dir", this.cacheDir, "--gpu", "cpu"],
            {
                cwd: this.folder,
                stdio: ["pipe", "pipe", "pipe"],
                env: {...process.env, NO_COLOR: "1", KVASIR_MODELS_DIR: join(dirname(this.folder), "models")},
            },
        );
        let stdout = "";
        let stderr = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        child.stdin.end(input ?? "");
        const ended = new Promise<CliRun>((done, failed) => {
            child.once("error", failed);
            child.once("close", (code) =>
                done({
                    code,
                    stdout,
                    stderr,
                    json: <T>() => {
                        const lines = stdout.split("\n");
                        if (lines.length !== 2 || lines[1] !== "")
                            throw new Error(`not one line on standard output:\n${stdout}\n${stderr}`);
                        return JSON.parse(lines[0]!) as T;
                    },
                }),
            );
        });
        return {child, ended};
    }

    remove(): void {
        const base = dirname(this.folder);
        if (existsSync(base)) rmSync(base, {recursive: true, force: true});
    }
}
