/**
 * A completion while 4k tokens of files are resident: 100 tokens of a buffer are new. The peers have the same files in
 * their caches and the same 100 tokens behind them.
 */
import {fileHeader} from "../../../core/layout/chat-layout.js";
import type {CompletionReport} from "../../../protocol/engine.js";
import {timed} from "../alternate.js";
import {disjointSets, joinTokens, sumTokens, type TokenFile} from "../bench-files.js";
import {plainName, serverName} from "../peers.js";
import {absentAs, type RowGroup, type RowPlan} from "../row-group.js";
import {readAhead} from "./asking.js";

const nTokens = 4096;
const newTokens = 100;
/** The longest completion that is measured to its end. */
const maxTokens = 32;
const bufferPath = "kvasir-bench-buffer.ts";
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
        const [context, buffers] = disjointSets(await lab.files(), 2, nTokens) as [TokenFile[], TokenFile[]];
        const engine = await lab.engine();
        const {model} = await lab.model();
        await readAhead(lab, context);
        const room = sumTokens(context) + (lab.rounds + 1) * (newTokens + headerTokens);
        const plain = await lab.plain(room);
        const files = joinTokens([(await lab.reader()).prefix.tokens, ...context.map(({tokens}) => tokens)]);
        lab.say("the peers read the same files");
        await plain.decode(files, "none");
        const server = await lab.optional(() => lab.server(room + maxTokens));
        await server.peer?.ask(files, 1);

        const nPieces = buffers.reduce((sum, {tokens}) => sum + Math.floor(tokens.length / newTokens), 0);
        const pieces = buffers.flatMap(({tokens}) =>
            Array.from({length: Math.floor(tokens.length / newTokens)}, (_, n) =>
                tokens.slice(n * newTokens, (n + 1) * newTokens),
            ),
        );
        // Every run completes other text, so that no side knows it from the run before.
        const textOf = (run: number): string => model.detokenize(Array.from(pieces[run % nPieces]!) as never);
        const tokensOf = (run: number): Uint32Array =>
            Uint32Array.from(model.tokenize(fileHeader(bufferPath) + textOf(run)));
        const complete = async (run: number, limit: number): Promise<CompletionReport> => {
            const text = textOf(run);
            const report = await engine.complete(
                {
                    workspace: lab.repo,
                    path: bufferPath,
                    text,
                    offset: text.length,
                    choice: {context: context.map((file) => file.path), onlyNamed: true},
                    maxTokens: limit,
                    multiLine: limit === 1 ? "never" : "always",
                },
                lab.signal,
            );
            if (report.readTokens > 0) throw new Error("the completion had to read files");
            return report;
        };
        const turn = {first: 0, append: 0, serverFirst: 0, whole: 0, serverWhole: 0};
        // The rows of whole completions take their text from the other end, so that they do not meet the first ones.
        const fromEnd = (run: number): number => nPieces - 1 - (run % nPieces);
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
