import {readdir, readFile, rm, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {expect, test} from "vitest";
import {isKvasirError} from "../../../extension/protocol/errors.js";
import {type ConversationDamage, ConversationStore} from "../../../extension/engine/store/conversation-store.js";
import {DiskStore, type StoreDamage} from "../../../extension/engine/store/disk-store.js";
import {mutate, mutationKinds} from "./mutations.js";
import {readRows, sampleSegment, seededRandom} from "./sample-segments.js";
import {fileOf, identityOf, limitBytes} from "./stored-samples.js";
import {temporaryFolder} from "./temporary-folder.js";

const seed = 20_240_607;
const patience = 120_000;

test(
    "2,000 damaged segment files: the very rows or a coded error, never anything else",
    {timeout: patience},
    async () => {
        const random = seededRandom(seed);
        const root = await temporaryFolder();
        let found: StoreDamage[] = [];
        const store = await DiskStore.open(root, {limitBytes, onDamage: (damage) => found.push(damage)});
        const samples = [
            sampleSegment({path: "small", nTokens: 8, nLayers: 1, nKvHeads: 1, rowBytes: 16}),
            sampleSegment({path: "usual"}),
            // Two chunks.
            sampleSegment({path: "long", nTokens: 900, nLayers: 4, nKvHeads: 3, rowBytes: 200}),
        ] as const;
        const originals: Buffer[] = [];
        for (const sample of samples) {
            await store.put(sample);
            originals.push(await readFile(await fileOf(root, sample)));
        }
        const outcomes = {same: 0, miss: 0, thrown: 0};
        for (let n = 0; n < 2000; n++) {
            // The long one costs the most, so it comes more seldom.
            const which = n % 10 === 0 ? 2 : n % 2;
            const sample = samples[which] as (typeof samples)[0];
            const original = originals[which] as Buffer;
            const kind = mutationKinds[n % mutationKinds.length] as (typeof mutationKinds)[0];
            const damaged = mutate(original, kind, random);
            const isSame = damaged.equals(original);
            const file = await fileOf(root, sample);
            await writeFile(file, damaged);
            found = [];
            const label = `mutation ${n} (${kind}) of seed ${seed}`;
            try {
                const segment = await store.get(await identityOf(sample));
                if (segment === undefined) {
                    outcomes.miss++;
                } else {
                    try {
                        expect(await segment.readKeepLists(), label).toEqual(sample.keepLists);
                        expect(
                            Buffer.from((await segment.readScores())?.data ?? []).equals(
                                sample.scores?.data ?? Buffer.alloc(0),
                            ),
                            label,
                        ).toBe(true);
                        expect((await readRows(segment)).equals(sample.rowData), label).toBe(true);
                        outcomes.same++;
                        expect(isSame, label).toBe(true);
                    } finally {
                        await segment.close();
                    }
                }
            } catch (error) {
                if (!isKvasirError(error, "store-corrupt")) throw error;
                outcomes.thrown++;
            }
            expect(found.length, label).toBe(isSame ? 0 : 1);
            if (!isSame) expect(await store.get(await identityOf(sample)), label).toBeUndefined();
        }
        expect(outcomes.miss).toBeGreaterThan(500);
        expect(outcomes.thrown).toBeGreaterThan(100);
        for (const sample of samples) expect(await store.put(sample)).not.toBe("too-large");
        expect((await store.verify()).damaged).toEqual([]);
    },
);

test("500 damaged index hints: the list is what the files say", {timeout: patience}, async () => {
    const random = seededRandom(seed + 1);
    const root = await temporaryFolder();
    const store = await DiskStore.open(root, {limitBytes});
    for (const path of ["a.ts", "b.ts", "c.ts"]) await store.put(sampleSegment({path}));
    await store.close();
    const list = async (from: DiskStore): Promise<unknown> =>
        (await from.list()).map(({path, bytes, nTokens, generation}) => [path, bytes, nTokens, generation]).sort();
    const expected = await list(store);
    const hint = join(root, "index.json");
    const original = await readFile(hint);
    for (let n = 0; n < 500; n++) {
        const kind = mutationKinds[n % mutationKinds.length] as (typeof mutationKinds)[0];
        await writeFile(hint, mutate(original, kind, random));
        const opened = await DiskStore.open(root, {limitBytes});
        expect(await list(opened), `mutation ${n} (${kind}) of seed ${seed + 1}`).toEqual(expected);
        expect(opened.bytes).toBe(store.bytes);
    }
});

test(
    "2,000 damaged conversations: only true turns in their order, and the damaged file is kept",
    {timeout: patience},
    async () => {
        const random = seededRandom(seed + 2);
        const folder = await temporaryFolder();
        const damage: ConversationDamage[] = [];
        const store = new ConversationStore(folder, {onDamage: (found) => damage.push(found)});
        const texts = Array.from(
            {length: 12},
            (_, n) => `turn ${n}: ${"words and \n lines ".repeat(1 + Math.floor(random() * 20))}`,
        );
        const turns = texts.map((text, n) => ({
            id: `${n}`,
            role: n % 2 === 0 ? ("user" as const) : ("assistant" as const),
            text,
            createdAtMs: n,
        }));
        const {id} = await store.create("the name", turns);
        const path = join(folder, `${id}.00000001.json`);
        const original = await readFile(path);
        let nSaved = 0;
        let nWhole = 0;
        for (let n = 0; n < 2000; n++) {
            const kind = mutationKinds[n % mutationKinds.length] as (typeof mutationKinds)[0];
            const damaged = mutate(original, kind, random);
            for (const name of await readdir(folder)) await rm(join(folder, name), {recursive: true});
            await writeFile(path, damaged);
            damage.length = 0;
            const label = `mutation ${n} (${kind}) of seed ${seed + 2}`;
            const loaded = await store.load(id);
            if (damaged.equals(original)) {
                expect(damage, label).toEqual([]);
            }
            // Every turn is a true one, in order; with the head whole, what is missing is known.
            const indices = (loaded?.turns ?? []).map((turn) => {
                expect(turn, label).toEqual(turns[Number(turn.id)]);
                return Number(turn.id);
            });
            expect(indices, label).toEqual([...new Set(indices)].sort((a, b) => a - b));
            if (loaded?.recovered === undefined) expect(indices.length, label).toBe(loaded === undefined ? 0 : 12);
            else if (loaded.recovered.nLost !== null) expect(indices.length + loaded.recovered.nLost, label).toBe(12);
            if (loaded !== undefined) expect(["the name", "Recovered conversation"], label).toContain(loaded.name);
            if (damage[0] !== undefined) expect((await readFile(damage[0].path)).equals(damaged), label).toBe(true);
            expect(damage.length, label).toBe(loaded !== undefined && loaded.recovered === undefined ? 0 : 1);
            nSaved += indices.length;
            if (indices.length === 12) nWhole++;
        }
        // Most damage is in one place, so most turns live.
        expect(nSaved).toBeGreaterThan(2000 * 6);
        expect(nWhole).toBeGreaterThan(100);
    },
);
