/**
 * `kvasir bench tasks`: questions about a repository's files whose answers stand in them word for word, asked behind no
 * files, all rows, and the rows that each policy keeps. Goes on set by set, so that an interrupted run has rows.
 */
import path from "node:path";
import {fileText} from "../../../core/layout/chat-layout.js";
import {askings, type Asking} from "../../../core/fidelity/tasks/conversation.js";
import {makeTaskSets, type TaskSet} from "../../../core/fidelity/tasks/make-task-sets.js";
import type {Answered, TaskCut} from "../../../core/fidelity/tasks/task-rows.js";
import {flatten} from "../../../engine/kv/segment.js";
import type {NativePart, NativeSegment} from "../../../engine/native/native.js";
import {isKvasirError, nothingToMeasure, usage} from "../../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../../command-context.js";
import type {CommonFlags} from "../../common-flags.js";
import type {ProgressLine} from "../../output/progress-line.js";
import {tokenFiles} from "../bench-files.js";
import {nReads} from "../quality/file-evidence.js";
import {plannedCuts, type PlannedCut} from "../quality/quality-flags.js";
import type {QualityLab} from "../quality/quality-lab.js";
import {SampleMeasurer} from "../quality/sample-measurer.js";
import {withLab} from "../quality/with-lab.js";
import {Answering, prepareQuestions} from "./answer-questions.js";
import {tasksJson, tasksText} from "./tasks-text.js";

export interface TasksFlags extends CommonFlags {
    repo: string[];
    nSets: number;
    seed: number;
    contextTokens: number;
    perTask: number;
    policies?: string[];
    budgets: string[];
    asked: string[];
}

/** No files at all: what can be guessed. */
const none: TaskCut = {policy: "none", budget: 0};

export async function runTasks(context: CommandContext, flags: TasksFlags): Promise<CommandResult> {
    const ways = waysOf(flags.asked);
    const asked = plannedCuts({
        policies: ["full", ...(flags.policies ?? [flags.policy])],
        budgets: flags.budgets,
    });
    const {signal} = context.interrupt;
    return withLab(context, flags, async (lab, progress) => {
        const sets = await setsOf(lab, flags, context);
        const {cuts, missing} = await lab.possible(asked);
        const answered = await askAll(lab, sets, cuts, ways, progress, signal);
        if (answered.length === 0) signal.throwIfAborted();
        const outcome = {
            cuts: [none, ...cuts],
            answered,
            nFiles: sets.slice(0, answered.length).reduce((sum, {files}) => sum + files.length, 0),
            nNotMeasured: sets.length - answered.length,
            missing,
        };
        return {
            json: tasksJson(outcome),
            text: tasksText(outcome, context.terminal),
            exitCode: outcome.nNotMeasured > 0 ? 1 : 0,
        };
    });
}

function waysOf(names: readonly string[]): Asking[] {
    return [...new Set(names)].map((name) => {
        const way = askings.find((known) => known === name || known.replace(" ", "-") === name);
        if (way === undefined) throw usage(`questions are not asked "${name}".`, "Choose of: alone, in-turn.");
        return way;
    });
}

/** The repositories take turns, so that sets measured before an interruption are of all of them. */
async function setsOf(lab: QualityLab, flags: TasksFlags, {root, interrupt}: CommandContext): Promise<TaskSet[]> {
    const lists: TaskSet[][] = [];
    for (const folder of flags.repo) {
        const files = await tokenFiles(path.resolve(root, folder), (text) => lab.tokenize(text), interrupt.signal);
        const {nSets, seed, contextTokens, perTask} = flags;
        lists.push(
            makeTaskSets(
                files.map(({path: name, text, tokens}) => ({path: name, text, nTokens: tokens.length})),
                {nSets, seed, contextTokens, perTask, maxFileTokens: lab.filePositions},
            ),
        );
    }
    const sets = Array.from({length: flags.nSets}, (_, turn) => lists.flatMap((list) => list[turn] ?? [])).flat();
    if (sets.length === 0)
        throw nothingToMeasure(
            flags.repo.join(", "),
            `no three source files of ${flags.contextTokens} tokens in all have an answer to ask for`,
            "Name a larger repository, or lower --context-tokens.",
        );
    return sets.slice(0, flags.nSets);
}

/** @returns answers[set][cut][question], `none` being the first cut */
async function askAll(
    lab: QualityLab,
    sets: readonly TaskSet[],
    cuts: readonly PlannedCut[],
    ways: readonly Asking[],
    progress: ProgressLine,
    signal: AbortSignal,
): Promise<Answered[][][]> {
    const {bed, nVocab} = lab;
    const measurer = new SampleMeasurer(lab, {
        plan: await lab.plan(cuts),
        places: ["parallel"],
        nReads: nReads(cuts),
        onTokens: () => undefined,
    });
    const answering = await Answering.open(bed, bed.prefix.nTokens + lab.filePositions, nVocab);
    const answered: Answered[][][] = [];
    try {
        for (const [i, set] of sets.entries()) {
            const questions = prepareQuestions(set, ways, lab);
            const ask = async (parts: readonly NativePart[]): Promise<Answered[]> => {
                const answers: Answered[] = [];
                for (const conversation of questions) answers.push(...(await answering.ask(parts, conversation)));
                return answers;
            };
            const files = [];
            for (const [nth, {path: name, text}] of set.files.entries()) {
                progress.show(`set ${i + 1}/${sets.length}: reading file ${nth + 1}/${set.files.length}`);
                files.push(await measurer.read(`${name}\n${text}`, lab.tokenize(fileText(name, text))));
            }
            const answers = [await ask([])];
            for (const planned of cuts) {
                progress.show(`set ${i + 1}/${sets.length}: ${planned.policy} at ${planned.budget}`);
                const segments: NativeSegment[] = [];
                try {
                    for (const file of files) {
                        const {counts, rows} = flatten(measurer.keep(file, planned));
                        segments.push(await bed.context.withRoom(() => file.uncut.select(counts, rows)));
                    }
                    answers.push(await ask(segments.map((segment) => ({segment}))));
                } finally {
                    for (const segment of segments) segment.dispose();
                }
            }
            measurer.release();
            answered.push(answers);
        }
    } catch (error) {
        if (!signal.aborted && !isKvasirError(error, "cancelled")) throw error;
    } finally {
        answering.dispose();
        measurer.dispose();
    }
    return answered;
}
