/**
 * Owns the suggestions of the last minutes and finds those that still fit at a place: the same place again, typed
 * along, or a few characters deleted. Must not know the editor or the engine.
 */
import {LRUCache} from "lru-cache";
import {
    type MadeSuggestion,
    madeAt,
    type Place,
    type Remaining,
    remainingOf,
} from "../../core/completion/type-through.js";

export interface FoundSuggestion extends Remaining {
    /** Of the answer: stays the same while one of its suggestions is typed along. */
    id: string;
    /** Other suggestions of the same answer that fit here too. */
    others: readonly Remaining[];
    /** Whether several were asked for, so that these are all that the engine had to say. */
    isOfSeveral: boolean;
}

interface Answer {
    /** The likeliest first. */
    suggestions: readonly MadeSuggestion[];
    isOfSeveral: boolean;
}

/** A suggestion and the text around it take about 3 KB: a megabyte in all. */
const nKept = 300;

export class CompletionCache {
    readonly #kept = new LRUCache<string, Answer>({max: nKept});
    #nAdded = 0;

    /**
     * @param texts the likeliest first; at least one
     * @param isOfSeveral whether the engine was asked for more than one
     * @returns the answer's id: that of an earlier one for the same place with the same first text, which it replaces
     */
    add(place: Place, texts: readonly string[], isOfSeveral = false): string {
        const suggestions = texts.map((text) => madeAt(place, text));
        const known = [...this.#kept.entries()].find(([, answer]) => isSame(answer.suggestions[0]!, suggestions[0]!));
        const id = known?.[0] ?? String(++this.#nAdded);
        this.#kept.set(id, {suggestions, isOfSeveral});
        return id;
    }

    /** What still fits here of the answer used last. */
    find(place: Place): FoundSuggestion | undefined {
        // From the newest use on; looking does not count as use.
        for (const [id, {suggestions, isOfSeveral}] of this.#kept.entries()) {
            const [first, ...others] = suggestions.flatMap((made) => remainingOf(made, place) ?? []);
            if (first === undefined) continue;
            this.#kept.get(id);
            return {id, ...first, others, isOfSeveral};
        }
        return undefined;
    }

    clear(): void {
        this.#kept.clear();
    }
}

function isSame(a: MadeSuggestion, b: MadeSuggestion): boolean {
    return (
        a.offset === b.offset &&
        a.text === b.text &&
        a.document === b.document &&
        a.before === b.before &&
        a.after === b.after
    );
}
