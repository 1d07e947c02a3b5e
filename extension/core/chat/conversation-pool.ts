/**
 * Owns which of the engine's conversations goes on with a request. The API is stateless: a client sends all turns each
 * time, and the conversation that began with the same ones has their rows. Must not know HTTP.
 */
import type {ChatTurn} from "../../protocol/engine.js";

interface Entry {
    id: string;
    turns: readonly ChatTurn[];
    isBusy: boolean;
    order: number;
}

export interface TakenConversation {
    id: string;
    /** Gives it back. @param answer what was said, when the answer came to its end */
    release(answer?: string): void;
}

export class ConversationPool {
    readonly #entries: Entry[] = [];
    readonly #max: number;
    readonly #onForget: (id: string) => void;
    #nMade = 0;
    #order = 0;

    /** @param max conversations whose rows are kept, besides those at work */
    constructor(max: number, onForget: (id: string) => void) {
        this.#max = max;
        this.#onForget = onForget;
    }

    /** The idle conversation that shares the most leading turns; a new one when none shares any. */
    take(turns: readonly ChatTurn[]): TakenConversation {
        let entry: Entry | undefined;
        let best = 0;
        for (const candidate of this.#entries) {
            const n = candidate.isBusy ? 0 : commonTurns(candidate.turns, turns);
            if (n > best) [entry, best] = [candidate, n];
        }
        entry ??= this.#make();
        entry.isBusy = true;
        entry.order = ++this.#order;
        const taken = entry;
        return {
            id: taken.id,
            release: (answer) => {
                taken.isBusy = false;
                taken.turns = answer === undefined ? turns : [...turns, {role: "assistant", text: answer}];
                this.#forgetOldest();
            },
        };
    }

    #make(): Entry {
        const entry: Entry = {id: `request-${++this.#nMade}`, turns: [], isBusy: false, order: 0};
        this.#entries.push(entry);
        return entry;
    }

    #forgetOldest(): void {
        while (this.#entries.length > this.#max) {
            const idle = this.#entries.filter(({isBusy}) => !isBusy);
            const oldest = idle.reduce<Entry | undefined>(
                (a, b) => (a === undefined || b.order < a.order ? b : a),
                undefined,
            );
            if (oldest === undefined) return;
            this.#entries.splice(this.#entries.indexOf(oldest), 1);
            this.#onForget(oldest.id);
        }
    }
}

function commonTurns(a: readonly ChatTurn[], b: readonly ChatTurn[]): number {
    let n = 0;
    while (n < a.length && n < b.length && a[n]?.role === b[n]?.role && a[n]?.text === b[n]?.text) n++;
    return n;
}
