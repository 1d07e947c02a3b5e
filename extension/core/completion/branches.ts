/** Owns which next tokens are worth a candidate of their own beside the likeliest. Must not know a model or an editor. */

/**
 * How likely a token must be, as a share of the likeliest one's probability: what a model thinks far less of is seldom
 * what a person meant.
 */
const minShare = 1 / 8;

/**
 * The likeliest token, the first of equals: what a greedy sampler takes.
 * @param logits [nVocab]
 */
export function likeliestToken(logits: Float32Array): number {
    let best = 0;
    for (let token = 1; token < logits.length; token++) if (logits[token]! > logits[best]!) best = token;
    return best;
}

/**
 * Tokens beside the likeliest that are likely enough to begin another candidate, most likely first, the lower id first
 * of equals.
 * @param logits [nVocab]
 * @param most how many of them
 * @param isEnd whether a token ends the text: a candidate that begins so says nothing new
 */
export function branchTokens(logits: Float32Array, most: number, isEnd: (token: number) => boolean): number[] {
    // Asked at every step, and the vocabulary is long.
    if (most <= 0) return [];
    const likeliest = likeliestToken(logits);
    // Shares of probabilities are differences of logits, whatever all others add up to.
    const least = logits[likeliest]! + Math.log(minShare);
    const worthy: number[] = [];
    for (let token = 0; token < logits.length; token++)
        if (logits[token]! >= least && token !== likeliest && !isEnd(token)) worthy.push(token);
    return worthy.sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, most);
}

/**
 * The texts that are worth showing beside each other: without those that say nothing, and without one that differs from
 * an earlier one by blanks alone.
 * @param texts the likeliest first, which stays unless it is empty
 */
export function distinctTexts(texts: readonly string[]): string[] {
    const seen = new Set<string>();
    return texts.filter((text, i) => {
        const said = text.replaceAll(/\s/g, "");
        if (said === "" || seen.has(said) || (i > 0 && !/[\p{L}\p{N}]/u.test(said))) return false;
        seen.add(said);
        return true;
    });
}
