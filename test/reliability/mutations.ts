/**
 * Random damage to segment files (plain and encrypted), to the index and to what is said on the socket: never a crash, a
 * hang or a wrong row; always a miss or a coded error, after which the segment is stored anew.
 */
import {mkdtemp, readdir, readFile, rm, writeFile} from "node:fs/promises";
import {type Socket, createConnection} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {startEngineProcess} from "../../extension/engine/process/engine-process.js";
import {DiskStore} from "../../extension/engine/store/disk-store.js";
import {StoreKey} from "../../extension/engine/store/segment-seal.js";
import {createEngineClient} from "../../extension/client/engine-client.js";
import {readEndpoint} from "../../extension/client/find-engine.js";
import {isKvasirError} from "../../extension/protocol/errors.js";
import {protocolVersion} from "../../extension/protocol/rpc.js";
import {createScriptedEngine, someSettings} from "../unit/process/scripted-engine.js";
import {mutate, mutationKinds} from "../unit/store/mutations.js";
import {readRows, sampleSegment} from "../unit/store/sample-segments.js";
import {identityOf, limitBytes, rowsIn} from "../unit/store/stored-samples.js";
import {type Findings, type Scenario, type ScenarioOptions, must, seededRandom, within} from "./scenario.js";

/** Nothing here takes a tenth of this. */
const hangMs = 10_000;

export const mutations: Scenario = {
    name: "mutations",
    defaultN: 10_000,
    canSplit: true,
    async run({n, seed, say}) {
        const start = performance.now();
        const home = await mkdtemp(join(tmpdir(), "kv-m-"));
        try {
            const nSegments = Math.floor(n * 0.6);
            const nIndexes = Math.floor(n * 0.1);
            const nMessages = n - nSegments - nIndexes;
            const plain = await damageSegments(join(home, "plain"), Math.ceil(nSegments / 2), seed, undefined);
            say(`segments: ${JSON.stringify(plain)}`);
            const key = StoreKey.parse("5a".repeat(32));
            const sealed = await damageSegments(join(home, "sealed"), Math.floor(nSegments / 2), seed + 1, key);
            say(`encrypted segments: ${JSON.stringify(sealed)}`);
            await damageIndexes(join(home, "index"), nIndexes, seed + 2);
            say(`indexes: ${nIndexes}`);
            const socket = await damageMessages(join(home, "run"), {n: nMessages, seed: seed + 3, say});
            return {
                nSegments,
                nIndexes,
                nMessages,
                unchanged: plain.unchanged + sealed.unchanged,
                misses: plain.misses + sealed.misses,
                codedErrors: plain.codedErrors + sealed.codedErrors,
                storedAnew: plain.storedAnew + sealed.storedAnew,
                ...socket,
                seconds: Math.round((performance.now() - start) / 1000),
            };
        } finally {
            await rm(home, {recursive: true, force: true});
        }
    },
};

async function damageSegments(root: string, n: number, seed: number, key: StoreKey | undefined) {
    const random = seededRandom(seed);
    let nFound = 0;
    const store = await DiskStore.open(root, {limitBytes, key, onDamage: () => nFound++});
    const samples = [
        sampleSegment({path: "small", nTokens: 8, nLayers: 1, nKvHeads: 1, rowBytes: 16}),
        sampleSegment({path: "usual"}),
        // Two chunks.
        sampleSegment({path: "long", nTokens: 900, nLayers: 4, nKvHeads: 3, rowBytes: 200}),
    ];
    const originals: {file: string; bytes: Buffer}[] = [];
    for (const sample of samples) {
        await store.put(sample);
        const identity = await identityOf(sample);
        const names = await readdir(root, {recursive: true});
        const file = join(root, names.find((name) => name.endsWith(`${identity}.kvseg`)) ?? "");
        originals.push({file, bytes: await readFile(file)});
    }
    const outcomes = {unchanged: 0, misses: 0, codedErrors: 0, storedAnew: 0};
    for (let i = 0; i < n; i++) {
        // The long one costs the most, so it comes more seldom.
        const which = i % 20 === 0 ? 2 : i % 2;
        const sample = samples[which]!;
        const {file, bytes} = originals[which]!;
        const kind = mutationKinds[Math.floor(random() * mutationKinds.length)]!;
        const damaged = mutate(bytes, kind, random);
        const isSame = damaged.equals(bytes);
        const label = `segment mutation ${i} (${kind}) of seed ${seed}`;
        await writeFile(file, damaged);
        nFound = 0;
        const got = await within(hangMs, label, outcomeOf(store, sample));
        if (got === "rows") {
            must(isSame, `${label}: a damaged file was served`);
            outcomes.unchanged++;
        } else if (got === "wrong rows") must(false, `${label}: wrong rows were served`);
        else if (got === "miss") outcomes.misses++;
        else outcomes.codedErrors++;
        must(isSame || nFound === 1, `${label}: the damage was told ${nFound} times`);
        if (isSame) continue;
        must((await store.get(await identityOf(sample))) === undefined, `${label}: the damaged file is still there`);
        // What the engine does next: it reads the file again and stores it. Now and then, since every write is synced.
        if (i % 50 !== 0) continue;
        must((await store.put(sample)) === "stored", `${label}: it could not be stored anew`);
        must((await rowsIn(store, sample))?.equals(sample.rowData) === true, `${label}: what was stored anew differs`);
        originals[which] = {file, bytes: await readFile(file)};
        outcomes.storedAnew++;
    }
    return outcomes;
}

