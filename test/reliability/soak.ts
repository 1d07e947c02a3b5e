/**
 * Four clients at mixed work for a while: edits, reads, questions, completions, cancels, floods of stale requests, one
 * that leaves and comes back. The engine's memory must not grow once it has warmed up, and everything is answered.
 */
import {readFileSync} from "node:fs";
import {mkdir, mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createEngineClient} from "../../extension/client/engine-client.js";
import {isKvasirError} from "../../extension/protocol/errors.js";
import {type Scenario, type ScenarioOptions, must, percentile, rounded, seededRandom, sleep} from "./scenario.js";
import {askAbout, smallSettings, someFiles, workspace} from "./small-engine.js";

const nClients = 4;
const sampleMs = 500;
/** Of the run: until then caches fill up. */
const warmUpShare = 0.3;
/** Of the warm memory, or so many MiB: an allocator's breathing. */
const maxGrowthShare = 0.1;
const maxGrowthMib = 48;

export function soakWith(programs: {engine: string}): Scenario {
    return {name: "soak", defaultN: 120, run: (options) => runSoak(programs, options)};
}

/** `n`: minutes. */
async function runSoak({engine}: {engine: string}, {n, seed, say, stop}: ScenarioOptions) {
    const home = await mkdtemp(join(tmpdir(), "kv-s-"));
    await mkdir(join(home, "run"), {mode: 0o700});
    const startMs = Date.now();
    const endMs = startMs + n * 60_000;
    const counts = {questions: 0, completions: 0, reads: 0, edits: 0, cancelled: 0, busy: 0, rejoined: 0};
    const clients = Array.from({length: nClients}, () => newClient());
    let pid = 0;
    const memory: number[] = [];
    let isOver = false;

    function newClient() {
        return createEngineClient({
            folder: join(home, "run"),
            program: () => ({executable: process.execPath, script: engine, version: "test", idleMs: 60_000}),
            // Little room, so that eviction and loading go on all the time.
            settings: () => smallSettings(join(home, "cache"), {kvMib: 96, cacheLimitMib: 24, attendedTokens: 512}),
            name: "soak",
            log: {info: () => {}, warn: () => {}},
        });
    }

    async function work(index: number): Promise<void> {
        const random = seededRandom(seed + index);
        const files = someFiles(8, 5);
        let client = clients[index]!;
        await client.updateWorkspace({workspace, upsert: files});
        for (let i = 0; Date.now() < endMs && !isOver && !stop?.aborted; i++) {
            const kind = random();
            const file = files[Math.floor(random() * files.length)]!;
            const controller = new AbortController();
            const {signal} = controller;
            const stop = random() < 0.2 ? setTimeout(() => controller.abort(), random() * 300) : undefined;
            try {
                if (kind < 0.25) {
                    const text = `// ${index}/${i}\n${file.text}`;
                    await client.updateWorkspace({workspace, upsert: [{path: file.path, text}]});
                    counts.edits++;
                    await client.read({workspace, paths: [file.path]}, undefined, signal);
                    counts.reads++;
                } else if (kind < 0.6) {
                    await client.ask(askAbout([file.path], `c${i % 5}`), {}, signal);
                    counts.questions++;
                } else if (kind < 0.95) {
                    // A flood: typing faster than the engine is. The newest is served, the others are cancelled.
                    const flood = Array.from({length: 6}, (_, j) =>
                        client.complete(
                            {
                                workspace,
                                path: "new.ts",
                                text: "x".repeat(j + 1),
                                offset: j + 1,
                                maxTokens: 4,
                                multiLine: "never",
                            },
                            signal,
                        ),
                    );
                    const ends = await Promise.allSettled(flood);
                    for (const end of ends) if (end.status === "rejected") expectEnd(end.reason, counts);
                    must(signal.aborted || ends.at(-1)?.status === "fulfilled", "the newest completion was not served");
                    counts.completions++;
                } else {
                    await client.dispose();
                    client = clients[index] = newClient();
                    await client.updateWorkspace({workspace, upsert: files});
                    counts.rejoined++;
                }
            } catch (error) {
                expectEnd(error, counts);
            } finally {
                clearTimeout(stop);
            }
        }
    }

    async function watch(): Promise<void> {
        let toldMs = Date.now();
        while (!isOver) {
            await sleep(sampleMs);
            const state = clients[0]!.connection();
            if (state.name !== "connected") continue;
            must(pid === 0 || pid === state.pid, "the engine ended and another took its place");
            pid = state.pid;
            memory.push(residentMib(pid));
            if (Date.now() - toldMs < 60_000) continue;
            toldMs = Date.now();
            say(
                `${Math.round((endMs - toldMs) / 60_000)} min left, ${rounded(memory.at(-1)!)} MiB, ${JSON.stringify(counts)}`,
            );
        }
    }

    try {
        const watching = watch();
        await Promise.all([...clients.keys()].map(work)).finally(() => (isOver = true));
        await watching;
        const warm = memory.slice(Math.floor(memory.length * warmUpShare));
        const third = Math.floor(warm.length / 3);
        const [early, late] = [percentile(warm.slice(0, third), 0.5), percentile(warm.slice(-third), 0.5)];
        must(
            late - early <= Math.max(maxGrowthMib, early * maxGrowthShare),
            `memory grew from ${rounded(early)} to ${rounded(late)} MiB`,
        );
        return {
            minutes: rounded((Date.now() - startMs) / 60_000),
            clients: nClients,
            ...counts,
            earlyMib: rounded(early),
            lateMib: rounded(late),
            peakMib: rounded(Math.max(...memory)),
        };
    } finally {
        isOver = true;
        for (const client of clients) await client.dispose();
        if (pid !== 0) process.kill(pid, "SIGTERM");
        await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200});
    }
}

/** What a client may be told under load; anything else ends the run. */
function expectEnd(error: unknown, counts: {cancelled: number; busy: number}): void {
    if (isKvasirError(error, "cancelled")) counts.cancelled++;
    else if (isKvasirError(error, "busy")) counts.busy++;
    else throw error;
}

/** Resident memory of a process (Linux). */
function residentMib(pid: number): number {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
}
