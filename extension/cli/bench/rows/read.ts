/** Reading a file of 1k tokens, scored and its kept rows gathered, against plain prefill of the same tokens. */
import {timed} from "../alternate.js";
import {equalPieces, joinTokens} from "../bench-files.js";
import {plainName, type RowGroup} from "../row-group.js";

const nTokens = 1024;

export const readRows: RowGroup = {
    rows: [{name: "read-1k", unit: "ms", kvasir: "read", peer: "prefill", peerName: plainName}],
    async prepare(lab) {
        const [piece] = equalPieces(await lab.files(), 1, nTokens) as [Uint32Array];
        const reader = await lab.reader();
        const profile = await lab.profileFor(lab.policy);
        const plain = await lab.plain(nTokens);
        await plain.decode(reader.prefix.tokens, "none");
        return {
            sides: {
                read: () =>
                    timed(async () => {
                        const read = await reader.read({
                            tokens: piece,
                            policy: lab.policy,
                            budget: lab.settings.budget,
                            profile,
                            signal: lab.signal,
                        });
                        read.native.dispose();
                    }),
                prefill: async () => {
                    await plain.clear();
                    return timed(() => plain.decode(joinTokens([reader.prefix.tokens, piece]), "none"));
                },
            },
            dispose: () => undefined,
        };
    },
};
