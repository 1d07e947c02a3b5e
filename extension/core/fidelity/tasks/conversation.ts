/** Questions as the text that a model goes on with, alone or one behind the other, and where in it the answers stand. */
import type {Span} from "../identifiers.js";
import type {Question} from "./questions.js";

/** Each question alone, or all of a set in one conversation, every earlier one answered rightly. */
export const askings = ["alone", "in turn"] as const;
export type Asking = (typeof askings)[number];

export interface Asked {
    text: string;
    questions: readonly Question[];
    /** Of each answer with the first character behind it, in the order of the questions. */
    answers: Span[];
}

/** The text up to another answer to a question than the right one, with the first character behind it. */
export function withAnswer({text, questions, answers}: Asked, question: number, other: string): string {
    const {behind} = questions[question]!;
    return `${text.slice(0, answers[question]!.start)}${other}${behind.slice(0, 1)}`;
}

/** @param header what stands before a file */
export function asked(questions: readonly Question[], header: string): Asked {
    let text = header;
    const answers = questions.map(({prompt, answer, behind}) => {
        text += prompt;
        const start = text.length;
        text += `${answer}${behind}`;
        const end = start + answer.length + Math.min(1, behind.length);
        text += "\n\n";
        return {start, end};
    });
    return {text, questions, answers};
}
