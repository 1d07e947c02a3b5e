/**
 * Eviction while a conversation runs: the scores of live rows keep being summed as tokens are generated, and when the
 * live part outgrows its room every head keeps its best and its recent rows. After a cut heads own different tokens,
 * so everything is kept head by head. Owns scores and token numbers, never rows.
 */

import {usage} from "../../protocol/errors.js";
import {keepLists} from "./cut.js";
import type {HeadProfile} from "./head-profile.js";
import {markPins, rowCounts, type HeadRows, type KeepLists, type KvShape} from "./head-rows.js";
import type {Share} from "./policy.js";
import {headCounts} from "./shares.js";

/** Recent tokens that AhaKV always keeps (B_r of arXiv 2506.03762). */
export const defaultRecentTokens = 32;

export interface LiveCut {
    /** Mean number of live rows that a head keeps. */
    meanRows: number;
    share: Share;
    profile?: HeadProfile | undefined;
    /** Last tokens that stay in every head: at least the turn that is being answered. */
    recentTokens?: number;
    /** First tokens that stay in every head. */
    firstTokens?: number;
}

interface LiveHead {
    /** Session-wide number of each live row's token, ascending. */
    tokens: Uint32Array;
    scores: Float32Array;
    /** Rows that have asked since the row exists: what a mean divides by. */
    nAsked: Uint32Array;
}

export class LiveScores {
    readonly #shape: Pick<KvShape, "nLayers" | "nKvHeads">;
    readonly #overRows: "sum" | "mean" | "max";
    #heads: LiveHead[];
    /** Number of the next token. */
    #nextToken = 0;

    /** @param overRows how attention is gathered over the generated tokens; H2O and AhaKV sum */
    constructor(shape: Pick<KvShape, "nLayers" | "nKvHeads">, overRows: "sum" | "mean" | "max" = "sum") {
        this.#shape = shape;
        this.#overRows = overRows;
        this.#heads = Array.from({length: shape.nLayers * shape.nKvHeads}, () => ({
            tokens: new Uint32Array(0),
            scores: new Float32Array(0),
            nAsked: new Uint32Array(0),
        }));
    }

    /** Tokens appended so far, cut or not. */
    get nTokens(): number {
        return this.#nextToken;
    }

    /** Live rows of all heads together. */
    get nRows(): number {
        return this.#heads.reduce((total, head) => total + head.tokens.length, 0);
    }

    /** Token numbers of the live rows of one head (layer * nKvHeads + head), ascending. */
    tokensOf(head: number): Uint32Array {
        return this.#heads[head]!.tokens;
    }

    /** Offsets of the heads in the flat array that `add` takes. */
    offsets(): Uint32Array {
        const offsets = new Uint32Array(this.#heads.length + 1);
        this.#heads.forEach((head, h) => (offsets[h + 1] = offsets[h]! + head.tokens.length));
        return offsets;
    }

    /** Every head has been given the rows of `nTokens` new tokens. */
    append(nTokens: number): void {
        const from = this.#nextToken;
        this.#nextToken += nTokens;
        this.#heads = this.#heads.map(({tokens, scores, nAsked}) => ({
            tokens: extended(tokens, nTokens).map((token, i) => (i < tokens.length ? token : from + i - tokens.length)),
            scores: extended(scores, nTokens),
            nAsked: extended(nAsked, nTokens),
        }));
    }

    /**
     * Adds the attention that decoded tokens paid to the live rows.
     *
     * @param attention one value per live row, head by head as `offsets` says: summed over the decoded tokens (their
     *   maximum, for `max`)
     * @param nAsking how many tokens were decoded
     */
    add(attention: Float32Array, nAsking = 1): void {
        if (attention.length !== this.nRows) {
            throw new Error(`attention has ${attention.length} values for ${this.nRows} live rows`);
        }
        let i = 0;
        for (const head of this.#heads) {
            for (let row = 0; row < head.scores.length; row++) {
                const a = attention[i++]!;
                const score = head.scores[row]!;
                head.scores[row] = this.#overRows === "max" ? Math.max(score, a) : score + a;
                head.nAsked[row] = head.nAsked[row]! + nAsking;
            }
        }
    }

    /**
     * The rows to keep, as indices into the live rows of each head, ascending: together round(meanRows * heads), or
     * all rows when there are fewer. Changes nothing; call `keep` when the rows have been compacted.
     *
     * @throws KvasirError `usage` for a negative number of rows, `profile-mismatch` as in cut
     */
    cut({meanRows, share, profile, recentTokens = defaultRecentTokens, firstTokens = 0}: LiveCut): KeepLists {
        if (!(meanRows >= 0)) {
            throw usage(`a head cannot keep ${meanRows} rows.`);
        }
        const offsets = this.offsets();
        const heads: HeadRows = {
            nLayers: this.#shape.nLayers,
            nKvHeads: this.#shape.nKvHeads,
            scores: this.#flatScores(offsets),
            offsets,
        };
        const totalRows = Math.min(this.nRows, Math.round(meanRows * this.#heads.length));
        const first = Math.min(firstTokens, Math.floor(meanRows));
        const pinned = {first, last: Math.min(recentTokens, Math.floor(meanRows) - first)};
        const marks = markPins(offsets, () => pinned);
        const counts =
            totalRows === this.nRows ? rowCounts(offsets) : headCounts(share, {heads, marks, totalRows, profile});
        return keepLists(heads, marks, counts);
    }

    /** The rows outside the lists are gone. */
    keep(lists: KeepLists): void {
        this.#heads = this.#heads.map((head, h) => pick(head, lists[h]!));
    }

    /** Every token from `nTokens` on is gone: a turn was edited or is generated anew. */
    truncate(nTokens: number): void {
        this.#nextToken = Math.min(this.#nextToken, nTokens);
        this.#heads = this.#heads.map((head) => {
            const end = head.tokens.findIndex((token) => token >= nTokens);
            const count = end === -1 ? head.tokens.length : end;
            return pick(
                head,
                Uint32Array.from({length: count}, (_, row) => row),
            );
        });
    }

    /** An independent copy: for a branch of the conversation. */
    fork(): LiveScores {
        const copy = new LiveScores(this.#shape, this.#overRows);
        copy.#nextToken = this.#nextToken;
        copy.#heads = this.#heads.map(({tokens, scores, nAsked}) => ({
            tokens: tokens.slice(),
            scores: scores.slice(),
            nAsked: nAsked.slice(),
        }));
        return copy;
    }

    #flatScores(offsets: Uint32Array): Float32Array {
        const flat = new Float32Array(offsets[offsets.length - 1]!);
        this.#heads.forEach(({scores, nAsked}, h) => {
            flat.set(
                this.#overRows === "mean" ? scores.map((score, row) => score / Math.max(1, nAsked[row]!)) : scores,
                offsets[h],
            );
        });
        return flat;
    }
}

function extended<T extends Uint32Array | Float32Array>(values: T, nMore: number): T {
    const longer = new (values.constructor as new (length: number) => T)(values.length + nMore);
    longer.set(values);
    return longer;
}

function pick({tokens, scores, nAsked}: LiveHead, rows: Uint32Array): LiveHead {
    return {
        tokens: rows.map((row) => tokens[row]!),
        scores: Float32Array.from(rows, (row) => scores[row]!),
        nAsked: rows.map((row) => nAsked[row]!),
    };
}
