/** What the rows about decoding have in common: a session over segments, and runs of single tokens. */
import {profileRows, type HeadProfile} from "../../../core/policy/head-profile.js";
import type {KvContext} from "../../../engine/kv/kv-context.js";
import type {NativePlain, NativeSegment, NativeSession} from "../../../engine/native/native.js";
import {timed, type Side} from "../alternate.js";
import {equalPieces, joinTokens} from "../bench-files.js";
import type {BenchLab} from "../bench-lab.js";

export async function sessionOver(context: KvContext, segments: readonly NativeSegment[]): Promise<NativeSession> {
    const session = await context.newSession();
    await session.compose(segments.map((segment) => ({segment})));
    return session;
}

/** Tokens of one run. An answer has hundreds; on a GPU, which captures the ops of a token in the first ones, few would not do. */
export async function tokensOfRun(lab: BenchLab, nOnCpu: number): Promise<number> {
    return (await lab.model()).backend === "cpu" ? nOnCpu : 64;
}

/** Milliseconds per token, each decoded alone and with its logits, as an answer is generated. */
export function decoding(
    tokens: Uint32Array,
    tokensPerRun: number,
    decode: (token: Uint32Array, at: number) => Promise<unknown>,
): Side {
    let at = 0;
    return async () => {
        const ms = await timed(async () => {
            for (let n = 0; n < tokensPerRun; n++, at++) await decode(tokens.subarray(at, at + 1), at);
        });
        return ms / tokensPerRun;
    };
}

/**
 * A segment with as many rows per head as a file of `nTokens` has when it is cut to `budget`, and nothing in them: what
 * copying rows and attending to them costs does not hang on what they hold.
 */
export async function emptySegment(
    {native, shape}: KvContext,
    nTokens: number,
    budget: number,
    profile: HeadProfile | undefined,
): Promise<NativeSegment> {
    const counts =
        profile === undefined || budget >= 1
            ? new Uint32Array(shape.nLayers * shape.nKvHeads).fill(Math.ceil(budget * nTokens))
            : profileRows(profile, budget, nTokens);
    return native.newSegment(counts);
}

/** Tokens that plain llama.cpp computes; the rest of its rows are copies of theirs. */
const computedTokens = 256;

/** Plain llama.cpp with at least `nTokens` rows in its cache and room for `nMore`. */
export async function filledPlain(lab: BenchLab, nTokens: number, nMore: number): Promise<NativePlain> {
    const plain = await lab.plain(nTokens + nMore);
    lab.say(`plain llama.cpp is filled with ${nTokens} rows`);
    const [piece] = equalPieces(await lab.files(), 1, computedTokens) as [Uint32Array];
    const {prefix} = await lab.reader();
    await plain.decode(joinTokens([prefix.tokens, piece]), "none");
    await plain.fill(nTokens);
    return plain;
}
