/**
 * Reading a file of 1k tokens, scored and its kept rows gathered, against plain prefill of the same tokens behind the
 * same prefix. Scored by the rows that the policy asks, by every row, and by every 16th: what the stride costs.
 */
import type {Policy} from "../../../core/policy/policy.js";
import {withStride} from "../../../core/policy/presets.js";
import {timed} from "../alternate.js";
import {equalPieces} from "../bench-files.js";
import {plainName, type RowGroup} from "../row-group.js";

const nTokens = 1024;

export const readRows: RowGroup = {
    rows: [
        {name: "read-1k", unit: "ms", kvasir: "read", peer: "prefill", peerName: plainName},
        {name: "read-1k-stride-1", unit: "ms", kvasir: "every", peer: "prefill", peerName: plainName},
        {name: "read-1k-stride-16", unit: "ms", kvasir: "few", peer: "prefill", peerName: plainName},
    ],
    async prepare(lab) {
        const [piece] = equalPieces(await lab.files(), 1, nTokens) as [Uint32Array];
        const reader = await lab.reader();
        const profile = await lab.profileFor(lab.policy);
        const plain = await lab.plain(nTokens);
        const reading = (policy: Policy) => () =>
            timed(async () => {
                const {budget} = lab.settings;
                const read = await reader.read({tokens: piece, policy, budget, profile, signal: lab.signal});
                read.native.dispose();
            });
        return {
            sides: {
                read: reading(lab.policy),
                every: reading(withStride(lab.policy, 1)),
                few: reading(withStride(lab.policy, 16)),
                prefill: async () => {
                    await plain.clear();
                    await plain.decode(reader.prefix.tokens, "none");
                    return timed(() => plain.decode(piece, "none"));
                },
            },
            dispose: () => undefined,
        };
    },
};
