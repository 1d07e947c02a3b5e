/**
 * `kill -9` of the engine, and now and then of the program that uses it, at random moments under load: no turn that was
 * acknowledged is lost, no answer is another one than before, no file in the store is half-written, and the engine is
 * back soon.
 */
import {type ChildProcess, spawn} from "node:child_process";
import {mkdir, mkdtemp, readdir, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";
import {createEngine} from "../../extension/engine/engine.js";
import {ConversationStore} from "../../extension/engine/store/conversation-store.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import {comparedFiles, talkAbout} from "./kill-worker.js";
import {
    type Scenario,
    type ScenarioOptions,
    countsOf,
    listOf,
    must,
    percentile,
    rounded,
    seededRandom,
    sleep,
} from "./scenario.js";
import {smallSettings, workspace} from "./small-engine.js";

/** Loading the model and the first sync are part of it. */
const backLimitMs = 3_000;
const hangMs = 60_000;
const maxDelayMs = 1_500;
/** Every so many kills it is the program. */
const workerEvery = 4;
const verifyEvery = 20;

export interface KillPrograms {
    /** Runs `runKillWorker` with the arguments behind it: home, engine, seed. */
    worker: readonly string[];
    engine: string;
}

export function killsWith(programs: KillPrograms): Scenario {
    return {
        name: "kills",
        defaultN: 1_000,
        canSplit: true,
        run: (options) => runKills(programs, options),
        figures(findings) {
            const backMs = listOf(findings, "backMs");
            return {
                ...countsOf(findings),
                backP50Ms: percentile(backMs, 0.5),
                backP99Ms: percentile(backMs, 0.99),
                backMaxMs: Math.max(...backMs),
                backWithin3s: rounded(backMs.filter((ms) => ms <= backLimitMs).length / backMs.length, 4),
            };
        },
    };
}

async function runKills(programs: KillPrograms, {n, seed, say, stop}: ScenarioOptions) {
    const random = seededRandom(seed);
    const home = await mkdtemp(join(tmpdir(), "kv-k-"));
    await mkdir(join(home, "run"), {mode: 0o700});
    let worker: Worker | undefined;
    try {
        const expected = await undisturbedAnswers(join(home, "reference"));
        const saved = new Set<string>();
        const backMs: number[] = [];
        const counts = {
            engineKills: 0,
            clientKills: 0,
            answers: 0,
            reopened: 0,
            refined: 0,
            quarantined: 0,
            verified: 0,
        };
        const open = (workerSeed: number) =>
            new Worker([...programs.worker, home, programs.engine, String(workerSeed)], onLine);
        function onLine(name: string, rest: string): void {
            if (name === "saved") saved.add(rest);
            else if (name === "back") backMs.push(Number(rest));
            else if (name === "quarantined") counts.quarantined++;
            else if (name === "reopened") counts.reopened++;
            else if (name === "refined") counts.refined++;
            else if (name === "answer") {
                counts.answers++;
                const at = rest.indexOf(" ");
                const [file, text] = [rest.slice(0, at), JSON.parse(rest.slice(at + 1)) as string];
                must(text === expected.get(file), `another answer about ${file}: ${text} (${expected.get(file)})`);
            } else must(name !== "failed", `the client failed: ${rest}`);
        }
        worker = open(seed);
        for (let i = 0; i < n && !stop?.aborted; i++) {
            await worker.served(hangMs);
            await sleep(random() * maxDelayMs);
            worker.check();
            if (i % workerEvery === workerEvery - 1) {
                counts.clientKills++;
                await worker.kill();
                const turns = await new ConversationStore(join(home, "conversations")).openNamed("talk");
                const there = new Set(turns.turns.map(({id}) => id));
                for (const id of saved)
                    must(there.has(id), `turn ${id} was acknowledged and is lost (kill ${i} of seed ${seed})`);
                worker = open(seed + i + 1);
            } else {
                counts.engineKills++;
                worker.killEngine();
            }
            if (i % verifyEvery === verifyEvery - 1) {
                // While the engine may be writing: what is there is whole at every moment.
                const store = await DiskStore.open(join(home, "cache", "segments"), {limitBytes: 2 ** 33});
                const {damaged, nChecked} = await store.verify();
                must(damaged.length === 0, `damaged files in the store: ${JSON.stringify(damaged)}`);
                counts.verified += nChecked;
                say(`${i + 1} kills, back after ${percentile(backMs, 0.5)} ms (median), ${saved.size} turns saved`);
            }
        }
        await worker.served(hangMs);
        await worker.end();
        worker = undefined;
        const left = (await readdir(join(home, "cache", "segments"), {recursive: true})).filter((name) =>
            name.endsWith(".tmp"),
        );
        return {
            ...counts,
            turnsSaved: saved.size,
            turnsLost: 0,
            backMs,
            leftTemporaries: left.length,
        };
    } finally {
        await worker?.end();
        await rm(home, {recursive: true, force: true, maxRetries: 5});
    }
}

/** What an engine that nobody kills answers. */
async function undisturbedAnswers(home: string): Promise<Map<string, string>> {
    const engine = await createEngine(smallSettings(home));
    try {
        const files = comparedFiles();
        await engine.updateWorkspace({workspace, upsert: files});
        const answers = new Map<string, string>();
        for (const {path} of files)
            await talkAbout(engine, path, {conversation: path}, (what, {text}) => void answers.set(what, text));
        return answers;
    } finally {
        await engine.dispose();
    }
}

/** The program and what it said. */
class Worker {
    readonly #process: ChildProcess;
    readonly #closed: Promise<void>;
    #engine: number | undefined;
    #nBack = 0;
    #nKilled = 0;
    #isServed = false;
    #failure: Error | undefined;

    constructor(args: readonly string[], onLine: (name: string, rest: string) => void) {
        this.#process = spawn(process.execPath, [...args], {stdio: ["ignore", "pipe", "inherit"]});
        this.#closed = new Promise((resolve) => this.#process.once("close", () => resolve()));
        createInterface({input: this.#process.stdout!}).on("line", (line) => {
            const at = line.indexOf(" ");
            const [name, rest] = [line.slice(0, at), line.slice(at + 1)];
            if (name === "engine") this.#engine = Number(rest);
            if (name === "back") this.#nBack++;
            if (name === "answer" || name === "saved") this.#isServed = true;
            try {
                onLine(name, rest);
            } catch (error) {
                this.#failure ??= error as Error;
            }
        });
    }

    check(): void {
        if (this.#failure !== undefined) throw this.#failure;
    }

    /** Ends when the engine answers again after the last kill. */
    async served(limitMs: number): Promise<void> {
        const deadline = Date.now() + limitMs;
        while (this.#nKilled === 0 ? !this.#isServed : this.#nBack < this.#nKilled) {
            this.check();
            must(this.#process.exitCode === null, "the client ended by itself");
            must(Date.now() < deadline, `no engine for ${limitMs} ms`);
            await sleep(5);
        }
    }

    killEngine(): void {
        must(this.#engine !== undefined, "there is no engine");
        this.#nKilled++;
        kill(this.#engine);
    }

    /** The engine stays: others may use it. */
    async kill(): Promise<void> {
        this.#process.kill("SIGKILL");
        await this.#closed;
    }

    async end(): Promise<void> {
        await this.kill();
        if (this.#engine !== undefined) kill(this.#engine);
    }
}

function kill(pid: number): void {
    try {
        process.kill(pid, "SIGKILL");
    } catch {
        // It has ended already.
    }
}
