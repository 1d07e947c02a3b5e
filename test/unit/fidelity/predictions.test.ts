import {expect, test} from "vitest";
import {compare, negativeLogLikelihoods, referenceOf} from "../../../extension/core/fidelity/predictions.js";
import {seededRandom} from "../../../extension/core/fidelity/random.js";

const nVocab = 301;
const nRows = 7;

function randomLogits(seed: number, spread: number): Float32Array {
    const random = seededRandom(seed);
    return Float32Array.from({length: nVocab * nRows}, () => (random() - 0.5) * spread + 12);
}

/** The textbook's formulas in plain loops. */
function softmax(row: readonly number[]): number[] {
    const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
    return row.map((x) => Math.exp(x) / total);
}

function rows(logits: Float32Array): number[][] {
    return Array.from({length: nRows}, (_, r) => [...logits.subarray(r * nVocab, (r + 1) * nVocab)]);
}

const next = Uint32Array.from({length: nRows}, (_, r) => (r * 97) % nVocab);

test.each([2, 20, 60])("agrees with the formulas written out (logits over a range of %i)", (spread) => {
    const uncut = randomLogits(1, spread);
    const cut = randomLogits(2, spread);
    const p = rows(uncut).map(softmax);
    const q = rows(cut).map(softmax);
    const reference = referenceOf(uncut.slice(), nVocab, next);
    const comparison = compare(cut, nVocab, next, reference);
    for (let r = 0; r < nRows; r++) {
        const token = next[r]!;
        expect(reference.nll[r]).toBeCloseTo(-Math.log(p[r]![token]!), 6);
        expect(comparison.nll[r]).toBeCloseTo(-Math.log(q[r]![token]!), 6);
        const kl = p[r]!.reduce((sum, pi, i) => sum + pi * Math.log(pi / q[r]![i]!), 0);
        expect(comparison.kl[r]).toBeCloseTo(kl, 5);
        const highest = (values: number[]) => values.indexOf(Math.max(...values));
        expect(comparison.agrees[r]).toBe(highest(p[r]!) === highest(q[r]!) ? 1 : 0);
    }
    expect([...negativeLogLikelihoods(cut, nVocab, next)]).toEqual([...comparison.nll]);
});

test("the same logits are no divergence and full agreement", () => {
    const logits = randomLogits(3, 30);
    const {kl, agrees, nll} = compare(logits, nVocab, next, referenceOf(logits.slice(), nVocab, next));
    for (const value of kl) expect(value).toBeLessThan(1e-6);
    expect([...agrees]).toEqual(new Array(nRows).fill(1));
    expect([...nll]).toEqual([...negativeLogLikelihoods(logits, nVocab, next)]);
});

test("forbidden tokens (minus infinity) have no part in it", () => {
    const logits = randomLogits(4, 10);
    const other = randomLogits(5, 10);
    for (const array of [logits, other]) for (let r = 0; r < nRows; r++) array[r * nVocab + 5] = -1e9;
    const {kl} = compare(other, nVocab, next, referenceOf(logits.slice(), nVocab, next));
    for (const value of kl) expect(Number.isFinite(value)).toBe(true);
});
