/** Reading sixteen files of 50 to 200 tokens, several in a batch, against the same files one after another. */
import {maxTogether, type ReadJob} from "../../../engine/kv/reader.js";
import {packsOf} from "../../../engine/reading.js";
import {timed} from "../alternate.js";
import {equalPieces} from "../bench-files.js";
import type {RowGroup} from "../row-group.js";

const nFiles = 16;
const sizes = [50, 200, 80, 120] as const;

export const smallFileRows: RowGroup = {
    rows: [
        {
            name: "read-small-files",
            unit: "ms",
            kvasir: "together",
            peer: "alone",
            peerName: "the same files, a batch for each",
        },
    ],
    async prepare(lab) {
        const pieces = equalPieces(await lab.files(), nFiles, Math.max(...sizes));
        const reader = await lab.reader();
        const profile = await lab.profileFor(lab.policy);
        const {budget} = lab.settings;
        const jobs = pieces.map((tokens, i): ReadJob => ({
            tokens: tokens.subarray(0, sizes[i % sizes.length]),
            policy: lab.policy,
            budget,
            profile,
            signal: lab.signal,
        }));
        const limits = {maxParts: maxTogether, maxTokens: reader.context.nBatch};
        const packs = [...packsOf(jobs, ({tokens}) => tokens.length, limits)];
        return {
            sides: {
                together: () =>
                    timed(async () => {
                        for (const pack of packs)
                            for (const {native} of await reader.readTogether(pack)) native.dispose();
                    }),
                alone: () =>
                    timed(async () => {
                        for (const job of jobs) (await reader.read(job)).native.dispose();
                    }),
            },
            dispose: () => undefined,
        };
    },
};
