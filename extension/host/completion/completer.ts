/**
 * Owns the road of one completion: what is kept already, the wait that adapts, one request to the engine at a time that
 * is cancelled for real, and what comes next fetched ahead. Must not know the editor.
 */
import {type Pace, waitMs, withKeystroke, withLatency} from "../../core/completion/pace.js";
import type {Place} from "../../core/completion/type-through.js";
import type {CompleteRequest, CompletionReport, EngineApi} from "../../protocol/engine.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {CompletionCache, FoundSuggestion} from "./completion-cache.js";

export interface CompletionAsk {
    place: Place;
    /** What the engine is asked, should it come to that; `text` and `offset` are the place's. */
    request: Omit<CompleteRequest, "text" | "offset" | "n">;
    /** The person asked for it: no wait, and several to choose from. */
    isInvoked: boolean;
}

export interface Offer extends FoundSuggestion {
    source: "kept" | "engine";
    /** Of the engine's answer, when it was asked for this. */
    report?: CompletionReport;
}

export interface CompleterOptions {
    engine: Pick<EngineApi, "complete">;
    cache: CompletionCache;
    /** ms, monotonic. */
    now: () => number;
    /** Ends after the time, or at once when the signal fires. */
    wait: (ms: number, signal: AbortSignal) => Promise<void>;
    /** Shortest wait after a keystroke, from the settings. */
    shortestWaitMs: () => number;
    /** Whether the engine has nothing else to do, so that work ahead disturbs nobody. */
    isIdle: () => boolean;
    onDidChangeBusy?: (isBusy: boolean) => void;
}

interface Running {
    place: Place;
    isOfSeveral: boolean;
    abort: AbortController;
    /** Undefined when it was cancelled. */
    done: Promise<CompletionReport | undefined>;
}

/** The next suggestion is fetched ahead only when the person has looked at this one for a moment. */
const lookMs = 250;
/** What a person who asks gets to choose from; ghost text that comes by itself is one, at the cost of one. */
const nWhenAsked = 3;

export class Completer {
    readonly #options: CompleterOptions;
    #pace: Pace = {};
    #lastKeyMs: number | undefined;
    #running: Running | undefined;
    #ahead: AbortController | undefined;

    constructor(options: CompleterOptions) {
        this.#options = options;
    }

    /** Learns the rhythm of the typing. */
    noteKeystroke(): void {
        const nowMs = this.#options.now();
        if (this.#lastKeyMs !== undefined) this.#pace = withKeystroke(this.#pace, nowMs - this.#lastKeyMs);
        this.#lastKeyMs = nowMs;
    }

    /**
     * What fits at the place, or undefined: nothing to say, or cancelled. A new call cancels the work of the one before,
     * unless that work is for this very place.
     * @throws KvasirError when the engine fails
     */
    async complete(ask: CompletionAsk, signal: AbortSignal): Promise<Offer | undefined> {
        this.#ahead?.abort();
        const kept = this.#options.cache.find(ask.place);
        if (kept !== undefined && (!ask.isInvoked || kept.isOfSeveral)) {
            this.#cancelOthers(ask);
            return {...kept, source: "kept"};
        }
        if (!this.#isRunningFor(ask)) {
            this.#cancelOthers(ask);
            if (!ask.isInvoked) {
                const ms = Math.max(waitMs(this.#pace), this.#options.shortestWaitMs());
                await this.#options.wait(ms, signal);
            }
            if (signal.aborted) return undefined;
        }
        const report = await this.#ask(ask, signal);
        if (report === undefined || signal.aborted) return undefined;
        const found = this.#options.cache.find(ask.place);
        return found === undefined ? undefined : {...found, source: "engine", report};
    }

    /** Fetches what would follow an offer, were it taken whole, while the person looks at it. */
    async fetchAhead(ask: CompletionAsk, offer: Offer): Promise<void> {
        const {text, offset, document} = ask.place;
        const rest = text.slice(offset + offer.overwrite);
        const place: Place = {
            document,
            text: text.slice(0, offset) + offer.text + rest,
            offset: offset + offer.text.length,
        };
        const ahead = new AbortController();
        this.#ahead?.abort();
        this.#ahead = ahead;
        await this.#options.wait(lookMs, ahead.signal);
        if (ahead.signal.aborted || !this.#options.isIdle() || this.#running !== undefined) return;
        if (this.#options.cache.find(place) !== undefined) return;
        try {
            await this.#ask({...ask, place, isInvoked: false}, undefined);
        } catch {
            // Nobody waits for this answer; the next real request tells what is wrong.
        }
    }

    /** Cancels whatever runs. */
    cancel(): void {
        this.#ahead?.abort();
        this.#running?.abort.abort();
    }

    /** The answer for a place from the request that runs for it, or from a new one; undefined when cancelled. */
    async #ask(ask: CompletionAsk, signal: AbortSignal | undefined): Promise<CompletionReport | undefined> {
        const running = this.#isRunningFor(ask) ? (this.#running as Running) : this.#start(ask);
        const onAbort = () => running.abort.abort();
        signal?.addEventListener("abort", onAbort, {once: true});
        if (signal?.aborted === true) onAbort();
        try {
            return await running.done;
        } finally {
            signal?.removeEventListener("abort", onAbort);
        }
    }

    #start({place, request, isInvoked: isOfSeveral}: CompletionAsk): Running {
        const {engine, cache, now, onDidChangeBusy} = this.#options;
        const abort = new AbortController();
        const run = async (): Promise<CompletionReport | undefined> => {
            const startedMs = now();
            try {
                const report = await engine.complete(
                    {...request, text: place.text, offset: place.offset, ...(isOfSeveral ? {n: nWhenAsked} : {})},
                    abort.signal,
                );
                // What came in spite of the cancel is still a good suggestion for its place.
                if (!isOfSeveral) this.#pace = withLatency(this.#pace, now() - startedMs);
                const texts = report.candidates ?? [report.text].filter((text) => text !== "");
                if (texts.length > 0) cache.add(place, texts, isOfSeveral);
                return report;
            } catch (error) {
                if (abort.signal.aborted || isKvasirError(error, "cancelled")) return undefined;
                throw error;
            } finally {
                if (this.#running === running) {
                    this.#running = undefined;
                    onDidChangeBusy?.(false);
                }
            }
        };
        const running: Running = {place, isOfSeveral, abort, done: Promise.resolve(undefined)};
        this.#running = running;
        onDidChangeBusy?.(true);
        running.done = run();
        return running;
    }

    #isRunningFor({place: {document, text, offset}, isInvoked}: CompletionAsk): boolean {
        const running = this.#running;
        if (running === undefined || running.abort.signal.aborted || (isInvoked && !running.isOfSeveral)) return false;
        const {place} = running;
        return place.document === document && place.offset === offset && place.text === text;
    }

    #cancelOthers(ask: CompletionAsk): void {
        if (!this.#isRunningFor(ask)) this.#running?.abort.abort();
    }
}
