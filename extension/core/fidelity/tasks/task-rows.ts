/** From answers that were right or wrong to the rows of a report. Pure. */
import {bootstrapInterval, mean} from "../statistics.js";
import type {Asking} from "./conversation.js";
import {taskNames, type TaskName} from "./questions.js";

/** One answer. */
export interface Answered {
    task: TaskName;
    asking: Asking;
    /** Every token of it was the most likely one: what a model without temperature writes. */
    isRight: boolean;
    /** It is likelier than each of the others to choose among; undefined when there are none. */
    isChosen: boolean | undefined;
    /** Answers to choose among, the right one included. */
    nChoices: number;
    /** Mean negative log-likelihood of its tokens, in nats. */
    nll: number;
}

/** What was kept of the files when the questions were asked; `none`: they were not there. */
export interface TaskCut {
    policy: string;
    /** Share of rows kept: 0 for `none`, 1 for `full`. */
    budget: number;
}

export interface TaskRow extends TaskCut {
    task: TaskName | "all";
    asked: Asking;
    questions: number;
    /** Share of right answers. */
    accuracy: number;
    /** 95 %, by bootstrap over the sets: questions about the same files are not independent. */
    accuracyInterval: [number, number];
    /** Share of right choices among given answers, and that of choosing by lot; null when there is nothing to choose. */
    choice: number | null;
    chance: number | null;
    /** Share of those answered rightly behind uncut files that are right here too; null when there are none. */
    kept: number | null;
    nll: number;
}

/**
 * @param sets for every set and cut its answers, in one order: sets[set][cut][question]
 * @param full index of the cut that keeps everything
 */
export function taskRows(cuts: readonly TaskCut[], sets: readonly (readonly Answered[])[][], full: number): TaskRow[] {
    const first = sets.flatMap((set) => set[full]!);
    const kinds = (["all", ...taskNames] as const).filter(
        (task) => task === "all" || first.some((answer) => answer.task === task),
    );
    const ways = [...new Set(first.map(({asking}) => asking))];
    return cuts.flatMap(({policy, budget}, cut) =>
        ways.flatMap((asking) =>
            kinds.map((task): TaskRow => {
                const isMeant = (answer: Answered) =>
                    answer.asking === asking && (task === "all" || answer.task === task);
                const perSet = sets.map((set) => set[cut]!.filter(isMeant));
                const answers = perSet.flat();
                const uncut = sets.flatMap((set) => set[full]!.filter(isMeant));
                const nRightUncut = uncut.filter(({isRight}) => isRight).length;
                const choices = answers.filter(({isChosen}) => isChosen !== undefined);
                const nKept = answers.filter(({isRight}, i) => isRight && uncut[i]!.isRight).length;
                return {
                    ...{policy, budget, task, asked: asking, questions: answers.length},
                    accuracy: accuracy([answers]),
                    accuracyInterval: bootstrapInterval(
                        perSet.filter(({length}) => length > 0),
                        accuracy,
                    ),
                    choice:
                        choices.length === 0 ? null : mean(choices.map(({isChosen}) => (isChosen === true ? 1 : 0))),
                    chance: choices.length === 0 ? null : mean(choices.map(({nChoices}) => 1 / nChoices)),
                    kept: nRightUncut === 0 ? null : nKept / nRightUncut,
                    nll: mean(answers.map(({nll}) => nll)),
                };
            }),
        ),
    );
}

function accuracy(sets: readonly (readonly Answered[])[]): number {
    const answers = sets.flat();
    return answers.filter(({isRight}) => isRight).length / answers.length;
}
