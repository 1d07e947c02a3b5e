/**
 * Owns how text, code and questions become words that can be compared: identifiers whole and split at case,
 * underscore and digits, English inflections taken off, so that "parsing errors" finds `parseError`.
 */

// A run of letters, digits, `_` and `$` in any script. Longer runs are hashes and data, not words.
const runs = /[\p{L}\p{N}_$]+/gu;
const humps = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\p{N}+/gu;
// Scripts that write no spaces: words are not marked, so pairs of characters stand for them.
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
const maxRun = 80;

/** The parts of an identifier, lower case: `parseHTTPResponse_v2` gives `parse http response v 2`. */
export function splitIdentifier(identifier: string): string[] {
    return (identifier.match(humps) ?? []).map((part) => part.toLowerCase());
}

/**
 * The words of a text in order, each identifier followed by its parts where it has several. Single letters
 * and pure numbers are left out: they say nothing about a file.
 */
export function wordsOf(text: string): string[] {
    const words: string[] = [];
    for (const [run] of text.matchAll(runs)) {
        if (run.length > maxRun) continue;
        if (unspaced.test(run)) {
            pushPairs(words, run);
            continue;
        }
        const parts = splitCached(run);
        for (const part of parts) words.push(part);
    }
    return words;
}

/** Words of identifiers met before: source code repeats itself, and splitting is the slow part of indexing. */
const splits = new Map<string, readonly string[]>();
const maxSplits = 100_000;

function splitCached(run: string): readonly string[] {
    let words = splits.get(run);
    if (words === undefined) {
        words = identifierWords(run);
        if (splits.size >= maxSplits) splits.clear();
        splits.set(run, words);
    }
    return words;
}

function identifierWords(run: string): string[] {
    const parts = splitIdentifier(run);
    const words = parts.map(stem).filter(isTelling);
    // The whole identifier, as written but for its case: an exact name is the best evidence there is.
    if (parts.length > 1) {
        const whole = run.toLowerCase().replace(/^[_$]+|[_$]+$/g, "");
        if (isTelling(whole)) words.unshift(whole);
    }
    return words;
}

function isTelling(word: string): boolean {
    return word.length > 1 && !/^\p{N}+$/u.test(word);
}

function pushPairs(words: string[], run: string): void {
    const characters = [...run];
    if (characters.length === 1) words.push(run);
    for (let i = 0; i + 1 < characters.length; i++) words.push(characters[i]! + characters[i + 1]!);
}

/**
 * Takes the commonest English inflections off a lower-case word (plural, -ing, -ed, a final e), so that
 * `parse`, `parses`, `parsed` and `parsing` are one word. Not a linguist's stem: related nouns (`parser`)
 * stay, and are found as words that begin alike.
 */
export function stem(word: string): string {
    if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
    let root = word;
    if (/[^aeiou]ies$/.test(root)) root = `${root.slice(0, -3)}y`;
    else if (/(?:ss|x|ch|sh|zz)es$/.test(root)) root = root.slice(0, -2);
    else if (/[^sui]s$/.test(root)) root = root.slice(0, -1);
    const inflected = /^(.*[aeiouy].*?)(?:ing|ed)$/.exec(root);
    if (inflected !== null && inflected[1]!.length >= 3) root = inflected[1]!.replace(/([^aeiouylsz])\1$/, "$1");
    return root.length > 4 ? root.replace(/e$/, "") : root;
}

/** English words that questions are made of. Not code words: how common those are, the index knows itself. */
export const questionWords: ReadonlySet<string> = new Set(
    (
        "a an and any anyone are as at be been being but by can could did do does doing done each every for from get gets give given had has have having " +
        "he her here him his how i if in into is it its itself just let like made make makes many may me might more most much must my need needs no not now of off on one " +
        "only or other our out over please question same say see she should show so some such tell than that the their them then there these they thing things this those " +
        "through to too up us use used uses using very want wants was way we well were what when where whether which while who whose why will with without would you your " +
        "explain describe find help happens happen work works working look looks code file files repo repository project function functions method methods class classes " +
        "implemented implement implementation defined define definition declared located located find called written write add added fix change understand know mean means"
    ).split(" "),
);
