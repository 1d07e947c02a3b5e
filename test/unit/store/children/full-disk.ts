/**
 * Fills a small tmpfs mounted over FOLDER: `full-disk FOLDER`. Needs mounts of its own. Prints one JSON line with what happened.
 */
import {execFileSync} from "node:child_process";
import {readdirSync, statfsSync, statSync} from "node:fs";
import {join} from "node:path";
import {toKvasirError} from "../../../../extension/protocol/errors.js";
import {ConversationStore} from "../../../../extension/engine/store/conversation-store.js";
import {DiskStore} from "../../../../extension/engine/store/disk-store.js";
import {sampleSegment} from "../sample-segments.js";
import {rowsIn} from "../stored-samples.js";

const folder = process.argv[2] as string;
execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
const root = join(folder, "cache");
const store = await DiskStore.open(root, {limitBytes: 2 ** 30});
const conversations = new ConversationStore(join(folder, "conversations"));
const talk = await conversations.create("talk");
/** Bytes in use that belong to no file one can see. */
const leaked = (): number => {
    const {blocks, bfree, bsize} = statfsSync(folder);
    const names = readdirSync(folder, {recursive: true, encoding: "utf8"});
    const seen = names.reduce((sum, name) => sum + 512 * statSync(join(folder, name)).blocks, 0);
    return (blocks - bfree) * bsize - seen;
};
const stored: number[] = [];
const told: string[] = [];
store.onDidChangeProblem(() => told.push(store.writeProblem?.code ?? "none"));
const errors: string[] = [];
for (let n = 0; n < 40; n++) {
    try {
        // About 190 KB each: five fit.
        await store.put(sampleSegment({path: `src/${n}.ts`, nTokens: 220, rowBytes: 256, seed: n}));
        stored.push(n);
    } catch (error) {
        errors.push(toKvasirError(error).code);
    }
}
const leakedBytes = leaked();
let nIntact = 0;
for (const n of stored) {
    const sample = sampleSegment({path: `src/${n}.ts`, nTokens: 220, rowBytes: 256, seed: n});
    if ((await rowsIn(store, sample))?.equals(sample.rowData) === true) nIntact++;
}
const turn = (n: number, text: string) => ({id: `${n}`, role: "user" as const, text, createdAtMs: n});
let nAcknowledged = 0;
let turnError = "";
for (let n = 0; n < 400 && turnError === ""; n++) {
    try {
        await conversations.append(talk.id, [turn(n, "x".repeat(2000))]);
        nAcknowledged++;
    } catch (error) {
        turnError = toKvasirError(error).code;
    }
}
const nTurns = (await conversations.load(talk.id))?.turns.length;
const temporaries = readdirSync(folder, {recursive: true, encoding: "utf8"}).filter((name) => name.endsWith(".tmp"));
await store.drop("src");
const afterDrop = await store.put(sampleSegment({path: "src/again.ts"}));
const turnsAfter = (await conversations.append(talk.id, [turn(1000, "and on")])).turns.length;
const result = {
    nStored: stored.length,
    told,
    nIntact,
    errors: [...new Set(errors)],
    nErrors: errors.length,
    leakedBytes,
    temporaries,
    nAcknowledged,
    turnError,
    nTurns,
    afterDrop,
    turnsAfter,
};
process.stdout.write(JSON.stringify(result) + "\n");
