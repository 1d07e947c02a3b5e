/**
 * Puts, gets, drops and lists at random in a shared store: `hammer-store ROOT LIMIT SEED STEPS`. Checks every byte it
 * gets. Prints one JSON line with counts.
 */
import {DiskStore} from "../../../../extension/engine/store/disk-store.js";
import {readRows, type Sample, sampleSegment, seededRandom} from "../sample-segments.js";
import {identityOf} from "../stored-samples.js";

const [root, limit, seed, steps] = process.argv.slice(2) as [string, string, string, string];
const random = seededRandom(Number(seed));
const counts = {stored: 0, kept: 0, hits: 0, misses: 0, wrong: 0, damaged: 0, drops: 0};

/** All processes write the same bytes for the same path and generation, so that anybody can check them. */
function sampleOf(index: number, generation: number): Sample {
    return sampleSegment({path: `src/${index}.ts`, generation, seed: 1000 * generation + index});
}

const store = await DiskStore.open(root, {limitBytes: Number(limit), onDamage: () => counts.damaged++});
for (let step = 0; step < Number(steps); step++) {
    const index = Math.floor(random() * 12);
    const act = random();
    if (act < 0.45) {
        const result = await store.put(sampleOf(index, Math.floor(random() * 3)));
        if (result !== "too-large") counts[result]++;
    } else if (act < 0.9) {
        const segment = await store.get(await identityOf(sampleOf(index, 0)));
        if (segment === undefined) {
            counts.misses++;
            continue;
        }
        const expected = sampleOf(index, segment.header.generation);
        const isRight =
            (await readRows(segment)).equals(expected.rowData) &&
            JSON.stringify(await segment.readKeepLists()) === JSON.stringify(expected.keepLists);
        await segment.close();
        counts[isRight ? "hits" : "wrong"]++;
    } else if (act < 0.97) {
        counts.drops += (await store.drop(`src/${index}.ts`)).nSegments;
    } else if (act < 0.99) {
        await store.list();
    } else {
        counts.damaged += (await store.verify()).damaged.length;
    }
}
await store.close();
process.stdout.write(JSON.stringify(counts) + "\n");
