/**
 * Owns the suggestions of the last minutes and finds the one that still fits at a place: the same place again, typed
 * along, or a few characters deleted. Must not know the editor or the engine.
 */
import {LRUCache} from "lru-cache";
import {type MadeSuggestion, type Place, type Remaining, remainingOf} from "../../core/completion/type-through.js";

export interface FoundSuggestion extends Remaining {
    /** Stays the same while a suggestion is typed along. */
    id: string;
}

/** A suggestion and the text around it take about 3 KB: a megabyte in all. */
const nKept = 300;

export class CompletionCache {
    readonly #kept = new LRUCache<string, MadeSuggestion>({max: nKept});
    #nAdded = 0;

    /** Answers the suggestion's id. */
    add(made: MadeSuggestion): string {
        const id = String(++this.#nAdded);
        this.#kept.set(id, made);
        return id;
    }

    /** The suggestion used last that still fits here. */
    find(place: Place): FoundSuggestion | undefined {
        // From the newest use on; looking does not count as use.
        for (const [id, made] of this.#kept.entries()) {
            const remaining = remainingOf(made, place);
            if (remaining === undefined) continue;
            this.#kept.get(id);
            return {id, ...remaining};
        }
        return undefined;
    }

    clear(): void {
        this.#kept.clear();
    }
}
