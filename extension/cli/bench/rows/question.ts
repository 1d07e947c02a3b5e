/**
 * A question over other files than the last one, all of them read: time to the first token, against a fresh prompt of
 * the same files.
 */
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import {plainName} from "../peers.js";
import type {RowGroup} from "../row-group.js";
import {askKvasir, askPlain, readAhead} from "./asking.js";

const nTokens = 4096;

export const questionRows: RowGroup = {
    rows: [{name: "second-question-4k", unit: "ms", kvasir: "question", peer: "prompt", peerName: plainName}],
    async prepare(lab) {
        const sets = disjointSets(await lab.files(), 2, nTokens) as [TokenFile[], TokenFile[]];
        await readAhead(lab, sets.flat());
        const plain = await lab.plain(Math.max(...sets.map(sumTokens)));
        // Both sides see the sets in turns, so that a question is always about other files than the one before.
        const turn = {question: 0, prompt: 0};
        return {
            sides: {
                question: () => askKvasir(lab, sets[turn.question++ % 2]!, "none"),
                prompt: () => askPlain(lab, plain, sets[turn.prompt++ % 2]!),
            },
            dispose: () => undefined,
        };
    },
};
