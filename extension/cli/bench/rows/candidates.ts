/**
 * Three candidates of a completion in one batch, against three completions one after another, of which the second and
 * third find the prompt's rows: milliseconds per token that was written, the wait for the first one included.
 */
import {timed} from "../alternate.js";
import type {RowGroup} from "../row-group.js";
import {maxTokens, prepareCompletions} from "./completing.js";

const nCandidates = 3;

export const candidateRows: RowGroup = {
    rows: [
        {
            name: "completion-candidates",
            unit: "ms/token",
            kvasir: "together",
            peer: "apart",
            peerName: "one after another",
        },
    ],
    async prepare(lab) {
        const {complete} = await prepareCompletions(lab);
        // Both complete the same buffers, one of them a turn later: what was completed last is another buffer by then, so
        // neither finds the other's rows.
        const turn = {together: 1, apart: 0};
        const perToken = async (nCalls: number, run: number, n: number) => {
            let tokens = 0;
            const ms = await timed(async () => {
                for (let i = 0; i < nCalls; i++) tokens += (await complete(run, maxTokens, n)).tokens;
            });
            return ms / Math.max(1, tokens);
        };
        return {
            sides: {
                together: () => perToken(1, turn.together++, nCandidates),
                apart: () => perToken(nCandidates, turn.apart++, 1),
            },
            dispose: () => undefined,
        };
    },
};