async function outcomeOf(store: DiskStore, sample: ReturnType<typeof sampleSegment>) {
    const segment = await store.get(await identityOf(sample));
    if (segment === undefined) return "miss";
    try {
        const keep = await segment.readKeepLists();
        const scores = Buffer.from((await segment.readScores())?.data ?? []);
        const rows = await readRows(segment);
        const isRight =
            rows.equals(sample.rowData) &&
            scores.equals(sample.scores?.data ?? Buffer.alloc(0)) &&
            keep.every((list, i) => Buffer.from(list.buffer).equals(Buffer.from(sample.keepLists[i]!.buffer)));
        return isRight ? "rows" : "wrong rows";
    } catch (error) {
        if (isKvasirError(error, "store-corrupt")) return "coded error";
        throw error;
    } finally {
        await segment.close();
    }
}

async function damageIndexes(root: string, n: number, seed: number): Promise<void> {
    const random = seededRandom(seed);
    const store = await DiskStore.open(root, {limitBytes});
    for (const path of ["a.ts", "b.ts", "c.ts"]) await store.put(sampleSegment({path}));
    await store.close();
    const listOf = async (from: DiskStore) =>
        JSON.stringify((await from.list()).map(({path, bytes, nTokens}) => [path, bytes, nTokens]).sort());
    const expected = await listOf(store);
    const hint = join(root, "index.json");
    const original = await readFile(hint);
    for (let i = 0; i < n; i++) {
        const kind = mutationKinds[Math.floor(random() * mutationKinds.length)]!;
        const label = `index mutation ${i} (${kind}) of seed ${seed}`;
        await writeFile(hint, mutate(original, kind, random));
        const opened = await within(hangMs, label, DiskStore.open(root, {limitBytes}));
        must((await listOf(opened)) === expected, `${label}: the list is not what the files say`);
    }
}

function framed(message: unknown): string {
    const text = JSON.stringify(message);
    return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Strangers and broken clients against an engine without a model, while an honest client wants to be served. */
async function damageMessages(folder: string, {n, seed, say}: ScenarioOptions): Promise<Findings> {
    const random = seededRandom(seed);
    let nEngines = 0;
    const serving = await startEngineProcess({
        folder,
        version: "test",
        idleMs: 600_000,
        createEngine: async () => {
            nEngines++;
            return createScriptedEngine();
        },
        log: () => {},
    });
    must(serving !== undefined, "the engine did not start");
    const client = createEngineClient({
        folder,
        program: () => ({executable: process.execPath, script: "none", version: "test", idleMs: 1}),
        settings: () => someSettings,
        name: "honest",
        log: {info: () => {}, warn: () => {}},
    });
    try {
        await client.connect();
        const endpoint = await readEndpoint(folder);
        const greeting = `${JSON.stringify({kvasir: "client", protocol: protocolVersion, token: endpoint?.token})}\n`;
        const ask = {
            workspace: "w",
            conversation: "c",
            turns: [{role: "user", text: "words 3"}],
            maxTokens: 5,
            temperature: 0,
        };
        const valid = Buffer.from(
            greeting +
                framed({jsonrpc: "2.0", id: 1, method: "hello", params: {settings: someSettings, name: "x"}}) +
                framed({
                    jsonrpc: "2.0",
                    id: 2,
                    method: "updateWorkspace",
                    params: {workspace: "w", upsert: [{path: "a.ts", text: "x"}]},
                }) +
                framed({jsonrpc: "2.0", id: 3, method: "ask", params: {request: ask, events: 0}}) +
                framed({jsonrpc: "2.0", method: "$/cancelRequest", params: {id: 3}}) +
                framed({jsonrpc: "2.0", id: 4, method: "countTokens", params: {texts: ["abc"]}}),
        );
        let nHeard = 0;
        for (let i = 0; i < n; i++) {
            const kind = mutationKinds[Math.floor(random() * mutationKinds.length)]!;
            // Half of them with a right greeting, since what is behind it is the larger part of the code.
            const at = i % 2 === 0 ? greeting.length : 0;
            const bytes = Buffer.concat([valid.subarray(0, at), mutate(valid.subarray(at), kind, random)]);
            const label = `message mutation ${i} (${kind}) of seed ${seed}`;
            const stranger = await connect(endpoint?.socket ?? "");
            stranger.once("data", () => nHeard++);
            stranger.end(bytes);
            // A mutation that says "I will send more" leaves the engine waiting, as it must; it is not waited for.
            const counted = await within(hangMs, label, client.countTokens(["abcd"]));
            must(counted[0] === 4, `${label}: the honest client was told something else`);
            if (i % 100 === 99) stranger.destroy();
            if (i % 1000 === 999) say(`messages: ${i + 1}`);
        }
        must(client.connection().name === "connected", "the honest client was put out");
        must(nEngines === 1, `the engine was made ${nEngines} times`);
        return {answeredStrangers: nHeard};
    } finally {
        await client.dispose();
        serving.stop();
        await serving.ended;
    }
}

async function connect(path: string): Promise<Socket> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.on("error", () => socket.destroy());
    return socket;
}
