/**
 * Trouble with the disk, with the real engine: a full one, a read-only one, a cache folder deleted while the engine runs,
 * clocks that jump, another user's cache folder. Every question is answered as on a good disk, and nothing is lost.
 */
import {execFileSync, spawn} from "node:child_process";
import {chmod, mkdir, mkdtemp, rm, writeFile} from "node:fs/promises";
import {statfsSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ensurePrivateFolder} from "../../extension/engine/process/endpoint-file.js";
import {createEngine} from "../../extension/engine/engine.js";
import {ConversationStore} from "../../extension/engine/store/conversation-store.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import {type EngineApi, type EngineSettings} from "../../extension/protocol/engine.js";
import {toKvasirError} from "../../extension/protocol/errors.js";
import {sampleSegment} from "../unit/store/sample-segments.js";
import {type Figures, type Scenario, must} from "./scenario.js";
import {askAbout, smallSettings, someFiles, workspace} from "./small-engine.js";

const files = () => someFiles(4, 4);
/** Any user but us. */
const otherUser = 65_534;

/** @param self runs `runDiskTrouble` with the folder behind it */
export function diskTroubleWith(self: readonly string[]): Scenario {
    return {
        name: "disk",
        defaultN: 1,
        async run({say}) {
            const home = await mkdtemp(join(tmpdir(), "kv-d-"));
            // The other user comes as far as our folders, where their rights decide.
            await chmod(home, 0o755);
            try {
                // Mounts of its own, which vanish with the process: as root, or in a user namespace.
                const isRoot = process.getuid?.() === 0;
                const namespaces = isRoot ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
                const figures = await lastLine("unshare", [...namespaces, process.execPath, ...self, home], say);
                return JSON.parse(figures) as Figures;
            } finally {
                await rm(home, {recursive: true, force: true});
            }
        },
    };
}

