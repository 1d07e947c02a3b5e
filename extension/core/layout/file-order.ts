/**
 * Owns the order in which files stand in a prompt for a server that caches prefixes: a prompt reuses what an earlier one
 * computed up to the first difference. So a piece of text keeps the place that it got when it was first sent, and what is
 * new, or has changed, comes behind.
 */

/** A repository's worth; beyond it what was not seen for longest is forgotten. */
const maxRemembered = 8192;

export class FileOrder {
    readonly #ranks = new Map<string, number>();
    #next = 0;

    /**
     * The pieces in the order of the prompt. Of two calls with the same pieces the order is the same; a call with more of
     * them begins with the order of the one before.
     * @param pieces texts as they are sent, headers included; those that are new get their places in this order
     */
    arrange<T extends {text: string}>(pieces: readonly T[]): T[] {
        const ranked = pieces.map((piece) => ({piece, rank: this.#rankOf(piece.text)}));
        this.#forgetOldest();
        return ranked.sort((a, b) => a.rank - b.rank).map(({piece}) => piece);
    }

    #rankOf(text: string): number {
        const key = `${text.length}:${hash(text)}`;
        const rank = this.#ranks.get(key) ?? this.#next++;
        // Behind the others: the map's order is that of use.
        this.#ranks.delete(key);
        this.#ranks.set(key, rank);
        return rank;
    }

    #forgetOldest(): void {
        for (const key of this.#ranks.keys()) {
            if (this.#ranks.size <= maxRemembered) return;
            this.#ranks.delete(key);
        }
    }
}

/** FNV-1a, 2 x 32 bits: only an order hangs on it. */
function hash(text: string): string {
    let [a, b] = [0x811c9dc5, 0x01000193];
    for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        a = Math.imul(a ^ code, 0x01000193);
        b = Math.imul(b ^ (code + i), 0x85ebca6b);
    }
    return `${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`;
}
