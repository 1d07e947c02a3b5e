/**
 * Which rows of one conversation are on disk: follows its rows as they grow, are forgotten and are cut, writes what is
 * new in the background, and finds them again when another process opens the conversation. Knows nothing of files.
 */
import type {KeepLists} from "../../core/policy/head-rows.js";
import type {NativeSegment, NativeSession} from "../native/native.js";
import type {SegmentIdentity} from "../store/identity.js";
import {flatten, keepAll} from "./segment.js";
import type {LoadedPiece, TurnPiece, TurnStore} from "./turn-store.js";

/** A prompt among the live rows, [start, end), and the segments that were attended when it was computed. */
export interface PromptPlace {
    start: number;
    end: number;
    attended: readonly string[];
}

/** Tokens of one piece: few enough that a piece fits into what is free, enough that an answer is one or two files. */
const maxPieceTokens = 512;

interface Stretch {
    kind: TurnPiece["kind"];
    nTokens: number;
    attended: readonly string[];
    /** Under which it was written; undefined when its rows are not on disk as they are. */
    identity?: SegmentIdentity | undefined;
    /** Of turns that were cut: their rows on the device. */
    rows?: {native: NativeSegment; keep: KeepLists};
}

export class KeptTurns {
    /** Cut turns first, then the live rows. */
    #stretches: Stretch[] = [];
    /** Whether anything has changed since it was written. */
    #isChanged = false;

    constructor(
        private readonly store: TurnStore,
        /** Of the conversation, the same in every run. */
        private readonly name: string,
        /** Layers times KV heads. */
        private readonly nRegions: number,
    ) {}

    /** There are so many live rows now, the new ones computed while these segments were attended. */
    grownTo(nLive: number, attended: readonly string[]): void {
        let nNew = nLive - this.#nLive();
        const last = this.#stretches.at(-1);
        if (nNew > 0) this.#isChanged = true;
        if (last?.kind === "whole" && last.identity === undefined && isSameSet(last.attended, attended)) {
            const n = Math.min(nNew, maxPieceTokens - last.nTokens);
            last.nTokens += n;
            nNew -= n;
        }
        for (; nNew > 0; nNew -= maxPieceTokens)
            this.#stretches.push({kind: "whole", nTokens: Math.min(nNew, maxPieceTokens), attended});
    }

    /** Live rows from the n-th on are gone. */
    forgetFrom(n: number): void {
        let nOver = this.#nLive() - n;
        while (nOver > 0) {
            this.#isChanged = true;
            const last = this.#stretches.at(-1)!;
            const nCut = Math.min(nOver, last.nTokens);
            nOver -= nCut;
            if (nCut === last.nTokens) this.#stretches.pop();
            else Object.assign(last, {nTokens: last.nTokens - nCut, identity: undefined});
        }
    }

    /** The first n live rows are cut turns now, and the others are gone. */
    cut(nTokens: number, rows: {native: NativeSegment; keep: KeepLists}): void {
        const attended = this.#stretches.findLast(({kind}) => kind === "whole")?.attended ?? [];
        this.forgetFrom(0);
        this.#stretches.push({kind: "cut", nTokens, attended, rows});
        this.#isChanged = true;
    }

    clear(): void {
        this.#isChanged ||= this.#stretches.length > 0;
        this.#stretches = [];
    }

    /**
     * Writes what is new, in the background, as far as it fits into free memory until then.
     * @param tokens of all turns, cut ones first
     */
    async save(
        session: NativeSession,
        {turnStart, tokens, prompts}: {turnStart: number; tokens: readonly number[]; prompts: readonly PromptPlace[]},
    ): Promise<void> {
        if (!this.#isChanged) return;
        this.#isChanged = false;
        let [at, live, nWaiting] = [0, 0, 0];
        let previous: SegmentIdentity | null = null;
        const chain = new Set<SegmentIdentity>();
        let isWriting = false;
        for (const [index, stretch] of this.#stretches.entries()) {
            const {kind, nTokens, attended} = stretch;
            // A piece behind a new one names another piece before it, so it is new too.
            if (isWriting || stretch.identity === undefined || !this.store.has(stretch.identity)) {
                isWriting = true;
                const piece: TurnPiece = {
                    previous,
                    kind,
                    turnStart,
                    attended: [...attended],
                    tokens: tokens.slice(at, at + nTokens),
                    prompts: kind === "whole" ? promptsWithin(prompts, live, live + nTokens) : [],
                };
                const identity = await this.store.identity(this.name, piece);
                if (kind === "whole") nWaiting += nTokens;
                if (!this.store.hasRoom(nWaiting)) {
                    this.#isChanged = true;
                    break;
                }
                stretch.identity = identity;
                // Not awaited: the session's thread copies the rows before anything else is done with them.
                this.store.put(this.name, index, {...piece, identity}, this.#rowsOf(session, stretch, live));
            }
            previous = stretch.identity;
            chain.add(stretch.identity);
            at += nTokens;
            if (kind === "whole") live += nTokens;
        }
        this.store.prune(this.name, chain);
    }

    /** The pieces on disk that these tokens begin with, one after another: the caller's, who says what it has taken. */
    async *find(turnStart: number, tokens: Uint32Array): AsyncGenerator<LoadedPiece> {
        let previous: SegmentIdentity | null = null;
        for (let at = 0, index = 0; at < tokens.length; index++) {
            const place = {previous, index};
            const piece: LoadedPiece | undefined = await this.store.next(this.name, place, {
                turnStart,
                tokens: tokens.subarray(at),
            });
            if (piece === undefined) return;
            yield piece;
            previous = piece.identity;
            at += piece.tokens.length;
        }
    }

    /** A piece that was found is a part of the conversation's rows now. */
    take({kind, tokens, attended, identity, native, keep}: LoadedPiece): void {
        const rows = kind === "cut" ? {rows: {native, keep}} : {};
        this.#stretches.push({kind, nTokens: tokens.length, attended, identity, ...rows});
    }

    #nLive(): number {
        return this.#stretches.reduce((sum, {kind, nTokens}) => sum + (kind === "whole" ? nTokens : 0), 0);
    }

    #rowsOf(session: NativeSession, {nTokens, rows}: Stretch, live: number) {
        if (rows !== undefined) return {...rows, isOwned: false};
        const keep = keepAll(this.nRegions, nTokens);
        const {counts, rows: indices} = flatten(keep.map((list) => list.map((token) => token + live)));
        return {native: session.gather(counts, indices), keep, isOwned: true};
    }
}

/** What of the prompts lies in [from, to), counted from there. */
export function promptsWithin(prompts: readonly PromptPlace[], from: number, to: number): TurnPiece["prompts"] {
    return prompts
        .filter(({start, end}) => start < to && end > from)
        .map(({start, end}) => [Math.max(start, from) - from, Math.min(end, to) - from]);
}

/**
 * Adds the prompts of a piece that was found.
 * @param at of its first token among the live rows
 */
export function withPromptsOf(
    prompts: readonly PromptPlace[],
    {prompts: found, attended}: TurnPiece,
    at: number,
): PromptPlace[] {
    const all = [...prompts];
    for (const [from, to] of found) {
        const last = all.at(-1);
        // It went on from one piece to the next.
        const isRest = from === 0 && last?.end === at && isSameSet(last.attended, attended);
        if (isRest) all[all.length - 1] = {...last, end: at + to};
        else all.push({start: at + from, end: at + to, attended});
    }
    return all;
}

/** Whether two attended sets are the same segments in the same order. */
export function isSameSet(a: readonly string[], b: readonly string[]): boolean {
    return a.length === b.length && a.every((name, i) => name === b[i]);
}
