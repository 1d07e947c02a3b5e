/**
 * The switch of the attended set: another set of files, each of which was read, takes the place of the one that attention
 * sees. Plain llama.cpp comes to another context without computing it by restoring a saved cache of as many tokens.
 */
import type {NativeSegment} from "../../../engine/native/native.js";
import {timed} from "../alternate.js";
import {plainName} from "../peers.js";
import type {RowGroup} from "../row-group.js";
import {emptySegment, filledPlain, sessionOver} from "./decoding.js";

/** Files of the length that most files have. */
const fileTokens = 1024;

export const switchRows: readonly RowGroup[] = [4096, 16_384].map((nTokens) => switchOf(nTokens));

function switchOf(nTokens: number): RowGroup {
    return {
        rows: [
            {
                name: `switch-${nTokens / 1024}k`,
                unit: "ms",
                kvasir: "compose",
                peer: "restore",
                peerName: `${plainName}, a saved cache restored`,
            },
        ],
        async prepare(lab) {
            const {context, prefix} = await lab.reader();
            await lab.requireMemory(3 * context.bytesPerToken * nTokens);
            const profile = await lab.profileFor(lab.policy);
            const sets: NativeSegment[][] = [[], []];
            for (const set of sets)
                for (let n = 0; n < nTokens / fileTokens; n++)
                    set.push(await emptySegment(context, fileTokens, lab.settings.budget, profile));
            const session = await sessionOver(context, [prefix.native, ...sets[0]!]);
            const plain = await filledPlain(lab, nTokens, 0);
            await plain.save();
            let turn = 0;
            return {
                sides: {
                    compose: () => {
                        const parts = [prefix.native, ...sets[++turn % 2]!].map((segment) => ({segment}));
                        return timed(() => session.compose(parts));
                    },
                    restore: () => timed(() => plain.restore()),
                },
                dispose: async () => {
                    for (const each of [session, ...sets.flat()]) each.dispose();
                    await lab.freePeers();
                },
            };
        },
    };
}
