/** Asks questions behind a set's files: one decode says of every answer whether the model would have written it. */
import {fileHeader} from "../../../core/layout/chat-layout.js";
import {tokensWithin} from "../../../core/fidelity/identifiers.js";
import {negativeLogLikelihoods} from "../../../core/fidelity/predictions.js";
import {asked, type Asked, type Asking} from "../../../core/fidelity/tasks/conversation.js";
import type {TaskSet} from "../../../core/fidelity/tasks/make-task-sets.js";
import type {Answered} from "../../../core/fidelity/tasks/task-rows.js";
import {extensionOf} from "../../../core/files/paths.js";
import type {NativePart} from "../../../engine/native/native.js";
import type {Bed} from "../quality/bed.js";
import {placesOf, type Tokenizer} from "../quality/prepared-sample.js";

/** Questions as tokens, with those of each answer. */
export interface PreparedQuestions {
    asking: Asking;
    tokens: Uint32Array;
    asked: Asked;
    /** Indices of each answer's tokens. */
    answers: number[][];
}

/** Every way of asking a set's questions that is wanted. */
export function prepareQuestions(
    {questions}: TaskSet,
    ways: readonly Asking[],
    tokenizer: Tokenizer,
): PreparedQuestions[] {
    const headerOf = (path: string) => fileHeader(`questions.${extensionOf(path)}`);
    return ways.flatMap((asking) => {
        const groups = asking === "alone" ? questions.map((question) => [question]) : [questions];
        return groups.map((group): PreparedQuestions => {
            const whole = asked(group, headerOf(group[0]!.path));
            const tokens = tokenizer.tokenize(whole.text);
            const starts = placesOf(whole.text, tokens, tokenizer);
            const answers = whole.answers.map((span) =>
                [...tokensWithin([span], starts, whole.text.length)].flatMap((isMarked, i) => (isMarked ? [i] : [])),
            );
            return {asking, tokens, asked: whole, answers};
        });
    });
}

/**
 * An answer is right when each of its tokens is the most likely one behind the right ones before it, which is the same
 * as that a model without temperature writes it.
 */
export async function answer(
    bed: Bed,
    parts: readonly NativePart[],
    {asking, tokens, asked: {questions}, answers}: PreparedQuestions,
    firstPosition: number,
    nVocab: number,
): Promise<Answered[]> {
    const isBest = new Uint8Array(tokens.length);
    const nll = new Float64Array(tokens.length);
    const isWanted = new Set(answers.flat());
    await bed.decodeTarget(parts, tokens, firstPosition, async (decoding, at, n) => {
        const logits = await decoding;
        for (let row = 0; row < n; row++) {
            const token = at + row + 1;
            if (!isWanted.has(token)) continue;
            const predicted = logits.subarray(row * nVocab, (row + 1) * nVocab);
            isBest[token] = indexOfHighest(predicted) === tokens[token] ? 1 : 0;
            nll[token] = negativeLogLikelihoods(predicted, nVocab, [tokens[token]!])[0]!;
        }
    });
    return questions.map(({task}, i) => ({
        task,
        asking,
        isRight: answers[i]!.every((token) => isBest[token] === 1),
        nll: answers[i]!.reduce((sum, token) => sum + nll[token]!, 0) / answers[i]!.length,
    }));
}

function indexOfHighest(values: Float32Array): number {
    let best = 0;
    for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
    return best;
}
