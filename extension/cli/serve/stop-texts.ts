/**
 * Owns the texts at which a client wants an answer to end: what may be the beginning of one is held back until the next
 * piece tells. Must not know where the pieces come from.
 */

export class StopTexts {
    readonly #stops: readonly string[];
    readonly #onText: (piece: string) => void;
    #held = "";
    #text = "";
    #isStopped = false;

    constructor(stops: readonly string[], onText: (piece: string) => void) {
        this.#stops = stops;
        this.#onText = onText;
    }

    /** What was given out. */
    get text(): string {
        return this.#text;
    }

    get isStopped(): boolean {
        return this.#isStopped;
    }

    push(piece: string): void {
        if (this.#isStopped) return;
        this.#held += piece;
        const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at !== -1);
        if (found.length > 0) {
            this.#isStopped = true;
            this.#give(Math.min(...found));
            this.#held = "";
            return;
        }
        this.#give(this.#held.length - this.#nPossible());
    }

    /** The answer is over: nothing that was held back is a stop. */
    end(): void {
        if (!this.#isStopped) this.#give(this.#held.length);
    }

    #give(length: number): void {
        if (length <= 0) return;
        const piece = this.#held.slice(0, length);
        this.#held = this.#held.slice(length);
        this.#text += piece;
        this.#onText(piece);
    }

    /** Characters at the end that a stop text may begin with. */
    #nPossible(): number {
        const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
        for (let n = Math.min(longest, this.#held.length); n > 0; n--) {
            const end = this.#held.slice(-n);
            if (this.#stops.some((stop) => stop.startsWith(end))) return n;
        }
        return 0;
    }
}
