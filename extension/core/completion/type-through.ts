/**
 * Owns the question whether an earlier suggestion still fits what is now around the cursor: the person typed along it,
 * took a word of it, or deleted a few characters. It keeps no suggestions and knows no editor.
 */
import {closedBy} from "./auto-closed.js";

/** A suggestion and the place it was made for. */
export interface MadeSuggestion {
    /** Document it belongs to. */
    readonly document: string;
    /** UTF-16 offset of the cursor it was made for. */
    readonly offset: number;
    /** The last characters before that cursor. */
    readonly before: string;
    /** The first characters behind it. */
    readonly after: string;
    readonly text: string;
}

/** Where the cursor is now. */
export interface Place {
    readonly document: string;
    readonly text: string;
    readonly offset: number;
}

/** What is left to show. */
export interface Remaining {
    readonly text: string;
    /** Characters behind the cursor that the text contains and must replace: brackets that the editor closed itself. */
    readonly overwrite: number;
}

/** Characters kept of the text before and behind: enough to tell two places apart, little enough to compare per key. */
const beforeWindow = 1024;
const afterWindow = 256;
/** More deleted characters mean that the person goes another way. */
const longestDeletion = 24;

/** Notes the place of a suggestion, without holding on to the whole document. */
export function madeAt({document, text, offset}: Place, suggestion: string): MadeSuggestion {
    return {
        document,
        offset,
        before: text.slice(Math.max(0, offset - beforeWindow), offset),
        after: text.slice(offset, offset + afterWindow),
        text: suggestion,
    };
}

/** The part of a suggestion that still fits here, or undefined. A suggestion typed to its end leaves nothing to show. */
export function remainingOf(made: MadeSuggestion, place: Place): Remaining | undefined {
    if (made.document !== place.document) return undefined;
    const moved = place.offset - made.offset;
    if (moved < -longestDeletion || moved >= made.text.length) return undefined;
    const whole = made.before + made.text;
    const end = made.before.length + moved;
    if (end < 0) return undefined;
    const expected = whole.slice(0, end);
    if (place.text.slice(Math.max(0, place.offset - expected.length), place.offset) !== expected) return undefined;
    // Deleting the line break before the cursor is a change of mind, not of the last word.
    if (moved < 0 && whole.slice(end, made.before.length).includes("\n")) return undefined;

    const text = whole.slice(end);
    const after = place.text.slice(place.offset, place.offset + afterWindow);
    if (startsAlike(after, made.after)) return {text, overwrite: 0};
    const closed = moved > 0 ? closedBy(made.text.slice(0, moved), text) : "";
    for (let length = closed.length; length > 0; length--) {
        if (after.startsWith(closed.slice(0, length)) && startsAlike(after.slice(length), made.after)) {
            return {text, overwrite: length};
        }
    }
    return undefined;
}

/** Equal as far as both windows reach; a document's end counts as a difference when the other goes on. */
function startsAlike(after: string, made: string): boolean {
    const length = Math.min(after.length, made.length);
    if (after.length !== made.length && length < afterWindow - longestDeletion) return false;
    return after.slice(0, length) === made.slice(0, length);
}
