/** Writes segments of about a megabyte one after another until it is killed: `write-for-ever ROOT`. Prints each path once it is stored. */
import {DiskStore} from "../../../../extension/engine/store/disk-store.js";
import {sampleSegment} from "../sample-segments.js";

const store = await DiskStore.open(process.argv[2] as string, {limitBytes: 2 ** 30});
const base = sampleSegment({nTokens: 600, nLayers: 4, nKvHeads: 3, rowBytes: 256});
process.stdout.write("ready\n");
for (let n = 0; ; n++) {
    const path = `src/${process.pid}-${n}.ts`;
    await store.put({...base, info: {...base.info, path, fields: {...base.info.fields, pathHeader: path}}});
    process.stdout.write(`${path}\n`);
}
