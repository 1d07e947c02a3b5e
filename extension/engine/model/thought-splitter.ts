/**
 * Parts a thinking model's reasoning from its answer while both stream: `<think> ... </think>` and its relatives.
 * A mark may arrive in pieces, so text that may be the beginning of one is held back.
 */
import {beginning} from "../../core/chat/tool-calls.js";

const marks = [
    {open: "<think>", close: "</think>"},
    {open: "<thinking>", close: "</thinking>"},
    {open: "[THINK]", close: "[/THINK]"},
];

/** The mark with which a prompt ends, when the template itself opens the reasoning. */
export function openThought(prompt: string): string | undefined {
    const end = prompt.trimEnd();
    return marks.find(({open}) => end.endsWith(open))?.open;
}

export class ThoughtSplitter {
    #text = "";
    #thought = "";
    #held = "";
    #close: string | undefined;
    readonly #on: {text?: ((piece: string) => void) | undefined; thought?: ((piece: string) => void) | undefined};

    /** @param opened the mark that stood before the answer already (openThought) */
    constructor(
        on: {text?: ((piece: string) => void) | undefined; thought?: ((piece: string) => void) | undefined},
        opened?: string,
    ) {
        this.#on = on;
        this.#close = marks.find(({open}) => open === opened)?.close;
    }

    /** The answer so far, without reasoning. */
    get text(): string {
        return this.#text;
    }

    get thought(): string {
        return this.#thought;
    }

    push(piece: string): void {
        this.#held += piece;
        while (this.#step());
    }

    end(): void {
        const rest = this.#held;
        this.#held = "";
        this.#out(rest);
    }

    /** @returns true when a mark was passed and there may be another */
    #step(): boolean {
        // Reasoning only opens an answer: later on the same words are text.
        const wanted =
            this.#close !== undefined ? [this.#close] : this.#text.trim() === "" ? marks.map(({open}) => open) : [];
        for (const mark of wanted) {
            const at = this.#held.indexOf(mark);
            if (at < 0 || (this.#close === undefined && this.#held.slice(0, at).trim() !== "")) continue;
            if (this.#close !== undefined) this.#out(this.#held.slice(0, at));
            const wasClosing = this.#close !== undefined;
            this.#held = this.#held.slice(at + mark.length);
            this.#close = wasClosing ? undefined : marks.find(({open}) => open === mark)!.close;
            if (wasClosing) this.#held = this.#held.trimStart();
            return true;
        }
        const nHeld = Math.max(0, ...wanted.map((mark) => beginning(this.#held, mark)));
        const out = this.#held.slice(0, this.#held.length - nHeld);
        this.#held = this.#held.slice(this.#held.length - nHeld);
        this.#out(out);
        return false;
    }

    #out(piece: string): void {
        if (piece === "") return;
        if (this.#close !== undefined) {
            this.#thought += piece;
            this.#on.thought?.(piece);
        } else {
            this.#text += piece;
            this.#on.text?.(piece);
        }
    }
}
