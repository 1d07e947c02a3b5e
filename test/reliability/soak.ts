/**
 * Four clients at mixed work for a while: edits, reads, questions in conversations that are stored, closed and opened
 * again, completions, cancels, floods of stale requests, clients that leave and come back, rests in which files are scored
 * again. The engine's memory must not grow once it has warmed up, and everything is answered.
 */
import {readFileSync} from "node:fs";
import {mkdir, mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createEngineClient} from "../../extension/client/engine-client.js";
import type {ChatTurn, EngineApi} from "../../extension/protocol/engine.js";
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
/** Everybody rests for the last part of every so long a time, or of half the run: only then files are scored again. */
const cycleMs = 60_000;
const restShare = 0.15;
const refineAfterMs = 300;
/** Chats of one client, and the questions after which one is deleted and begun anew. */
const nChats = 3;
const maxQuestions = 4;

export function soakWith(programs: {engine: string}): Scenario {
    return {name: "soak", defaultN: 120, run: (options) => runSoak(programs, options)};
}

/** `n`: minutes. */
async function runSoak({engine}: {engine: string}, {n, seed, say, stop}: ScenarioOptions) {
    const home = await mkdtemp(join(tmpdir(), "kv-s-"));
    await mkdir(join(home, "run"), {mode: 0o700});
    const startMs = Date.now();
    const endMs = startMs + n * 60_000;
    const counts = {
        questions: 0,
        closed: 0,
        reopened: 0,
        deleted: 0,
        completions: 0,
        reads: 0,
        edits: 0,
        rests: 0,
        refined: 0,
        cancelled: 0,
        busy: 0,
        rejoined: 0,
    };
    const clients = Array.from({length: nClients}, () => newClient());
    let pid = 0;
    const memory: number[] = [];
    let isOver = false;

    function newClient() {
        return createEngineClient({
            folder: join(home, "run"),
            program: () => ({
                executable: process.execPath,
                script: engine,
                version: "test",
                idleMs: 60_000,
                refineAfterMs,
            }),
            // Little room, so that eviction and loading go on all the time.
            settings: () => smallSettings(join(home, "cache"), {kvMib: 96, cacheLimitMib: 48, attendedTokens: 512}),
            name: "soak",
            log: {info: () => {}, warn: () => {}},
        });
    }

    async function work(index: number): Promise<void> {
        const random = seededRandom(seed + index);
        const files = someFiles(8, 5);
        const chats = Array.from({length: nChats}, (_, chat) => new Chat(`${index}-${chat}`));
        let client = clients[index]!;
        await client.updateWorkspace({workspace, upsert: files, refine: true});
        for (let i = 0; Date.now() < endMs && !isOver && !stop?.aborted; i++) {
            await rest();
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
                    const chat = chats[i % nChats]!;
                    if (chat.nQuestions >= maxQuestions) {
                        await chat.delete(client);
                        counts.deleted++;
                    } else if (random() < 0.5) {
                        await chat.close(client);
                        counts.closed++;
                    }
                    if (await chat.ask(client, file.path, signal)) counts.reopened++;
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
                    await client.updateWorkspace({workspace, upsert: files, refine: true});
                    for (const chat of chats) chat.isOpen = false;
                    counts.rejoined++;
                }
            } catch (error) {
                expectEnd(error, counts);
            } finally {
                clearTimeout(stop);
            }
        }
    }

    async function rest(): Promise<void> {
        const lengthMs = Math.min(cycleMs, (endMs - startMs) / 2);
        const inCycleMs = (Date.now() - startMs) % lengthMs;
        if (inCycleMs < lengthMs * (1 - restShare)) return;
        await sleep(lengthMs - inCycleMs);
        counts.rests++;
    }

    async function watch(): Promise<void> {
        let toldMs = Date.now();
        let nRefined = 0;
        while (!isOver) {
            await sleep(sampleMs);
            const {refined} = clients[0]!.status().files;
            counts.refined += Math.max(0, refined - nRefined);
            nRefined = refined;
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
        // In a short run chance may leave something out.
        const isFull = n >= 10 && !stop?.aborted;
        must(!isFull || (counts.reopened > 0 && counts.refined > 0), "nothing was opened again or scored again");
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

/** A conversation as a window keeps it: its turns are the client's, its rows the engine's, in memory or on disk. */
class Chat {
    #turns: ChatTurn[] = [];
    /** Whether the engine may have its rows in memory. */
    isOpen = false;
    readonly #name: string;

    constructor(name: string) {
        this.#name = name;
    }

    get nQuestions(): number {
        return this.#turns.length / 2;
    }

    /** @returns whether its rows came from disk */
    async ask(client: EngineApi, path: string, signal: AbortSignal): Promise<boolean> {
        const wasOpen = this.isOpen;
        this.isOpen = true;
        const question: ChatTurn = {role: "user", text: `Question ${this.nQuestions}: what does ${path} do?`};
        const turns = [...this.#turns, question];
        const report = await client.ask(askAbout([path], this.#name, {storedAs: this.#name, turns}), {}, signal);
        this.#turns = [...turns, {role: "assistant", text: report.text}];
        return !wasOpen && report.reusedTurnTokens > 0;
    }

    async close(client: EngineApi): Promise<void> {
        this.isOpen = false;
        await client.forget(this.#name);
    }

    async delete(client: EngineApi): Promise<void> {
        this.isOpen = false;
        this.#turns = [];
        await client.forget(this.#name, this.#name);
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
