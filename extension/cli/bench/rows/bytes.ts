/** Bytes that a file's rows take, as the engine keeps them, against all rows in f16: what llama.cpp keeps. */
import {disjointSets, type TokenFile} from "../bench-files.js";
import {plainName} from "../peers.js";
import type {RowGroup} from "../row-group.js";

const nTokens = 2048;

export const bytesRows: RowGroup = {
    rows: [{name: "bytes-per-file", unit: "bytes", kvasir: "kept", peer: "full", peerName: plainName}],
    async prepare(lab) {
        const [files] = disjointSets(await lab.files(), 1, nTokens) as [TokenFile[]];
        const engine = await lab.engine();
        const {totals, files: read} = await engine.read(
            {workspace: lab.repo, paths: files.map((file) => file.path)},
            ({filesDone, filesTotal}) => lab.say(`reading file ${filesDone} of ${filesTotal}`),
            lab.signal,
        );
        return {
            sides: {
                kept: async () => totals.bytes / read.length,
                full: async () => totals.fullBytes / read.length,
            },
            warmUp: false,
            isExact: true,
            dispose: () => undefined,
        };
    },
};
