/**
 * Milliseconds per token by how many rows attention sees. Nobody reads 64k tokens for that: both sides are filled with
 * copies of a few rows, at positions inside the model's window, so only speed can be told from them. Uncut, both sides
 * see equally many rows; cut, Kvasir sees an eighth of the same tokens.
 */
import {joinTokens} from "../bench-files.js";
import {plainName} from "../peers.js";
import type {RowGroup, RowPlan} from "../row-group.js";
import {decoding, emptySegment, filledPlain, sessionOver, tokensOfRun} from "./decoding.js";

/** Tokens of the segment that Kvasir's rows are copied from. */
const pieceTokens = 1024;
const tokensOnCpu = 8;
/** Share of rows in the cut rows, whatever the settings' budget: what long contexts are cut to. */
const cutShare = 0.125;
/** Of the row that is cut as well. */
const longest = 65_536;

export const longDecodeRows: readonly RowGroup[] = [1024, 16_384, longest].map((nTokens) => decodeOver(nTokens));

function decodeOver(nTokens: number): RowGroup {
    const label = `${nTokens / 1024}k`;
    const row = (name: string, kvasir: string): RowPlan => ({
        name,
        unit: "ms/token",
        kvasir,
        peer: "plain",
        peerName: plainName,
    });
    return {
        rows: [
            row(`decode-${label}`, "uncut"),
            ...(nTokens === longest ? [row(`decode-${label}-cut-to-an-eighth`, "cut")] : []),
        ],
        async prepare(lab) {
            const tokensPerRun = await tokensOfRun(lab, tokensOnCpu);
            const files = await lab.files();
            const {context, prefix} = await lab.reader();
            // Both sides uncut; a session that grows holds its old rows until the new ones are laid out.
            await lab.requireMemory(2.5 * context.bytesPerToken * nTokens);
            const profile = await lab.profileFor(lab.policy);
            const rest = joinTokens(files.toReversed().map((file) => file.tokens));
            const nPieces = nTokens / pieceTokens;
            const sessionOf = async (budget: number) => {
                const segment = await emptySegment(context, pieceTokens, budget, profile);
                const session = await sessionOver(context, [
                    prefix.native,
                    ...Array.from({length: nPieces}, () => segment),
                ]);
                segment.dispose();
                return session;
            };
            const uncut = await sessionOf(1);
            const cut = nTokens === longest ? await sessionOf(cutShare) : undefined;
            const plain = await filledPlain(lab, nTokens, (lab.rounds + 1) * tokensPerRun);
            const firstPosition = prefix.nTokens + pieceTokens;
            return {
                sides: {
                    uncut: decoding(rest, tokensPerRun, (token, at) =>
                        uncut.decode(token, firstPosition + at, {logits: "last"}),
                    ),
                    ...(cut && {
                        cut: decoding(rest, tokensPerRun, (token, at) =>
                            cut.decode(token, firstPosition + at, {logits: "last"}),
                        ),
                    }),
                    plain: decoding(rest, tokensPerRun, (token) => plain.decode(token, "last")),
                },
                dispose: async () => {
                    uncut.dispose();
                    cut?.dispose();
                    await lab.freePeers();
                },
            };
        },
    };
}
