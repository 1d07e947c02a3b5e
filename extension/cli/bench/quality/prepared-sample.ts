/** Samples as tokens with their places, checked against the model's window before anything is measured. */
import {fileHeader, fileText} from "../../../core/layout/chat-layout.js";
import {sharedIdentifiers, tokensWithin} from "../../../core/fidelity/identifiers.js";
import type {FilePlace} from "../../../core/fidelity/measurements.js";
import type {Pairs, Sample} from "../../../core/fidelity/pairs.js";
import {tokenPlaces} from "../../../core/fidelity/token-places.js";
import {tokenStartsByLine} from "../../../core/files/token-starts.js";
import {pairsInvalid} from "../../../protocol/errors.js";

/** What is needed of a model's tokenizer. */
export interface Tokenizer {
    tokenize(text: string): Uint32Array;
    /** Text of tokens that stand behind others. */
    detokenize(tokens: Uint32Array, behind: Uint32Array): string;
}

export interface PreparedSample {
    path: string;
    contexts: {path: string; text: string; tokens: Uint32Array}[];
    target: Uint32Array;
    /** 1 for tokens of shared identifiers. */
    marks: Uint8Array;
    /** Position of the target's first token. */
    firstPosition: Record<FilePlace, number>;
}

export interface WindowPlan {
    /** Tokens before every file. */
    nPrefix: number;
    /** M of the layout: what stands between the prefix and what follows the files, with parallel positions. */
    filePositions: number;
    window: number;
    places: readonly FilePlace[];
}

/** @throws KvasirError `pairs-invalid` naming the first sample that does not fit the window */
export function prepareSamples(
    {samples}: Pairs,
    name: string,
    tokenizer: Tokenizer,
    plan: WindowPlan,
): PreparedSample[] {
    const known = new Map<string, Uint32Array>();
    return samples.map((sample, index) => prepare(sample, index, name, tokenizer, plan, known));
}

function prepare(
    sample: Sample,
    index: number,
    name: string,
    tokenizer: Tokenizer,
    {nPrefix, filePositions, window, places}: WindowPlan,
    known: Map<string, Uint32Array>,
): PreparedSample {
    const contexts = sample.context.map(({path, text}) => {
        const whole = fileText(path, text);
        const tokens = known.get(whole) ?? tokenizer.tokenize(whole);
        known.set(whole, tokens);
        if (nPrefix + tokens.length >= window)
            throw tooLong(name, index, `its context file ${path} has ${tokens.length} tokens`, window);
        return {path, text, tokens};
    });
    const header = fileHeader(sample.path);
    const target = tokenizer.tokenize(`${header}${sample.text}`);
    if (target.length < 2) throw pairsInvalid(name, `samples.${index}: the target has no tokens to predict`);
    const lengths = contexts.map(({tokens}) => tokens.length);
    const firstPosition = {
        parallel: nPrefix + Math.max(filePositions, ...lengths),
        sequential: nPrefix + lengths.reduce((a, b) => a + b, 0),
    };
    for (const place of places) {
        const end = firstPosition[place] + target.length;
        if (end > window) throw tooLong(name, index, `with ${place} positions its target ends at ${end}`, window);
    }
    return {path: sample.path, contexts, target, marks: marksOf(sample, header, target, tokenizer), firstPosition};
}

function tooLong(name: string, index: number, what: string, window: number) {
    return pairsInvalid(name, `samples.${index}: ${what} and the model's window is ${window}`);
}

/** 1 for the target's tokens of shared identifiers. */
export function marksOf(
    {path, text, context}: Sample,
    header: string,
    tokens: Uint32Array,
    tokenizer: Tokenizer,
): Uint8Array {
    const whole = `${header}${text}`;
    const spans = sharedIdentifiers({path, text}, context).map(({start, end}) => ({
        start: start + header.length,
        end: end + header.length,
    }));
    return tokensWithin(spans, placesOf(whole, tokens, tokenizer), whole.length);
}

/** UTF-16 offset of each token's first character in the text that they are the tokens of. */
export function placesOf(text: string, tokens: Uint32Array, tokenizer: Tokenizer): Uint32Array {
    return (
        tokenPlaces(text, tokens.length, (from, to) =>
            tokenizer.detokenize(tokens.subarray(from, to), tokens.subarray(Math.max(0, from - 8), from)),
        ) ?? evenly(text, tokens.length, tokenizer)
    );
}

/** Places by counting lines, as many as there are tokens: for tokenizers that change the text. */
function evenly(text: string, nTokens: number, tokenizer: Tokenizer): Uint32Array {
    const starts = tokenStartsByLine(text, (line) => tokenizer.tokenize(line).length);
    return Uint32Array.from({length: nTokens}, (_, i) => starts[Math.min(i, starts.length - 1)] ?? 0);
}
