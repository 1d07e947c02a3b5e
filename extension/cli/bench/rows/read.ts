/**
 * Reading a file by its size, scored and its kept rows gathered, against plain prefill of the same tokens behind the same
 * prefix. One size also scored by every row and by every 16th: what the stride costs.
 */
import type {Policy} from "../../../core/policy/policy.js";
import {withStride} from "../../../core/policy/presets.js";
import {timed} from "../alternate.js";
import {equalPieces} from "../bench-files.js";
import {plainName} from "../peers.js";
import type {RowGroup, RowPlan} from "../row-group.js";

/** The stride is looked at in a file of this length. */
const usualTokens = 1024;

export const readRows: readonly RowGroup[] = [256, usualTokens, 4096].map((nTokens) => readOf(nTokens));

function readOf(nTokens: number): RowGroup {
    const label = nTokens < 1024 ? String(nTokens) : `${nTokens / 1024}k`;
    const row = (name: string, kvasir: string): RowPlan => ({
        name,
        unit: "ms",
        kvasir,
        peer: "prefill",
        peerName: plainName,
    });
    return {
        rows: [
            row(`read-${label}`, "read"),
            ...(nTokens === usualTokens
                ? [row(`read-${label}-stride-1`, "every"), row(`read-${label}-stride-16`, "few")]
                : []),
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
}
