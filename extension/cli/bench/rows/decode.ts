/** Milliseconds per token over 4k tokens of files: Kvasir over cut and over uncut segments, llama.cpp over its own cache. */
import {policyByName} from "../../../core/policy/presets.js";
import type {NativeSegment, NativeSession} from "../../../engine/native/native.js";
import {timed, type Side} from "../alternate.js";
import {equalPieces, joinTokens} from "../bench-files.js";
import type {BenchLab} from "../bench-lab.js";
import {plainName, type RowGroup} from "../row-group.js";

const nPieces = 4;
const pieceTokens = 1024;
/** Tokens of one run: every side goes on from where its last run ended. */
const tokensPerRun = 16;

export const decodeRows: RowGroup = {
    rows: [
        {name: "decode-4k-cut", unit: "ms/token", kvasir: "cut", peer: "plain", peerName: plainName},
        {name: "decode-4k-uncut", unit: "ms/token", kvasir: "uncut", peer: "plain", peerName: plainName},
    ],
    async prepare(lab) {
        const files = await lab.files();
        const pieces = equalPieces(files, nPieces, pieceTokens);
        const cut = await lab.segments(pieces, lab.policy);
        const uncut = await lab.segments(pieces, policyByName("full"));
        // Real text to go on with: what stands in other files.
        const rest = joinTokens(files.toReversed().map((file) => file.tokens));
        const [cutSession, uncutSession] = [await sessionOver(lab, cut), await sessionOver(lab, uncut)];
        const plain = await lab.plain(nPieces * pieceTokens + (lab.rounds + 1) * tokensPerRun);
        lab.say("plain llama.cpp reads the same tokens");
        const {prefix} = await lab.reader();
        await plain.decode(joinTokens([prefix.tokens, ...pieces]), "none");
        const firstPosition = prefix.nTokens + pieceTokens;
        return {
            sides: {
                cut: decoding(rest, (token, at) => cutSession.decode(token, firstPosition + at, {logits: "last"})),
                uncut: decoding(rest, (token, at) => uncutSession.decode(token, firstPosition + at, {logits: "last"})),
                plain: decoding(rest, (token) => plain.decode(token, "last")),
            },
            dispose: () => {
                for (const each of [cutSession, uncutSession, ...cut, ...uncut]) each.dispose();
            },
        };
    },
};

async function sessionOver(lab: BenchLab, segments: readonly NativeSegment[]): Promise<NativeSession> {
    const {context, prefix} = await lab.reader();
    const session = await context.newSession();
    await session.compose([prefix.native, ...segments].map((segment) => ({segment})));
    return session;
}

/** Decodes one token at a time, each with its logits, as an answer is generated. */
function decoding(tokens: Uint32Array, decode: (token: Uint32Array, at: number) => Promise<unknown>): Side {
    let at = 0;
    return async () => {
        const ms = await timed(async () => {
            for (let n = 0; n < tokensPerRun; n++, at++) await decode(tokens.subarray(at, at + 1), at);
        });
        return ms / tokensPerRun;
    };
}
