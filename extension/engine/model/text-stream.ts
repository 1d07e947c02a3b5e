/**
 * Tokens to text as they come: holds back bytes of an unfinished character and text that may be the beginning of a
 * stop sequence. Knows nothing of sampling.
 */
import type {LlamaModel, Token} from "node-llama-cpp";

export class TextStream {
    readonly #model: Pick<LlamaModel, "detokenize">;
    readonly #stops: readonly string[];
    readonly #marks: ReadonlySet<number>;
    readonly #emit: (piece: string) => void;
    #tokens: Token[] = [];
    /** Tokens whose text is out, kept as context for the next ones (spaces at word starts depend on it). */
    #nDone = 0;
    #held = "";
    #text = "";
    #isStopped = false;

    /** @param marks special tokens whose text is wanted: of all others there is none */
    constructor(
        model: Pick<LlamaModel, "detokenize">,
        stops: readonly string[],
        emit: (piece: string) => void,
        marks: ReadonlySet<number> = new Set(),
    ) {
        this.#model = model;
        this.#marks = marks;
        this.#stops = stops;
        this.#emit = emit;
    }

    /** Everything given out so far. */
    get text(): string {
        return this.#text;
    }

    get isStopped(): boolean {
        return this.#isStopped;
    }

    /** @returns false once a stop sequence has been seen */
    push(token: number): boolean {
        if (this.#isStopped) return false;
        this.#tokens.push(token as Token);
        const piece = this.#undone();
        // U+FFFD at the end: a character whose bytes are not all there yet. Four tokens are the most it can take.
        if (piece.endsWith("\uFFFD") && this.#tokens.length - this.#nDone < 4) return true;
        this.#nDone = this.#tokens.length;
        this.#give(this.#held + piece);
        return !this.#isStopped;
    }

    /** Gives out what was held back. */
    end(): void {
        if (this.#isStopped) return;
        if (this.#nDone < this.#tokens.length) {
            this.#held += this.#undone();
            this.#nDone = this.#tokens.length;
        }
        const rest = this.#held;
        this.#held = "";
        this.#out(rest);
    }

    #undone(): string {
        const last = this.#tokens.slice(Math.max(0, this.#nDone - 8), this.#nDone);
        const tokens = this.#tokens.slice(this.#nDone);
        const end = tokens.at(-1);
        if (end === undefined || !this.#marks.has(end)) return this.#model.detokenize(tokens, false, last);
        return this.#model.detokenize(tokens.slice(0, -1), false, last) + this.#model.detokenize([end], true);
    }

    #give(text: string): void {
        for (const stop of this.#stops) {
            const at = text.indexOf(stop);
            if (at < 0) continue;
            this.#held = "";
            this.#out(text.slice(0, at));
            this.#isStopped = true;
            return;
        }
        const nHeld = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
        this.#held = text.slice(text.length - nHeld);
        this.#out(text.slice(0, text.length - nHeld));
    }

    #out(piece: string): void {
        if (piece === "") return;
        this.#text += piece;
        this.#emit(piece);
    }
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
    for (let n = Math.min(text.length, stop.length - 1); n > 0; n--) {
        if (text.endsWith(stop.slice(0, n))) return n;
    }
    return 0;
}
