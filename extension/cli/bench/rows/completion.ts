/**
 * A completion while 4k tokens of files are resident: 100 tokens of a buffer are new. The peers have the same files in
 * their caches and the same 100 tokens behind them.
 */
import {fileHeader} from "../../../core/layout/chat-layout.js";
import {timed} from "../alternate.js";
import {joinTokens, sumTokens} from "../bench-files.js";
import {plainName, serverName} from "../peers.js";
import {absentAs, type RowGroup, type RowPlan} from "../row-group.js";
import {bufferPath, maxTokens, newTokens, prepareCompletions} from "./completing.js";

/** Of the buffer's header, at most. */
const headerTokens = 24;

const first = {name: "completion-first-token", unit: "ms", kvasir: "first"} as const satisfies Partial<RowPlan>;

export const completionRows: RowGroup = {
    rows: [
        {...first, peer: "append", peerName: plainName},
        {...first, peer: "server-first", peerName: serverName},
        {
            name: "completion-to-its-end",
            unit: "ms/token",
            kvasir: "whole",
            peer: "server-whole",
            peerName: serverName,
        },
    ],
    async prepare(lab) {
        const {context, nTexts, textOf, complete} = await prepareCompletions(lab);
        const {model} = await lab.model();
        const room = sumTokens(context) + (lab.rounds + 1) * (newTokens + headerTokens);
        const plain = await lab.plain(room);
        const files = joinTokens([(await lab.reader()).prefix.tokens, ...context.map(({tokens}) => tokens)]);
        lab.say("the peers read the same files");
        await plain.decode(files, "none");
        const server = await lab.optional(() => lab.server(room + maxTokens));
        await server.peer?.ask(files, 1);

        const tokensOf = (run: number): Uint32Array =>
            Uint32Array.from(model.tokenize(fileHeader(bufferPath) + textOf(run)));
        const turn = {first: 0, append: 0, serverFirst: 0, whole: 0, serverWhole: 0};
        // The rows of whole completions take their text from the other end, so that they do not meet the first ones.
        const fromEnd = (run: number): number => nTexts - 1 - (run % nTexts);
        return {
            sides: {
                first: async () => (await complete(turn.first++, 1)).ttftMs,
                append: () => timed(() => plain.decode(tokensOf(turn.append++), "last")),
                "server-first": async () =>
                    (await server.peer!.ask(joinTokens([files, tokensOf(turn.serverFirst++)]), 1)).firstTokenMs,
                // A completion ends where its text does; its time per token holds the wait for the first one.
                whole: async () => {
                    const {ms, tokens} = await complete(fromEnd(turn.whole++), maxTokens);
                    return ms / Math.max(1, tokens);
                },
                "server-whole": async () => {
                    const prompt = joinTokens([files, tokensOf(fromEnd(turn.serverWhole++))]);
                    const answer = await server.peer!.ask(prompt, maxTokens);
                    return answer.totalMs / answer.nTokens;
                },
            },
            absent: {...absentAs("server-first", server), ...absentAs("server-whole", server)},
            dispose: () => undefined,
        };
    },
};
