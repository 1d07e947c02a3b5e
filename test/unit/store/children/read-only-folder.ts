/**
 * Uses a store and conversations on a tmpfs over FOLDER that turns read-only: `read-only-folder FOLDER`. Needs mounts of its
 * own. Prints one JSON line with what happened.
 */
import {execFileSync} from "node:child_process";
import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {toKvasirError} from "../../../../extension/protocol/errors.js";
import {ConversationStore} from "../../../../extension/engine/store/conversation-store.js";
import {DiskStore} from "../../../../extension/engine/store/disk-store.js";
import {sampleSegment} from "../sample-segments.js";
import {fileOf, rowsIn} from "../stored-samples.js";

const folder = process.argv[2] as string;
execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]);
const root = join(folder, "cache");
const before = await DiskStore.open(root, {limitBytes: 2 ** 30});
const [good, bad] = [sampleSegment({path: "good.ts"}), sampleSegment({path: "bad.ts"})];
await before.put(good);
await before.put(bad);
await before.close();
writeFileSync(await fileOf(root, bad), "damaged");
const talks = new ConversationStore(join(folder, "talks"));
const turn = {id: "1", role: "user" as const, text: "hello", createdAtMs: 1};
const talk = await talks.create("talk", [turn]);
execFileSync("mount", ["-o", "remount,ro", folder]);

const codeOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
        () => "done",
        (error: unknown) => toKvasirError(error).code,
    );
const store = await DiskStore.open(root, {limitBytes: 2 ** 30});
const elsewhere = await DiskStore.open(join(folder, "new", "cache"), {limitBytes: 2 ** 30});
const result = {
    listed: (await store.list()).map(({path}) => path),
    isGoodRead: (await rowsIn(store, good))?.equals(good.rowData),
    isBadMissed: (await rowsIn(store, bad)) === undefined,
    put: await codeOf(store.put(sampleSegment({path: "new.ts"}))),
    drop: await codeOf(store.drop("good.ts")),
    clear: await codeOf(store.clear()),
    verify: (await store.verify()).damaged.map(({isRemoved}) => isRemoved),
    close: await codeOf(store.close()),
    isGoodStill: (await rowsIn(store, good))?.equals(good.rowData),
    putElsewhere: await codeOf(elsewhere.put(good)),
    listElsewhere: (await elsewhere.list()).length,
    loaded: (await talks.load(talk.id))?.turns,
    append: await codeOf(talks.append(talk.id, [{...turn, id: "2"}])),
    create: await codeOf(talks.create("new")),
    remove: await codeOf(talks.delete(talk.id)),
    listedTalks: (await talks.list()).length,
};
process.stdout.write(JSON.stringify(result) + "\n");
