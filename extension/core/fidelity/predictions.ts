/**
 * What a model's logits say about a text: negative log-likelihood of the tokens that came, and how far its predictions
 * are from those of a reference run. Typed arrays and one exponential per logit: a run over 500 tokens and a vocabulary
 * of 49k takes a tenth of a second.
 */

/** Predictions of the reference run for consecutive tokens, kept to compare others with. */
export interface Reference {
    /** [nRows, nVocab]. */
    probabilities: Float32Array;
    /** sum p ln p of each row, in nats. */
    negativeEntropy: Float64Array;
    /** The most likely token of each row, the lowest index among equals. */
    best: Uint32Array;
    /** Negative log-likelihood of each row's next token, in nats. */
    nll: Float64Array;
}

/** How one run compares, row by row. */
export interface Comparison {
    nll: Float64Array;
    /** KL(reference || run), in nats. */
    kl: Float64Array;
    /** 1 where both have the same most likely token. */
    agrees: Uint8Array;
}

/**
 * Makes a reference of logits. The array is reused: it holds the probabilities afterwards.
 *
 * @param logits [nRows, nVocab], row r predicting nextTokens[r]; there may be more rows than next tokens
 */
export function referenceOf(logits: Float32Array, nVocab: number, nextTokens: ArrayLike<number>): Reference {
    const nRows = nextTokens.length;
    const negativeEntropy = new Float64Array(nRows);
    const best = new Uint32Array(nRows);
    const nll = new Float64Array(nRows);
    for (let row = 0; row < nRows; row++) {
        const from = row * nVocab;
        const top = indexOfHighest(logits, from, nVocab);
        const highest = logits[from + top]!;
        const logSum = Math.log(sumOfPowers(logits, from, nVocab, highest));
        best[row] = top;
        nll[row] = highest + logSum - logits[from + nextTokens[row]!]!;
        let total = 0;
        let weighted = 0;
        for (let i = from; i < from + nVocab; i++) {
            const logit = logits[i]! - highest;
            const p = powerOf(logit - logSum);
            logits[i] = p;
            total += p;
            if (p > 0) weighted += p * (logit - logSum);
        }
        negativeEntropy[row] = weighted / total;
    }
    return {probabilities: logits.subarray(0, nRows * nVocab), negativeEntropy, best, nll};
}

/**
 * Compares logits with a reference. With p the reference's probabilities and x the logits,
 *
 *     KL = sum p ln p - sum p x + ln sum exp x.
 *
 * @param logits [nRows, nVocab] for the same rows as the reference
 */
export function compare(
    logits: Float32Array,
    nVocab: number,
    nextTokens: ArrayLike<number>,
    reference: Reference,
): Comparison {
    const nRows = nextTokens.length;
    const {probabilities} = reference;
    const nll = new Float64Array(nRows);
    const kl = new Float64Array(nRows);
    const agrees = new Uint8Array(nRows);
    for (let row = 0; row < nRows; row++) {
        const from = row * nVocab;
        const top = indexOfHighest(logits, from, nVocab);
        const highest = logits[from + top]!;
        let cross = 0;
        let total = 0;
        // The exponential of powerOf, written out: this loop is where the time of a comparison goes.
        for (let i = from; i < from + nVocab; i++) {
            const logit = logits[i]! - highest;
            cross += probabilities[i]! * logit;
            const t = -logit * stepsPerNat;
            if (t >= maxSteps) continue;
            const n = t | 0;
            const rest = (n - t) / stepsPerNat;
            total += fractions[n & (nSteps - 1)]! * halvings[n >> stepBits]! * (1 + rest * (1 + rest / 2));
        }
        const logSum = Math.log(total);
        nll[row] = highest + logSum - logits[from + nextTokens[row]!]!;
        kl[row] = Math.max(0, reference.negativeEntropy[row]! - cross + logSum);
        agrees[row] = top === reference.best[row] ? 1 : 0;
    }
    return {nll, kl, agrees};
}

/** Negative log-likelihoods alone. */
export function negativeLogLikelihoods(
    logits: Float32Array,
    nVocab: number,
    nextTokens: ArrayLike<number>,
): Float64Array {
    return Float64Array.from({length: nextTokens.length}, (_, row) => {
        const from = row * nVocab;
        const highest = logits[from + indexOfHighest(logits, from, nVocab)]!;
        return highest + Math.log(sumOfPowers(logits, from, nVocab, highest)) - logits[from + nextTokens[row]!]!;
    });
}

function indexOfHighest(logits: Float32Array, from: number, nVocab: number): number {
    let highest = -Infinity;
    let best = 0;
    for (let i = 0; i < nVocab; i++) {
        const logit = logits[from + i]!;
        if (logit > highest) {
            highest = logit;
            best = i;
        }
    }
    return best;
}

function sumOfPowers(logits: Float32Array, from: number, nVocab: number, highest: number): number {
    let total = 0;
    for (let i = from; i < from + nVocab; i++) total += powerOf(logits[i]! - highest);
    return total;
}

/** A doubling is divided into 2^10 steps. */
const stepBits = 10;
const nSteps = 1 << stepBits;
const stepsPerNat = nSteps / Math.LN2;
const fractions = Float64Array.from({length: nSteps}, (_, i) => 2 ** (-i / nSteps));
const halvings = Float64Array.from({length: 120}, (_, i) => 2 ** -i);
/** Smaller powers, below 2^-119, are nothing beside the sum, which is at least 1. */
const maxSteps = nSteps * 119;

/**
 * e^x for x <= 0, relative error below 1e-10: 2^(-n/1024) from two tables, and the rest, shorter than 0.0007, by the
 * series to the second power.
 */
function powerOf(x: number): number {
    const t = -x * stepsPerNat;
    if (!(t < maxSteps)) return 0;
    const n = t | 0;
    const rest = (n - t) / stepsPerNat;
    return fractions[n & (nSteps - 1)]! * halvings[n >> stepBits]! * (1 + rest * (1 + rest / 2));
}
