/**
 * Asks questions behind a set's files: whether the model would write each answer, and whether it finds it likelier than
 * other answers.
 */
import {fileHeader} from "../../../core/layout/chat-layout.js";
import {tokensWithin} from "../../../core/fidelity/identifiers.js";
import {negativeLogLikelihoods} from "../../../core/fidelity/predictions.js";
import {asked, withAnswer, type Asking} from "../../../core/fidelity/tasks/conversation.js";
import type {TaskSet} from "../../../core/fidelity/tasks/make-task-sets.js";
import type {TaskName} from "../../../core/fidelity/tasks/questions.js";
import type {Answered} from "../../../core/fidelity/tasks/task-rows.js";
import {extensionOf} from "../../../core/files/paths.js";
import type {NativePart, NativeSession} from "../../../engine/native/native.js";
import type {Bed} from "../quality/bed.js";
import {placesOf, type Tokenizer} from "../quality/prepared-sample.js";

/** One question in a conversation of tokens. */
interface PreparedQuestion {
    task: TaskName;
    /** Tokens of the conversation [from, to) are the answer. */
    from: number;
    to: number;
    /** Other answers, as the tokens behind the `from` that they share with the conversation. */
    others: {from: number; tokens: Uint32Array}[];
}

export interface PreparedConversation {
    asking: Asking;
    tokens: Uint32Array;
    questions: PreparedQuestion[];
}

/** Every way of asking a set's questions that is wanted. */
export function prepareQuestions(
    {questions}: TaskSet,
    ways: readonly Asking[],
    tokenizer: Tokenizer,
): PreparedConversation[] {
    return ways.flatMap((asking) =>
        (asking === "alone" ? questions.map((question) => [question]) : [questions]).map((group) => {
            const whole = asked(group, fileHeader(`questions.${extensionOf(group[0]!.path)}`));
            const tokens = tokenizer.tokenize(whole.text);
            const starts = placesOf(whole.text, tokens, tokenizer);
            return {
                asking,
                tokens,
                questions: group.map(({task, others}, i): PreparedQuestion => {
                    const marks = tokensWithin([whole.answers[i]!], starts, whole.text.length);
                    const from = marks.indexOf(1);
                    return {
                        task,
                        from,
                        to: marks.lastIndexOf(1) + 1,
                        others: others.map((other) => {
                            const wrong = tokenizer.tokenize(withAnswer(whole, i, other));
                            let shared = 0;
                            while (shared < from && wrong[shared] === tokens[shared]) shared++;
                            return {from: shared, tokens: wrong.subarray(shared)};
                        }),
                    };
                }),
            };
        }),
    );
}

/** A session that conversations are decoded in, one behind the other. */
export class Answering {
    private constructor(
        private readonly bed: Bed,
        private readonly session: NativeSession,
        private readonly firstPosition: number,
        private readonly nVocab: number,
    ) {}

    static async open(bed: Bed, firstPosition: number, nVocab: number): Promise<Answering> {
        return new Answering(bed, await bed.context.newSession(), firstPosition, nVocab);
    }

    dispose(): void {
        this.session.dispose();
    }

    /**
     * An answer is right when each of its tokens is the most likely one behind the right ones before it, which is the
     * same as that a model without temperature writes it; it is chosen when it is likelier than each other one.
     */
    async ask(parts: readonly NativePart[], {asking, tokens, questions}: PreparedConversation): Promise<Answered[]> {
        const {context, prefix} = this.bed;
        const longest = Math.max(0, ...questions.flatMap(({others}) => others.map((other) => other.tokens.length)));
        await this.session.truncate(0);
        await context.withRoom(() => this.session.compose([{segment: prefix.native}, ...parts]));
        await context.withRoom(() => this.session.reserve(tokens.length + longest));
        const answered: Answered[] = [];
        let nLive = 0;
        for (const {task, from, to, others} of questions) {
            const wrong: {from: number; sum: number}[] = [];
            for (const other of others) {
                nLive = await this.#goTo(tokens, nLive, other.from - 1);
                const told = Uint32Array.from([tokens[other.from - 1]!, ...other.tokens]);
                wrong.push({from: other.from, sum: sumOf((await this.#predict(told, other.from - 1)).nll)});
                await this.session.truncate(nLive);
            }
            // Where a wrong answer has changed a token before it, the right one is counted from there too.
            const first = Math.min(from, ...others.map((other) => other.from));
            nLive = await this.#goTo(tokens, nLive, first - 1);
            const {nll, isBest} = await this.#predict(tokens.subarray(first - 1, to), first - 1);
            nLive = to - 1;
            const own = nll.subarray(from - first);
            answered.push({
                task,
                asking,
                isRight: isBest.subarray(from - first).every((is) => is === 1),
                isChosen:
                    others.length === 0
                        ? undefined
                        : wrong.every((other) => sumOf(nll.subarray(other.from - first)) < other.sum),
                nChoices: others.length + 1,
                nll: sumOf(own) / own.length,
            });
        }
        return answered;
    }

    /** Makes the first n tokens of the conversation the live ones. */
    async #goTo(tokens: Uint32Array, nLive: number, n: number): Promise<number> {
        if (n < nLive) await this.session.truncate(n);
        if (n > nLive) await this.#decode(tokens.subarray(nLive, n), nLive, false);
        return n;
    }

    /** Decodes tokens but the last and says how likely each of them is but the first. */
    async #predict(tokens: Uint32Array, at: number): Promise<{nll: Float64Array; isBest: Uint8Array}> {
        const logits = await this.#decode(tokens.subarray(0, -1), at, true);
        const next = tokens.subarray(1);
        return {
            nll: negativeLogLikelihoods(logits, this.nVocab, next),
            isBest: Uint8Array.from(next, (token, row) =>
                indexOfHighest(logits.subarray(row * this.nVocab, (row + 1) * this.nVocab)) === token ? 1 : 0,
            ),
        };
    }

    async #decode(tokens: Uint32Array, at: number, wantsLogits: boolean): Promise<Float32Array> {
        const {context, signal} = this.bed;
        const parts: Float32Array[] = [];
        for (let i = 0; i < tokens.length; i += context.nBatch) {
            const batch = tokens.subarray(i, i + context.nBatch);
            const {logits} = await context.cancellable(signal, () =>
                this.session.decode(batch, this.firstPosition + at + i, wantsLogits ? {logits: "all"} : {}),
            );
            if (logits) parts.push(logits);
        }
        if (parts.length === 1) return parts[0]!;
        const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
        parts.reduce((place, part) => {
            joined.set(part, place);
            return place + part.length;
        }, 0);
        return joined;
    }
}

function sumOf(values: Float64Array): number {
    return values.reduce((sum, value) => sum + value, 0);
}

function indexOfHighest(values: Float32Array): number {
    let best = 0;
    for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
    return best;
}
