/**
 * Which tokens of a target tell whether the context was there: those of identifiers that occur in the context too, at
 * their first place in the target, where they cannot have been taken from the target itself.
 */
import {keywordsOf} from "./keywords.js";

export interface PairFile {
    path: string;
    text: string;
}

/** Characters of a text in UTF-16 units, the end excluded. */
export interface Span {
    start: number;
    end: number;
}

/** Shorter names are loop variables and the like: chance decides about them. */
const minCharacters = 4;

// As JavaScript, and nearly every other language, spells a name.
const names = /[\p{ID_Start}_$][\p{ID_Continue}$]*/gu;

/** Identifiers of a text, each once: names of four characters and more that are no keywords. */
export function identifiersOf(text: string, keywords: ReadonlySet<string>): Map<string, Span> {
    const found = new Map<string, Span>();
    for (const match of text.matchAll(names)) {
        const name = match[0];
        if ([...name].length < minCharacters || keywords.has(name) || found.has(name)) continue;
        found.set(name, {start: match.index, end: match.index + name.length});
    }
    return found;
}

/**
 * First places, in the target's text, of identifiers that the path or the text of some context file holds too. The
 * header that Kvasir puts before a file is nobody's identifier and counts on neither side.
 */
export function sharedIdentifiers(target: PairFile, contexts: readonly PairFile[]): Span[] {
    const known = new Set(
        contexts.flatMap(({path, text}) => [...identifiersOf(`${path}\n${text}`, noKeywords).keys()]),
    );
    return [...identifiersOf(target.text, keywordsOf(target.path))]
        .filter(([name]) => known.has(name))
        .map(([, span]) => span);
}

const noKeywords: ReadonlySet<string> = new Set();

/**
 * Marks the tokens that share a character with one of the spans.
 *
 * @param starts UTF-16 offset of each token's first character, ascending; tokens inside one character share it
 * @param end offset behind the last token
 */
export function tokensWithin(spans: readonly Span[], starts: ArrayLike<number>, end: number): Uint8Array {
    const marks = new Uint8Array(starts.length);
    let span = 0;
    for (let token = 0; token < starts.length; token++) {
        const start = starts[token]!;
        let next = token + 1;
        while (next < starts.length && starts[next] === start) next++;
        const tokenEnd = next < starts.length ? starts[next]! : end;
        while (span < spans.length && spans[span]!.end <= start) span++;
        if (span < spans.length && spans[span]!.start < tokenEnd) marks[token] = 1;
    }
    return marks;
}
