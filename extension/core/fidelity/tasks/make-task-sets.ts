/** Sets of files with questions about them. The same files and seed give the same sets. */
import {languageOf} from "../../choose/languages.js";
import {pathKind} from "../../choose/path-kind.js";
import {beginningOf, type RepositoryFile} from "../make-pairs.js";
import {seededRandom, shuffled} from "../random.js";
import {hideConstant} from "./needles.js";
import {questionsOf, unambiguous, type Question, type TaskName} from "./questions.js";

export interface TaskSet {
    files: RepositoryFile[];
    /** In the order in which they are asked. */
    questions: Question[];
}

export interface TaskSetOptions {
    nSets: number;
    seed: number;
    /** Tokens of the files of a set, to come close to. */
    contextTokens: number;
    /** Of longer files the beginning is taken. */
    maxFileTokens: number;
    /** At most this many questions of each task about one set. */
    perTask: number;
}

/** Files this short answer nothing. */
const minFileTokens = 96;
/** Answers that a question is chosen among, beside the right one. */
const maxOthers = 7;
/** A set has no fewer: among one file nothing has to be found. */
const minFiles = 3;

/** No file is in two sets. Fewer than `nSets` when the repository has no more. */
export function makeTaskSets(files: readonly RepositoryFile[], options: TaskSetOptions): TaskSet[] {
    const {nSets, seed, contextTokens, perTask} = options;
    const random = seededRandom(seed);
    const maxFileTokens = Math.min(options.maxFileTokens, Math.floor(contextTokens / minFiles));
    const sources = shuffled(
        files.filter(({path}) => pathKind(path) === "source" && languageOf(path) !== undefined),
        random,
    )
        .map((file) => beginningOf(file, maxFileTokens))
        .filter(({nTokens}) => nTokens >= minFileTokens);
    const sets: TaskSet[] = [];
    const left = new Set(sources);
    while (sets.length < nSets && left.size >= minFiles) {
        const chosen: RepositoryFile[] = [];
        let nTokens = 0;
        for (const file of left) {
            if (nTokens + file.nTokens > contextTokens) continue;
            chosen.push(file);
            left.delete(file);
            nTokens += file.nTokens;
        }
        // Only at the end of a repository: too little is left for a set.
        if (chosen.length < minFiles || nTokens < contextTokens / 2) break;
        const set = setOf(chosen, random, perTask);
        if (set.questions.length > 0) sets.push(set);
    }
    return sets;
}

function setOf(files: readonly RepositoryFile[], random: () => number, perTask: number): TaskSet {
    const taken = new Set<string>();
    const hidden = shuffled(files, random).flatMap((file) => hideConstant(file, random, taken) ?? []);
    const changed = new Map(hidden.slice(0, perTask).map((one) => [one.file.path, one]));
    const all = files.map((file) => changed.get(file.path)?.file ?? file);
    const found = unambiguous(shuffled(all.flatMap(questionsOf), random), all);
    const some = (task: TaskName, isFree: (question: Question) => boolean = () => true) =>
        fromManyFiles(found.filter((question) => question.task === task && isFree(question))).slice(0, perTask);
    const functions = some("function");
    const names = new Set(functions.map(({answer}) => answer));
    // Asked one behind the other, one question must not give away the answer of another.
    const parameters = some("parameters", ({prompt}) => !names.has(/[\w$]+$/.exec(prompt)?.[0] ?? ""));
    const constants = [...changed.values()].map(({question}) => question);
    const questions = [...functions, ...parameters, ...constants].map((question) => ({
        ...question,
        others: otherAnswers(question, [...found, ...constants]),
    }));
    return {files: all, questions: shuffled(questions, random)};
}

/** Right answers of other questions of the task, each once. */
function otherAnswers({task, answer}: Question, questions: readonly Question[]): string[] {
    const answers = questions.filter((other) => other.task === task).map((other) => other.answer);
    return [...new Set(answers)].filter((other) => other !== answer).slice(0, maxOthers);
}

/** The first question of each file, then the second of each, and so on. */
function fromManyFiles(questions: readonly Question[]): Question[] {
    const seen = new Map<string, number>();
    return questions
        .map((question) => {
            const nth = seen.get(question.path) ?? 0;
            seen.set(question.path, nth + 1);
            return {question, nth};
        })
        .sort((a, b) => a.nth - b.nth)
        .map(({question}) => question);
}
