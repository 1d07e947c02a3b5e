/**
 * `kill -9` of a program that writes segments and conversations without a pause: what it said was stored is there and
 * whole, and nothing else than whole files is. Without a model, so that a thousand kills take minutes.
 */
import {spawn} from "node:child_process";
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";
import {ConversationStore} from "../../extension/engine/store/conversation-store.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import {StoreKey} from "../../extension/engine/store/segment-seal.js";
import {sampleSegment} from "../unit/store/sample-segments.js";
import {limitBytes} from "../unit/store/stored-samples.js";
import {type Scenario, must, seededRandom, sleep} from "./scenario.js";

const maxDelayMs = 60;
/** The store is looked at, and begun anew, every so many kills. */
const roundKills = 20;
const keys = [undefined, StoreKey.parse("3c".repeat(32))];

/** @param self runs `runWriter` with the folder, the round and the number of the run behind it */
export function writerKillsWith(self: readonly string[]): Scenario {
    return {
        name: "writer-kills",
        defaultN: 1_000,
        canSplit: true,
        async run({n, seed, say, stop}) {
            const random = seededRandom(seed);
            const counts = {
                kills: 0,
                segmentsStored: 0,
                segmentsLost: 0,
                turnsSaved: 0,
                turnsLost: 0,
                filesVerified: 0,
            };
            for (let round = 0; counts.kills < n && !stop?.aborted; round++) {
                const folder = await mkdtemp(join(tmpdir(), "kv-w-"));
                try {
                    const stored = new Set<string>();
                    const saved = new Set<string>();
                    for (let i = 0; i < roundKills && counts.kills < n && !stop?.aborted; i++) {
                        await killedRun(
                            [...self, folder, String(round), String(counts.kills)],
                            random() * maxDelayMs,
                            (name, what) => void (name === "stored" ? stored : saved).add(what),
                        );
                        counts.kills++;
                    }
                    const store = await DiskStore.open(join(folder, "cache"), {limitBytes, key: keys[round % 2]});
                    const {damaged, nChecked} = await store.verify();
                    must(
                        damaged.length === 0,
                        `damaged files after kill ${counts.kills} of seed ${seed}: ${JSON.stringify(damaged)}`,
                    );
                    const there = new Set((await store.list()).map(({path}) => path));
                    for (const path of stored) must(there.has(path), `${path} was stored and is lost (seed ${seed})`);
                    const talk = await new ConversationStore(join(folder, "talks")).openNamed("talk");
                    const turns = new Set(talk.turns.map(({id}) => id));
                    for (const id of saved)
                        must(turns.has(id), `turn ${id} was acknowledged and is lost (seed ${seed})`);
                    must(talk.recovered === undefined, "a conversation had to be recovered");
                    counts.segmentsStored += stored.size;
                    counts.turnsSaved += saved.size;
                    counts.filesVerified += nChecked;
                } finally {
                    await rm(folder, {recursive: true, force: true});
                }
                if (round % 5 === 4) say(`${counts.kills} kills`);
            }
            return counts;
        },
    };
}

/** Starts the writer and kills it so long after it has begun to write. */
async function killedRun(
    args: readonly string[],
    delayMs: number,
    onLine: (name: string, what: string) => void,
): Promise<void> {
    const child = spawn(process.execPath, [...args], {stdio: ["ignore", "pipe", "inherit"]});
    const closed = new Promise<NodeJS.Signals | null>((resolve) =>
        child.once("close", (_code, signal) => resolve(signal)),
    );
    let begin: () => void = () => {};
    const began = new Promise<void>((resolve) => (begin = resolve));
    createInterface({input: child.stdout}).on("line", (line) => {
        const at = line.indexOf(" ");
        if (line === "begin") begin();
        else onLine(line.slice(0, at), line.slice(at + 1));
    });
    await Promise.race([began, closed]);
    await sleep(delayMs);
    child.kill("SIGKILL");
    must((await closed) === "SIGKILL", "the writer ended by itself");
}

export async function runWriter(folder: string, round: number, run: number): Promise<never> {
    const tell = (line: string) => void process.stdout.write(`${line}\n`);
    const store = await DiskStore.open(join(folder, "cache"), {limitBytes, key: keys[round % 2]});
    const talks = new ConversationStore(join(folder, "talks"));
    const {id} = await talks.openNamed("talk");
    const samples = [8, 40, 400].map((nTokens) => sampleSegment({nTokens, nLayers: 4, nKvHeads: 3, rowBytes: 200}));
    tell("begin");
    for (let i = 0; ; i++) {
        const path = `src/${run}-${i}.ts`;
        const sample = samples[i % samples.length]!;
        const turn = {id: `${run}-${i}`, role: "user" as const, text: "word ".repeat(20), createdAtMs: i};
        await Promise.all([
            store
                .put({...sample, info: {...sample.info, path, fields: {...sample.info.fields, pathHeader: path}}})
                .then(() => tell(`stored ${path}`)),
            talks.append(id, [turn]).then(() => tell(`saved ${turn.id}`)),
        ]);
    }
}
