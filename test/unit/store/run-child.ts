/** Runs the programs in `children/` as processes of their own, bundled as they are when shipped. */
import {type ChildProcess, execFileSync, spawn} from "node:child_process";
import {join} from "node:path";
import {build} from "esbuild";

export interface ChildEnd {
    code: number | null;
    signal: NodeJS.Signals | null;
    /** Lines of standard output. */
    lines: string[];
    errors: string;
}

/**
 * Bundles a child program into `folder`, from which node-llama-cpp must be found when it uses it.
 * @param from the folder with `children/`
 * @returns its path
 */
export async function buildChild(name: string, folder: string, from = import.meta.dirname): Promise<string> {
    const outfile = join(folder, `${name}.mjs`);
    await build({
        entryPoints: [join(from, "children", `${name}.ts`)],
        outfile,
        bundle: true,
        platform: "node",
        format: "esm",
        external: ["node-llama-cpp"],
        logLevel: "silent",
    });
    return outfile;
}

/** Starts a command; `ended` resolves when it has ended and its output is read. */
export function startChild(
    command: string,
    args: readonly string[],
): {process: ChildProcess; ended: Promise<ChildEnd>} {
    const child = spawn(command, args, {stdio: ["ignore", "pipe", "pipe"]});
    let output = "";
    let errors = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    const ended = new Promise<ChildEnd>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => resolve({code, signal, lines: output.split("\n").filter(Boolean), errors}));
    });
    return {process: child, ended};
}

/** Runs a bundled child to its end. */
export function runChild(program: string, ...args: string[]): Promise<ChildEnd> {
    return startChild(process.execPath, [program, ...args]).ended;
}

/**
 * The command before another that gives it mounts of its own, which vanish with it: as root in a new mount namespace, as
 * anybody else in a new user namespace too.
 * @throws Error where that is not possible: the caller cannot test what it came for, and says so.
 */
export function withMounts(): ["unshare", ...string[]] {
    const namespaces = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
    try {
        execFileSync("unshare", [...namespaces, "sh", "-c", `mount -t tmpfs -o size=64k tmpfs ${readableFolder}`], {
            stdio: "pipe",
        });
    } catch (error) {
        throw new Error(
            "SETUP: this test needs Linux with `unshare` and leave to mount a tmpfs (root, or user namespaces switched on); " +
                "full and read-only disks cannot be tested here.",
            {cause: error},
        );
    }
    return ["unshare", ...namespaces];
}

/** Runs a bundled child with mounts of its own. @throws Error of withMounts */
export async function runChildWithMounts(program: string, ...args: string[]): Promise<ChildEnd> {
    const [command, ...namespaces] = withMounts();
    return startChild(command, [...namespaces, process.execPath, program, ...args]).ended;
}

/** Any folder will do to try a mount on, since only the namespace sees it. */
const readableFolder = "/mnt";

/** The last line of a child's output as JSON. */
export function resultOf<T>(end: ChildEnd): T {
    if (end.code !== 0) throw new Error(`the child ended with ${end.code ?? end.signal}: ${end.errors}`);
    return JSON.parse(end.lines.at(-1) ?? "null") as T;
}
