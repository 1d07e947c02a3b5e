/**
 * Takes the reasoning of a thinking model out of a stream of text. Knows the tags that models use; must not know
 * which model is running. Only reasoning at the very beginning counts: a tag inside an answer is text.
 */

export interface ThoughtPiece {
    text: string;
    thought: string;
}

const tags: readonly (readonly [open: string, close: string])[] = [
    ["<think>", "</think>"],
    ["<thinking>", "</thinking>"],
    ["<thought>", "</thought>"],
    ["<reasoning>", "</reasoning>"],
    ["[THINK]", "[/THINK]"],
];

/** One answer's splitter: `push` pieces as they come, `end` once. */
export class ThoughtSplitter {
    #state: "before" | "thought" | "text" = "before";
    #pending = "";
    #close = "</think>";
    #isTextEmpty = true;

    /** @param options.isOpen the chat template has opened the reasoning already, so only its end will be seen */
    constructor({isOpen = false}: {isOpen?: boolean} = {}) {
        if (isOpen) this.#state = "thought";
    }

    /** What this piece adds; a possible part of a tag is held back until it is known. */
    push(piece: string): ThoughtPiece {
        this.#pending += piece;
        return this.#drain(false);
    }

    /** What was held back. */
    end(): ThoughtPiece {
        return this.#drain(true);
    }

    #drain(isEnd: boolean): ThoughtPiece {
        let thought = "";
        if (this.#state === "before") {
            const start = this.#pending.trimStart();
            const pair = tags.find(([open]) => start.startsWith(open));
            if (pair !== undefined) {
                this.#pending = start.slice(pair[0].length);
                this.#close = pair[1];
                this.#state = "thought";
            } else if (isEnd || !tags.some(([open]) => open.startsWith(start))) this.#state = "text";
        }
        if (this.#state === "thought") {
            const end = this.#pending.indexOf(this.#close);
            if (end !== -1) {
                thought = this.#pending.slice(0, end);
                this.#pending = this.#pending.slice(end + this.#close.length);
                this.#state = "text";
            } else {
                const held = isEnd ? 0 : overlap(this.#pending, this.#close);
                thought = this.#pending.slice(0, this.#pending.length - held);
                this.#pending = this.#pending.slice(this.#pending.length - held);
            }
        }
        if (this.#state !== "text") return {text: "", thought};
        // The blank lines between reasoning and answer belong to neither.
        const text = this.#isTextEmpty ? this.#pending.trimStart() : this.#pending;
        if (text !== "") this.#isTextEmpty = false;
        this.#pending = "";
        return {text, thought};
    }
}

/** A whole answer at once. */
export function splitThought(answer: string, options: {isOpen?: boolean} = {}): ThoughtPiece {
    const splitter = new ThoughtSplitter(options);
    const first = splitter.push(answer);
    const last = splitter.end();
    return {text: first.text + last.text, thought: (first.thought + last.thought).trim()};
}

/** Length of the longest end of `text` that `tag` begins with. */
function overlap(text: string, tag: string): number {
    for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
        if (tag.startsWith(text.slice(text.length - length))) return length;
    }
    return 0;
}