export async function runDiskTrouble(home: string): Promise<never> {
    const say = (text: string) => void process.stderr.write(`${text}\n`);
    const expected = await onGoodDisk(join(home, "good"));
    const figures: Figures = {};
    const withEngine = async (
        cacheDir: string,
        work: (engine: EngineApi) => Promise<void>,
        more?: Partial<EngineSettings>,
    ) => {
        const engine = await createEngine(smallSettings(cacheDir, more));
        try {
            await engine.updateWorkspace({workspace, upsert: files()});
            await work(engine);
        } finally {
            await engine.dispose();
        }
    };
    const answered = async (engine: EngineApi, what: string) => {
        for (const [path, text] of expected) {
            const report = await engine.ask(askAbout([path], `${what} ${path}`), {});
            must(report.text === text, `${what}: another answer about ${path}`);
        }
    };

    const full = join(home, "full");
    await mkdir(full);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", full]);
    const talks = new ConversationStore(join(full, "conversations"));
    const talk = await talks.create("talk", [{id: "1", role: "user", text: "hello", createdAtMs: 1}]);
    const {bavail, bsize} = statfsSync(full);
    await writeFile(join(full, "filler"), Buffer.alloc(bavail * bsize - 100_000));
    await withEngine(join(full, "cache"), async (engine) => {
        await engine.read({workspace});
        await answered(engine, "full disk");
        must((await engine.cacheVerify()).bad.length === 0, "a full disk left damaged files");
        figures.fullDiskListed = (await engine.cacheList()).entries.length;
    });
    let nSaved = 1;
    for (let error: unknown; error === undefined; nSaved++) {
        const turn = {id: `${nSaved + 1}`, role: "user" as const, text: "x".repeat(20_000), createdAtMs: 1};
        error = await talks.append(talk.id, [turn]).then(
            () => undefined,
            (reason: unknown) => reason,
        );
        if (error === undefined) continue;
        must(toKvasirError(error).code === "disk-full", `a full disk is told as ${toKvasirError(error).code}`);
        break;
    }
    must((await talks.load(talk.id))?.turns.length === nSaved, "a turn that was acknowledged is lost");
    figures.fullDiskTurns = nSaved;
    say("full disk: answered");

    const fixed = join(home, "fixed");
    await mkdir(fixed);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", fixed]);
    await withEngine(
        join(fixed, "cache"),
        async (engine) => void (await engine.read({workspace, paths: ["src/f0.ts"]})),
    );
    execFileSync("mount", ["-o", "remount,ro", fixed]);
    await withEngine(join(fixed, "cache"), async (engine) => {
        const {files: read} = await engine.read({workspace, paths: ["src/f0.ts", "src/f1.ts"]});
        must(read.map(({source}) => source).join() === "disk,read", "a read-only folder is not read");
        await answered(engine, "read-only");
    });
    say("read-only folder: answered");

    const gone = join(home, "gone");
    await withEngine(gone, async (engine) => {
        await engine.read({workspace, paths: ["src/f0.ts"]});
        await rm(gone, {recursive: true});
        await answered(engine, "deleted folder");
        await engine.read({workspace});
        must((await engine.cacheVerify()).bad.length === 0, "a deleted folder left damaged files");
    });
    await withEngine(gone, async (engine) => {
        const sources = (await engine.read({workspace})).files.map(({source}) => source);
        figures.storedAfterDeletion = sources.filter((source) => source === "disk").length;
        must(figures.storedAfterDeletion > 0, "nothing was stored after the folder had been deleted");
    });
    say("deleted folder: answered");

    const clock = join(home, "clock");
    const now = Date.now.bind(Date);
    const years = (n: number) => n * 365 * 24 * 3600 * 1000;
    for (const jump of [years(10), -years(10), 0]) {
        Date.now = () => now() + jump;
        await withEngine(clock, async (engine) => {
            await answered(engine, `clock at ${jump}`);
            must((await engine.cacheVerify()).bad.length === 0, "a clock that jumps damages files");
        });
    }
    await withEngine(clock, async (engine) => {
        const {files: read} = await engine.read({workspace});
        must(
            read.filter(({source}) => source === "disk").length === expected.size,
            "a clock that jumps loses segments",
        );
    });
    say("jumping clock: answered");

    // From here on we are somebody else, with the first user's folders in reach.
    const ours = join(home, "ours");
    await withEngine(ours, async (engine) => void (await engine.read({workspace, paths: ["src/f0.ts"]})));
    const run = join(home, "run");
    await ensurePrivateFolder(run);
    execFileSync("chmod", ["-R", "go+rX", ours, run]);
    process.setgroups?.([]);
    process.setgid?.(otherUser);
    process.setuid?.(otherUser);
    const store = await DiskStore.open(join(ours, "segments"), {limitBytes: 2 ** 30});
    must((await store.list()).length === 0, "another user's segments are believed");
    const put = await store.put(sampleSegment()).catch((error: unknown) => toKvasirError(error).code);
    must(put === "store-read-only", `writing into another user's folder: ${put}`);
    const joined = await ensurePrivateFolder(run).then(
        () => "joined",
        (error: unknown) => toKvasirError(error).code,
    );
    must(joined === "engine-unreachable", `another user's engine folder: ${joined}`);
    say("two users: apart");
    process.stdout.write(`${JSON.stringify({answersCompared: expected.size * 6, ...figures})}\n`);
    process.exit(0);
}

async function onGoodDisk(cacheDir: string): Promise<Map<string, string>> {
    const engine = await createEngine(smallSettings(cacheDir));
    await engine.updateWorkspace({workspace, upsert: files()});
    const answers = new Map<string, string>();
    for (const {path} of files().slice(0, 2)) answers.set(path, (await engine.ask(askAbout([path], path), {})).text);
    await engine.dispose();
    return answers;
}

/** Runs a program to its end. @throws Error unless it ends well */
function lastLine(command: string, args: readonly string[], say: (line: string) => void): Promise<string> {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {stdio: ["ignore", "pipe", "pipe"]});
        let output = "";
        let errors = "";
        child.stdout.on("data", (data: Buffer) => (output += data.toString()));
        child.stderr.on("data", (data: Buffer) => {
            errors += data.toString();
            say(data.toString().trimEnd());
        });
        child.on("error", reject);
        child.on("close", (code) => {
            if (code === 0) resolve(output.trim().split("\n").at(-1) ?? "");
            else reject(new Error(`the program with mounts of its own ended with ${code}: ${errors}`));
        });
    });
}
