/**
 * One session's rows and the tokens they stand for. The caller gives the whole text it wants, as segments and tokens;
 * this finds what is there already. Positions are parallel (files side by side, turns from P + M) or sequential.
 */
import {KvasirError} from "../../protocol/errors.js";
import type {NativeGenerateOptions, NativeGenerateResult, NativePart, NativeSession} from "../native/native.js";
import type {Turn} from "../scheduler.js";
import type {KvContext} from "./kv-context.js";
import type {Prefix} from "./prefix.js";
import type {Segment} from "./segment.js";

export interface PlaceOptions {
    placement: "parallel" | "sequential";
    /** M: where turns start behind the prefix with parallel positions. */
    filePositions: number;
    /** Trained window, in positions. */
    window: number;
}

export interface GenerateJob {
    tokens: Uint32Array;
    options: Omit<NativeGenerateOptions, "maxPosition" | "isResumed">;
    onToken: (token: number) => boolean;
    turn: Turn;
    signal?: AbortSignal | undefined;
}

export interface Generated {
    tokens: number[];
    reason: Exclude<NativeGenerateResult["reason"], "yielded">;
    /** Tokens whose rows were there already. */
    nReused: number;
    /** Of decoding alone, without the prompt. */
    decodeMs: number;
    /** From the call to the first token. */
    firstTokenMs: number;
}

export class Conversation {
    #session: NativeSession | undefined;
    /** What the live rows stand for. */
    #live: number[] = [];
    #composed = "";
    #turnStart: number;
    lastUsed = 0;

    constructor(
        private readonly context: KvContext,
        private readonly prefix: Prefix,
        private readonly place: PlaceOptions,
    ) {
        this.#turnStart = prefix.nTokens + place.filePositions;
    }

    /** Live tokens: the conversation so far. */
    get nLive(): number {
        return this.#live.length;
    }

    /** First position of what follows the files. */
    get turnStart(): number {
        return this.#turnStart;
    }

    /** Tokens of conversation and answer that fit the window. */
    get room(): number {
        return this.place.window - this.#turnStart;
    }

    /** Makes the segments the ones that are seen. A copy of rows when the set changed, nothing when not. */
    async attend(segments: readonly Segment[]): Promise<void> {
        const name = segments.map(({facts}) => `${facts.identity}.${facts.generation}`).join(" ");
        if (this.#session !== undefined && name === this.#composed) return;
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
        if (turnStart !== this.#turnStart) await this.#forgetFrom(0);
        this.#turnStart = turnStart;
        await this.context.withRoom(() => session.compose(parts));
        this.#composed = name;
    }

    /**
     * Continues `tokens` (everything behind the files): rows that stand for the same beginning are used again.
     * @throws KvasirError `question-too-long` when the tokens leave no room for an answer
     */
    async generate({tokens, options, onToken, turn, signal}: GenerateJob): Promise<Generated> {
        const session = this.#session;
        if (session === undefined) throw new Error("attend() comes first");
        if (tokens.length >= this.room)
            throw new KvasirError(
                "question-too-long",
                `the conversation has ${tokens.length} tokens and the model's window leaves room for ${this.room}.`,
                {fix: "Ask a shorter question, or begin a new conversation."},
            );
        // At least one token is decoded, since the first answer token comes from its logits.
        const nReused = Math.min(commonLength(this.#live, tokens), tokens.length - 1);
        await this.#forgetFrom(nReused);
        const generated: Generated = {tokens: [], reason: "stopped", nReused, decodeMs: 0, firstTokenMs: 0};
        const start = performance.now();
        turn.onAsked = () => this.context.native.yieldSoon();
        const take = (token: number) => {
            if (generated.tokens.length === 0) generated.firstTokenMs = performance.now() - start;
            generated.tokens.push(token);
            return onToken(token);
        };
        try {
            await this.#run(session, tokens, nReused, {options, signal, turn}, take, generated);
        } finally {
            turn.onAsked = undefined;
        }
        return generated;
    }

    async #run(
        session: NativeSession,
        tokens: Uint32Array,
        nReused: number,
        {options, signal, turn}: Pick<GenerateJob, "options" | "signal" | "turn">,
        take: (token: number) => boolean,
        generated: Generated,
    ): Promise<void> {
        const maxPosition = this.place.window - 1;
        let prompt = tokens.subarray(nReused);
        let isResumed = false;
        for (;;) {
            const maxTokens = options.maxTokens - generated.tokens.length;
            const position = this.#turnStart + this.#live.length;
            let result: NativeGenerateResult;
            try {
                result = await this.context.cancellable(signal, () =>
                    session.generate(prompt, position, {...options, maxTokens, maxPosition, isResumed}, take),
                );
            } finally {
                // The token that was sampled last may or may not have been decoded: the session knows.
                const {nLive} = await session.state();
                this.#live = [...tokens, ...generated.tokens].slice(0, nLive);
            }
            generated.decodeMs += result.totalMs - result.promptMs;
            if (result.reason !== "yielded") {
                generated.reason = result.reason;
                return;
            }
            await turn.yield();
            prompt = new Uint32Array(0);
            isResumed = true;
        }
    }

    async #forgetFrom(n: number): Promise<void> {
        if (n >= this.#live.length) return;
        this.#live.length = n;
        await this.#session?.truncate(n);
    }

    dispose(): void {
        this.#session?.dispose();
        this.#session = undefined;
        this.#live = [];
        this.#composed = "";
    }
}

export function commonLength(a: ArrayLike<number>, b: ArrayLike<number>): number {
    const n = Math.min(a.length, b.length);
    let i = 0;
    while (i < n && a[i] === b[i]) i++;
    return i;
}
