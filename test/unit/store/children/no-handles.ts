/** Opens files until there are no handles left, then uses a store: `no-handles ROOT`. Prints one JSON line with what happened. */
import {closeSync, openSync, readdirSync} from "node:fs";
import {toKvasirError} from "../../../../extension/protocol/errors.js";
import {DiskStore} from "../../../../extension/engine/store/disk-store.js";
import {sampleSegment} from "../sample-segments.js";
import {identityOf, rowsIn} from "../stored-samples.js";

const root = process.argv[2] as string;
const store = await DiskStore.open(root, {limitBytes: 2 ** 30});
const sample = sampleSegment();
await store.put(sample);
const handles: number[] = [];
try {
    for (;;) handles.push(openSync("/dev/null", "r"));
} catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
}
const codeOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
        () => "done",
        (error: unknown) => toKvasirError(error).code,
    );
const put = await codeOf(store.put(sampleSegment({path: "src/b.ts"})));
const get = await codeOf(store.get(await identityOf(sample)));
for (const handle of handles) closeSync(handle);
const result = {
    put,
    get,
    isReadAfterwards: (await rowsIn(store, sample))?.equals(sample.rowData),
    putAfterwards: await store.put(sampleSegment({path: "src/b.ts"})),
    temporaries: readdirSync(root, {recursive: true, encoding: "utf8"}).filter((name) => name.endsWith(".tmp")),
};
process.stdout.write(JSON.stringify(result) + "\n");
