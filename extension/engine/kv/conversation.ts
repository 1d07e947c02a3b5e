/**
 * One session's rows and the tokens they stand for. The caller gives the whole text it wants, as segments and tokens;
 * this finds what is there already. Positions are parallel (files side by side, turns from P + M) or sequential.
 * When a conversation outgrows its room its oldest turns are cut to their best rows.
 */
import type {HeadProfile} from "../../core/policy/head-profile.js";
import {KvasirError} from "../../protocol/errors.js";
import type {NativeGenerateOptions, NativeGenerateResult, NativePart, NativeSession} from "../native/native.js";
import type {Turn} from "../scheduler.js";
import {type Candidate, type CandidatesJob, writeCandidates} from "./candidates.js";
import {isSameSet, type KeptTurns, type PromptPlace, withPromptsOf} from "./kept-turns.js";
import type {KvContext} from "./kv-context.js";
import type {Prefix} from "./prefix.js";
import type {Segment} from "./segment.js";
import {TurnMemory} from "./turn-memory.js";

export interface PlaceOptions {
    placement: "parallel" | "sequential";
    /** M: where turns start behind the prefix with parallel positions. */
    filePositions: number;
    /** Trained window, in positions. */
    window: number;
    /** Share of rows that turns keep which outgrew the window. */
    turnBudget: number;
    profile: () => HeadProfile | undefined;
}

/** What is to be continued. */
interface PromptJob {
    tokens: Uint32Array;
    turn: Turn;
    signal?: AbortSignal | undefined;
    /**
     * Whether a prompt that is given again may keep rows that were computed behind other files: a completion would
     * rather come soon, a question that is asked again without a file must know nothing of it.
     */
    mayKeepStale?: boolean;
}

export interface GenerateJob extends PromptJob {
    options: Omit<NativeGenerateOptions, "maxPosition" | "isResumed">;
    onToken: (token: number) => boolean;
}

export type CandidatesPrompt = PromptJob & Omit<CandidatesJob, "maxPosition">;

export interface PromptCounts {
    /** Tokens of the turns whose rows were there already, and those that were decoded before the answer. */
    nReused: number;
    nDecoded: number;
}

export interface Generated extends PromptCounts {
    tokens: number[];
    reason: Exclude<NativeGenerateResult["reason"], "yielded">;
    /** Batches decoded behind the prompt, and tokens that drafts had right. */
    nSteps: number;
    nAccepted: number;
    /** Of decoding alone, without the prompt. */
    decodeMs: number;
}

export class Conversation {
    #session: NativeSession | undefined;
    /** What the live rows stand for. */
    #live: number[] = [];
    #composed = "";
    #turnStart: number;
    #segments: readonly Segment[] = [];
    #attended: readonly string[] = [];
    /** Where each prompt stands among the live rows, and behind which files it was computed. */
    #prompts: PromptPlace[] = [];
    /** Whether generated tokens' attention to the live rows is being summed. */
    #isScoring = false;
    readonly #earlier: TurnMemory;

    constructor(
        private readonly context: KvContext,
        private readonly prefix: Prefix,
        private readonly place: PlaceOptions,
        /** Of a conversation whose rows are stored. */
        private readonly kept?: KeptTurns,
    ) {
        this.#turnStart = prefix.nTokens + place.filePositions;
        this.#earlier = new TurnMemory(context, place.turnBudget, place.profile);
    }

