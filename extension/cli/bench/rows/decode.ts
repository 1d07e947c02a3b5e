/**
 * Milliseconds per token over 4k tokens of real files: Kvasir over cut and over uncut segments, llama.cpp over its own
 * cache, llama-server by its own clock.
 */
import {policyByName} from "../../../core/policy/presets.js";
import type {NativeSegment} from "../../../engine/native/native.js";
import {equalPieces, joinTokens} from "../bench-files.js";
import {plainName, serverName} from "../peers.js";
import {absentAs, type RowGroup, type RowPlan} from "../row-group.js";
import {decoding, sessionOver, tokensOfRun} from "./decoding.js";

const nPieces = 4;
const pieceTokens = 1024;
/** Tokens of one run on a CPU: every side goes on from where its last run ended. */
const tokensOnCpu = 16;

const cut = {name: "decode-4k-cut", unit: "ms/token", kvasir: "cut"} as const satisfies Partial<RowPlan>;
const uncut = {name: "decode-4k-uncut", unit: "ms/token", kvasir: "uncut"} as const satisfies Partial<RowPlan>;

export const decodeRows: RowGroup = {
    rows: [cut, uncut].flatMap((row) => [
        {...row, peer: "plain", peerName: plainName},
        {...row, peer: "server", peerName: serverName},
    ]),
    async prepare(lab) {
        const tokensPerRun = await tokensOfRun(lab, tokensOnCpu);
        const files = await lab.files();
        const pieces = equalPieces(files, nPieces, pieceTokens);
        const cutSegments = await lab.segments(pieces, lab.policy);
        const uncutSegments = await lab.segments(pieces, policyByName("full"));
        // Real text to go on with: what stands in other files.
        const rest = joinTokens(files.toReversed().map((file) => file.tokens));
        const {context, prefix} = await lab.reader();
        const [cutSession, uncutSession] = [
            await sessionOver(context, [prefix.native, ...cutSegments]),
            await sessionOver(context, [prefix.native, ...uncutSegments]),
        ];
        const nTokens = nPieces * pieceTokens + (lab.rounds + 1) * tokensPerRun;
        const prompt = joinTokens([prefix.tokens, ...pieces]);
        const plain = await lab.plain(nTokens);
        lab.say("plain llama.cpp reads the same tokens");
        await plain.decode(prompt, "none");
        const server = await lab.optional(() => lab.server(nTokens));
        const firstPosition = prefix.nTokens + pieceTokens;
        return {
            sides: {
                cut: decoding(rest, tokensPerRun, (token, at) =>
                    cutSession.decode(token, firstPosition + at, {logits: "last"}),
                ),
                uncut: decoding(rest, tokensPerRun, (token, at) =>
                    uncutSession.decode(token, firstPosition + at, {logits: "last"}),
                ),
                plain: decoding(rest, tokensPerRun, (token) => plain.decode(token, "last")),
                server: async () => (await server.peer!.ask(prompt, tokensPerRun + 1)).msPerToken,
            },
            absent: absentAs("server", server),
            dispose: () => {
                const segments: NativeSegment[] = [...cutSegments, ...uncutSegments];
                for (const each of [cutSession, uncutSession, ...segments]) each.dispose();
            },
        };
    },
};
