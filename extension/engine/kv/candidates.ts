/**
 * Several continuations of one prompt, written together: the likeliest, and others that branch off it where the model
 * was of two minds. All go on from the same rows of files and prompt, which were computed once; each has its own new
 * rows, and every step decodes one token of each in one batch.
 */
import {branchTokens, likeliestToken} from "../../core/completion/branches.js";
import type {NativeSession} from "../native/native.js";
import type {Turn} from "../scheduler.js";
import {type KvContext, nativeError} from "./kv-context.js";

export interface CandidatesJob {
    /** At most; fewer when the model is sure, or memory is short. */
    nCandidates: number;
    /** Of each. */
    maxTokens: number;
    /** Positions at and behind this are not decoded: the trained window. */
    maxPosition: number;
    /** Whether a token ends the text. */
    isEnd: (token: number) => boolean;
    /** Begins a candidate: what it answers takes the candidate's tokens, and ends it with false. */
    onCandidate: () => (token: number) => boolean;
    turn: Turn;
    signal?: AbortSignal | undefined;
}

export interface Candidate {
    tokens: number[];
    reason: "endOfText" | "maxTokens" | "windowEnd" | "stopped" | undefined;
}

export interface CandidateStart {
    /** Holds files and prompt; the likeliest candidate's rows go behind them. */
    session: NativeSession;
    /** Of the first token behind the prompt. */
    position: number;
    /** Behind the prompt's last token, [nVocab]. */
    logits: Float32Array;
    /** Whether the session sums the attention of what is decoded. */
    isScoring: boolean;
}

interface Writing {
    candidate: Candidate;
    session: NativeSession;
    take: (token: number) => boolean;
}

/** One scoring token, as every generated token of a session that is scored. */
const scored = [{offset: 0, stride: 1, weights: Float32Array.of(1)}];

/**
 * @param likeliest the first candidate: filled in place, so that its tokens are known when the work is cancelled
 * @returns the others, in the order in which they branched off
 * @throws KvasirError `cancelled`, and what decoding throws
 */
export async function writeCandidates(
    context: KvContext,
    {session, position, logits, isScoring}: CandidateStart,
    job: CandidatesJob,
    likeliest: Candidate,
): Promise<Candidate[]> {
    const trunk: Writing = {candidate: likeliest, session, take: job.onCandidate()};
    let branches: Writing[] = [];
    let most = job.nCandidates - 1;
    /** Another suggestion is worth neither a file's rows nor the likeliest one: there are no more of them then. */
    const giveUp = (error: unknown): void => {
        if (!isShortOfMemory(error)) throw nativeError(error);
        for (const {session: fork, candidate} of branches) if (candidate.reason === undefined) fork.dispose();
        branches = branches.filter(({candidate}) => candidate.reason !== undefined);
        most = branches.length;
    };
    const branchOff = async (): Promise<Writing> => {
        const fork = await session.fork();
        const candidate: Candidate = {tokens: [...likeliest.tokens], reason: undefined};
        const take = job.onCandidate();
        candidate.tokens.forEach(take);
        return {candidate, session: fork, take};
    };
    const decode = (writing: readonly Writing[]) => {
        const parts = writing.map(({session: one, candidate: {tokens}}) => ({
            session: one,
            tokens: Uint32Array.of(tokens.at(-1)!),
            firstPosition: position + tokens.length - 1,
            logits: "last" as const,
            ...(isScoring && one === session ? {passes: scored} : {}),
        }));
        return context.cancellable(job.signal, () => context.native.decodeTogether(parts));
    };
    try {
        let behind = [{writing: trunk, logits}];
        for (;;) {
            for (const {writing, logits: here} of behind) {
                if (writing === trunk)
                    for (const token of branchTokens(here, most - branches.length, job.isEnd)) {
                        try {
                            branches.push(await branchOff());
                        } catch (error) {
                            giveUp(error);
                            break;
                        }
                        extend(branches.at(-1)!, token, position, job);
                    }
                // Behind its branches, which begin with the tokens before this one.
                extend(writing, likeliestToken(here), position, job);
            }
            let next = [trunk, ...branches].filter(({candidate}) => candidate.reason === undefined);
            if (next.length === 0) break;
            await job.turn.yield();
            let decoded: (Float32Array | undefined)[];
            try {
                decoded = await decode(next);
            } catch (error) {
                if (branches.length === 0) throw error;
                giveUp(error);
                next = likeliest.reason === undefined ? [trunk] : [];
                if (next.length === 0) break;
                decoded = await decode(next);
            }
            behind = next.map((writing, i) => ({writing, logits: decoded[i]!}));
        }
        return branches.map(({candidate}) => candidate);
    } finally {
        for (const {session: fork} of branches) fork.dispose();
    }
}

function isShortOfMemory(error: unknown): boolean {
    const {code} = nativeError(error);
    return code === "kv-limit" || code === "out-of-memory";
}

/** Gives a candidate its next token; with a reason, that was its last. */
function extend({candidate, take}: Writing, token: number, position: number, job: CandidatesJob): void {
    if (job.isEnd(token)) {
        candidate.reason = "endOfText";
        return;
    }
    candidate.tokens.push(token);
    const {length} = candidate.tokens;
    if (!take(token)) candidate.reason = "stopped";
    else if (length >= job.maxTokens) candidate.reason = "maxTokens";
    else if (position + length - 1 >= job.maxPosition) candidate.reason = "windowEnd";
}