    /** Tokens of the conversation so far, and the mean number of their rows that are kept. */
    get size(): {nTokens: number; keptRows: number} {
        const nLive = this.#live.length;
        return {nTokens: this.#earlier.nTokens + nLive, keptRows: this.#earlier.keptRows + nLive};
    }

    /** Tokens of conversation and answer that fit the window. */
    get room(): number {
        return this.place.window - this.#turnStart;
    }

    /** Makes the segments the ones that are seen. A copy of rows when the set changed, nothing when not. */
    async attend(segments: readonly Segment[]): Promise<void> {
        const attended = segments.map(({facts}) => `${facts.identity}.${facts.generation}`);
        const name = [...attended, this.#earlier.nTokens].join(" ");
        if (this.#session !== undefined && name === this.#composed) return;
        this.#segments = segments;
        this.#attended = attended;
        const session = (this.#session ??= await this.context.newSession());
        const parts: NativePart[] = [{segment: this.prefix.native}];
        let position = this.prefix.nTokens;
        for (const {native, nTokens} of segments) {
            // Read at [P, P + n): placed one after another, each moves on by what stands before it.
            parts.push(
                this.place.placement === "parallel"
                    ? {segment: native}
                    : {segment: native, delta: position - this.prefix.nTokens},
            );
            position += nTokens;
        }
        const turnStart =
            this.place.placement === "parallel" ? this.prefix.nTokens + this.place.filePositions : position;
        // Rows of turns that stand elsewhere now are of no use.
        if (turnStart !== this.#turnStart) {
            await this.#forgetFrom(0);
            this.#clearEarlier();
        }
        this.#turnStart = turnStart;
        parts.push(...this.#earlier.parts());
        await this.context.withRoom(() => session.compose(parts));
        this.#composed = name;
    }

    /**
     * Continues `tokens` (everything behind the files): rows that stand for the same beginning are used again.
     * @throws KvasirError `question-too-long` when the tokens leave no room for an answer
     */
    async generate(job: GenerateJob): Promise<Generated> {
        const {options, onToken, turn, signal} = job;
        const counts = {nReused: 0, nDecoded: 0, nSteps: 0, nAccepted: 0, decodeMs: 0};
        const generated: Generated = {tokens: [], reason: "stopped", ...counts};
        const {session, fresh, nReused} = await this.#prepare(job, options.maxTokens, generated);
        turn.onAsked = () => this.context.native.yieldSoon();
        // A draft comes in one piece, so there may be tokens behind the one that ended the answer: they were decoded,
        // but belong to no answer.
        const decoded: number[] = [];
        let isOver = false;
        const take = (token: number) => {
            decoded.push(token);
            if (isOver) return false;
            generated.tokens.push(token);
            isOver = !onToken(token);
            return !isOver;
        };
        try {
            await this.#run(session, fresh, nReused, {options, signal, turn}, take, {generated, decoded});
            if (isOver) generated.reason = "stopped";
        } finally {
            turn.onAsked = undefined;
        }
        await this.kept?.save(session, {
            turnStart: this.#turnStart,
            tokens: [...this.#earlier.tokens, ...this.#live],
            prompts: this.#prompts,
        });
        return generated;
    }

    /**
     * Continues `tokens` in several ways at once (candidates.ts). The conversation goes on with the likeliest of them.
     * @returns the likeliest first
     * @throws KvasirError as generate(); `cancelled`
     */
    async generateCandidates(job: CandidatesPrompt): Promise<{counts: PromptCounts; candidates: Candidate[]}> {
        const counts = {nReused: 0, nDecoded: 0};
        const {session, fresh, nReused} = await this.#prepare(job, job.maxTokens, counts);
        const likeliest: Candidate = {tokens: [], reason: undefined};
        const position = this.#turnStart + fresh.length;
        try {
            const prompt = fresh.subarray(nReused);
            const {logits} = await this.context.cancellable(job.signal, () =>
                session.decode(prompt, this.#turnStart + nReused, {logits: "last"}),
            );
            const start = {session, position, logits: logits!, isScoring: this.#isScoring};
            const others = await writeCandidates(
                this.context,
                start,
                {...job, maxPosition: this.place.window - 1},
                likeliest,
            );
            return {counts, candidates: [likeliest, ...others]};
        } finally {
            await this.#keepLive(session, fresh, likeliest.tokens);
        }
    }

    /** Everything before the first token of the prompt that is to be decoded: the tokens `fresh` from `nReused` on. */
    async #prepare(
        {tokens, signal, mayKeepStale}: PromptJob,
        maxTokens: number,
        counts: PromptCounts,
    ): Promise<{session: NativeSession; fresh: Uint32Array; nReused: number}> {
        const session = this.#session;
        if (session === undefined) throw new Error("attend() comes first");
        await this.#reopen(session, tokens);
        const fresh = await this.#makeRoom(session, tokens, maxTokens, counts, signal);
        // At least one token is decoded, since the first answer token comes from its logits.
        const nSame = Math.min(commonLength(this.#live, fresh), fresh.length - 1);
        // The prompt that is given again, perhaps changed; earlier ones keep the rows that they were computed with.
        const again = this.#prompts.find(({start, end}) => start < nSame && nSame <= end);
        const isStale = again !== undefined && !mayKeepStale && !isSameSet(again.attended, this.#attended);
        const nReused = isStale ? again.start : nSame;
        counts.nReused = tokens.length - fresh.length + nReused;
        counts.nDecoded += fresh.length - nReused;
        await this.#forgetFrom(nReused);
        const prompt = {start: again?.start ?? nReused, end: fresh.length, attended: this.#attended};
        this.#prompts = [...this.#prompts.filter(({end}) => end <= prompt.start), prompt];
        await this.#scoreSoon(session, fresh.length + maxTokens);
        return {session, fresh, nReused};
    }

    /** After decoding, however it ended: the token that was sampled last may or may not have been decoded, the session knows. */
    async #keepLive(session: NativeSession, tokens: Uint32Array, decoded: readonly number[]): Promise<void> {
        const {nLive} = await session.state();
        this.#live = [...tokens, ...decoded].slice(0, nLive);
        this.kept?.grownTo(nLive, this.#attended);
    }

    /** Before the first token of this run: takes over the rows that an earlier one has stored of these tokens. */
    async #reopen(session: NativeSession, tokens: Uint32Array): Promise<void> {
        const {kept} = this;
        if (kept === undefined || this.#live.length > 0 || this.#earlier.nTokens > 0) return;
        for await (const piece of kept.find(this.#turnStart, tokens)) {
            if (piece.kind === "cut") this.#earlier.add(piece.native, piece.tokens, piece.keep);
            else {
                try {
                    await this.context.withRoom(() => session.extend(piece.native));
                } finally {
                    piece.native.dispose();
                }
                this.#prompts = withPromptsOf(this.#prompts, piece, this.#live.length);
                this.#live.push(...piece.tokens);
            }
            kept.take(piece);
        }
        if (this.#earlier.nTokens > 0) await this.attend(this.#segments);
    }

    async #run(
        session: NativeSession,
        tokens: Uint32Array,
        nReused: number,
        {options, signal, turn}: Pick<GenerateJob, "options" | "signal" | "turn">,
        take: (token: number) => boolean,
        {generated, decoded}: {generated: Generated; decoded: readonly number[]},
    ): Promise<void> {
        const maxPosition = this.place.window - 1;
        let prompt = tokens.subarray(nReused);
        let isResumed = false;
        for (;;) {
            const maxTokens = options.maxTokens - decoded.length;
            const position = this.#turnStart + this.#live.length;
            let result: NativeGenerateResult;
            try {
                result = await this.context.cancellable(signal, () =>
                    session.generate(prompt, position, {...options, maxTokens, maxPosition, isResumed}, take),
                );
            } finally {
                await this.#keepLive(session, tokens, decoded);
            }
            generated.decodeMs += result.totalMs - result.promptMs;
            generated.nSteps += result.nSteps;
            generated.nAccepted += result.nAccepted;
            if (result.reason !== "yielded") {
                generated.reason = result.reason;
                return;
            }
            await turn.yield();
            prompt = new Uint32Array(0);
            isResumed = true;
        }
    }

    /**
     * Cuts the oldest turns until what remains, and an answer, fit the window.
     * @returns the tokens that are not remembered by cut turns
     * @throws KvasirError `question-too-long` when a single question does not fit
     */
    async #makeRoom(
        session: NativeSession,
        tokens: Uint32Array,
        maxTokens: number,
        counts: PromptCounts,
        signal: AbortSignal | undefined,
    ): Promise<Uint32Array> {
        if (!this.#earlier.isBeginningOf(tokens)) {
            // Something that was cut has been edited: its rows are gone, so the conversation is decoded again.
            this.#clearEarlier();
            await this.#forgetFrom(0);
            await this.attend(this.#segments);
        }
        const wanted = Math.min(maxTokens, Math.floor(this.room / 4));
        let fresh = tokens.subarray(this.#earlier.nTokens);
        while (fresh.length + wanted > this.room) {
            let n = Math.min(commonLength(this.#live, fresh), fresh.length - 1);
            await this.#forgetFrom(n);
            if (n === 0) {
                // Rows of those turns are not here (another process, an edit): half a window of them is decoded first.
                n = Math.min(fresh.length - 1, Math.floor(this.room / 2));
                if (n < Math.floor(this.room / 8)) throw questionTooLong(fresh.length, this.room);
                const oldest = fresh.subarray(0, n);
                await this.context.cancellable(signal, () => session.decode(oldest, this.#turnStart));
                this.#live = [...oldest];
                this.kept?.grownTo(n, this.#attended);
                counts.nDecoded += n;
            }
            const rows = await this.#earlier.takeOver(session, this.#live, n, this.#isScoring ? this.room : 0);
            this.#live = [];
            this.#prompts = [];
            this.kept?.cut(n, rows);
            if (this.#isScoring) await session.stopScores();
            this.#isScoring = false;
            fresh = tokens.subarray(this.#earlier.nTokens);
            await this.attend(this.#segments);
        }
        return fresh;
    }

    /** From half of the room on, turns will have to be cut one day: the attention they receive begins to count. */
    async #scoreSoon(session: NativeSession, nTokens: number): Promise<void> {
        if (this.#isScoring || nTokens < this.room / 2) return;
        await this.context.withRoom(() => session.startScores(this.room, "sum"));
        this.#isScoring = true;
    }

    async #forgetFrom(n: number): Promise<void> {
        if (n >= this.#live.length) return;
        this.#live.length = n;
        this.#prompts = this.#prompts.filter(({start}) => start < n);
        this.kept?.forgetFrom(n);
        await this.#session?.truncate(n);
    }

    #clearEarlier(): void {
        if (this.#earlier.nTokens > 0) this.kept?.clear();
        this.#earlier.clear();
    }

    dispose(): void {
        this.#session?.dispose();
        this.#session = undefined;
        this.#earlier.clear();
        this.#live = [];
        this.#prompts = [];
        this.#composed = "";
    }
}

export function questionTooLong(nTokens: number, room: number): KvasirError {
    return new KvasirError(
        "question-too-long",
        `the question has ${nTokens} tokens and the model's window leaves room for ${room}.`,
        {fix: "Ask a shorter question, or begin a new conversation."},
    );
}

export function commonLength(a: ArrayLike<number>, b: ArrayLike<number>): number {
    const n = Math.min(a.length, b.length);
    let i = 0;
    while (i < n && a[i] === b[i]) i++;
    return i;
}
