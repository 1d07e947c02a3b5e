/**
 * Owns how a model's wish to have tools run is parted from its text, while that streams. Must not know how calls are
 * spelled, templates, or who runs the tools. What is no call of a tool that there is stays text: nothing that a model
 * writes is lost.
 */
import type {ChatTurn, ToolCall, ToolDescription} from "../../protocol/engine.js";
import type {CallForm} from "./call-forms.js";

export class ToolCallSplitter {
    readonly calls: ToolCall[] = [];
    readonly #form: CallForm;
    readonly #tools: ReadonlyMap<string, ToolDescription>;
    readonly #out: (piece: string) => void;
    readonly #newId: () => string;
    #held = "";
    #isInside = false;
    #isBehindCall = false;

    /** @param out text that belongs to no call */
    constructor(form: CallForm, tools: readonly ToolDescription[], out: (piece: string) => void, newId: () => string) {
        this.#form = form;
        this.#newId = newId;
        this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
        this.#out = out;
    }

    push(piece: string): void {
        this.#held += piece;
        while (this.#step());
    }

    /** The answer is over: a call that was not closed may be whole all the same. */
    end(): void {
        if (this.#isInside) this.#take(this.#held, "");
        else this.#give(this.#held);
        this.#held = "";
    }

    /** @returns true when a mark was passed and there may be another */
    #step(): boolean {
        const {open, close} = this.#form;
        // Where nothing closes a call, the next one does.
        const mark = this.#isInside ? (close ?? open) : open;
        const at = this.#held.indexOf(mark);
        if (at !== -1) {
            const before = this.#held.slice(0, at);
            this.#held = this.#held.slice(at + mark.length);
            if (this.#isInside) this.#take(before, close ?? "");
            else this.#give(before);
            this.#isInside = !this.#isInside || close === undefined;
            return true;
        }
        if (this.#isInside) return false;
        const nHeld = beginning(this.#held, mark);
        this.#give(this.#held.slice(0, this.#held.length - nHeld));
        this.#held = this.#held.slice(this.#held.length - nHeld);
        return false;
    }

    #take(body: string, close: string): void {
        const calls = this.#form.read(body.trim(), this.#tools);
        if (calls === undefined) this.#out(`${this.#form.open}${body}${close}`);
        else this.calls.push(...calls.map((call) => ({id: this.#newId(), ...call})));
        this.#isBehindCall = calls !== undefined;
    }

    /** Blanks between two calls, and behind the last one, are no answer. */
    #give(text: string): void {
        const rest = this.#isBehindCall ? text.trimStart() : text;
        if (rest === "") return;
        this.#isBehindCall = false;
        this.#out(rest);
    }
}

/** A conversation for a model that calls no tools, in which another one has called some: what they said, as text. */
export function withoutCalls(turns: readonly ChatTurn[]): ChatTurn[] {
    return turns.map(({role, text, calls = [], results = []}, i) => {
        const named = new Map(turns[i - 1]?.calls?.map(({id, name}) => [id, name]));
        const told = [
            ...results.map(({id, text: said}) => `Result of ${named.get(id) ?? "a tool"}:\n${said}`),
            text,
            ...calls.map(({name, arguments: given}) => `(${name} ${given})`),
        ];
        return {role, text: told.filter((part) => part !== "").join("\n\n")};
    });
}

/** Length of the longest end of `text` that begins `mark`: what has to be held back while text streams. */
export function beginning(text: string, mark: string): number {
    for (let n = Math.min(text.length, mark.length - 1); n > 0; n--) if (text.endsWith(mark.slice(0, n))) return n;
    return 0;
}
