/**
 * Owns what happens when an answer wants tools: each call is asked about, then run or not, and what came of it stands in
 * the turn. Must not know which tools there are or how a person is asked.
 */
import type {AnswerTurn, ToolUse} from "../../core/chat/conversation.js";
import type {ToolCall} from "../../protocol/engine.js";
import {cancelled} from "../../protocol/errors.js";

export interface ToolUseParts {
    callTool(name: string, given: object, signal: AbortSignal): Promise<string>;
    warn(message: string, error?: unknown): void;
}

export interface ToolRound {
    turn: string;
    calls: readonly ToolCall[];
    signal: AbortSignal;
    change: (change: (turn: AnswerTurn) => AnswerTurn) => void;
    save: () => void;
}

/** A tool may answer with a whole file; the model's window is not that large. */
const maxResultChars = 50_000;
const refused = "The user did not allow this call. Go on without it.";

export class ToolUses {
    readonly #parts: ToolUseParts;
    readonly #waiting = new Map<string, (isAllowed: boolean) => void>();

    constructor(parts: ToolUseParts) {
        this.#parts = parts;
    }

    decide(turn: string, call: string, isAllowed: boolean): void {
        this.#waiting.get(keyOf(turn, call))?.(isAllowed);
    }

    /**
     * Puts the text so far and the calls behind it into a step of the turn, and ends when all have come to something.
     * @throws KvasirError `cancelled`
     */
    async run({turn, calls, signal, change, save}: ToolRound): Promise<void> {
        const asked = calls.map((call): ToolUse => ({...call, state: "asked"}));
        change((now) => ({...now, text: "", steps: [...(now.steps ?? []), {text: now.text, calls: asked}]}));
        save();
        const put = (id: string, next: Partial<ToolUse>) =>
            change((now) => ({
                ...now,
                steps: (now.steps ?? []).map((step, i, steps) =>
                    i === steps.length - 1
                        ? {...step, calls: step.calls.map((use) => (use.id === id ? {...use, ...next} : use))}
                        : step,
                ),
            }));
        // One after the other: a later call may hang on what an earlier one has done.
        for (const {id, name, arguments: given} of calls) {
            if (!(await this.#decision(turn, id, signal))) {
                put(id, {state: "refused", result: refused});
                continue;
            }
            put(id, {state: "running"});
            try {
                const result = await orCancelled(
                    this.#parts.callTool(name, JSON.parse(given) as object, signal),
                    signal,
                );
                put(id, {state: "done", result: shortened(result)});
            } catch (error) {
                signal.throwIfAborted();
                this.#parts.warn(`the tool ${name} failed.`, error);
                const why = error instanceof Error ? error.message : String(error);
                put(id, {state: "failed", result: shortened(`The tool failed: ${why}`)});
            }
        }
        save();
    }

    async #decision(turn: string, call: string, signal: AbortSignal): Promise<boolean> {
        const key = keyOf(turn, call);
        try {
            return await orCancelled(new Promise<boolean>((resolve) => this.#waiting.set(key, resolve)), signal);
        } finally {
            this.#waiting.delete(key);
        }
    }
}

/** A tool may not listen to the signal: whoever stops the answer does not wait for it. */
async function orCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    let abort = () => {};
    const aborted = new Promise<never>((_, reject) => {
        abort = () => reject(cancelled("the answer"));
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, {once: true});
    });
    return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", abort));
}

function shortened(text: string): string {
    return text.length > maxResultChars
        ? `${text.slice(0, maxResultChars)}\n(${text.length - maxResultChars} more characters)`
        : text;
}

function keyOf(turn: string, call: string): string {
    return `${turn}\n${call}`;
}
