/**
 * `kvasir bench choose`: how much of the benefit of the right files a chooser finds, among a repository's many. All known
 * files are read once; every target is decoded behind what each chooser picks from the text before its cursor.
 */
import path from "node:path";
import {fileHeader, fileText} from "../../../core/layout/chat-layout.js";
import {RepositoryIndex} from "../../../core/choose/repository-index.js";
import {makeChoosePool, type ChoosePool} from "../../../core/fidelity/choose-pool.js";
import {chooserNames, chosenFiles, wholeChoosers, type ChooserName} from "../../../core/fidelity/choosers.js";
import type {CutFigures, Likelihood} from "../../../core/fidelity/measurements.js";
import type {RepositoryFile, Target} from "../../../core/fidelity/make-pairs.js";
import {flatten} from "../../../engine/kv/segment.js";
import type {NativeSegment} from "../../../engine/native/native.js";
import {isKvasirError, pairsInvalid, usage} from "../../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../../command-context.js";
import {checkModelExists, settingsOf, type CommonFlags} from "../../common-flags.js";
import {ProgressLine} from "../../output/progress-line.js";
import {tokenFiles} from "../bench-files.js";
import {nReads} from "../quality/file-evidence.js";
import {marksOf} from "../quality/prepared-sample.js";
import {plannedCuts, type PlannedCut, type QualityFlags} from "../quality/quality-flags.js";
import {QualityLab} from "../quality/quality-lab.js";
import {SampleMeasurer} from "../quality/sample-measurer.js";
import {TargetFigures} from "../quality/target-figures.js";
import {chooseJson, chooseText} from "./choose-text.js";

export interface ChooseFlags extends CommonFlags {
    repo: string;
    nTargets: number;
    seed: number;
    poolTokens: number;
    choosers?: string[];
    files: string[];
    budgets: string[];
}

/** One chooser with one number of files at one budget. */
export interface Choosing {
    chooser: ChooserName;
    /** Null for choosers that pick as many as there are. */
    nFiles: number | null;
    cut: PlannedCut;
}

export interface TargetMeasured {
    none: Likelihood;
    /** Hand-picked imports, uncut: what R compares with. */
    reference: Likelihood;
    choosings: (Omit<CutFigures, "bytes"> & {nTokens: number})[];
}

export async function runChoose(context: CommandContext, flags: ChooseFlags): Promise<CommandResult> {
    const choosings = plannedChoosings(flags);
    const settings = settingsOf(flags, context.root);
    checkModelExists(settings);
    const {signal} = context.interrupt;
    const progress = new ProgressLine(context.terminal);
    const folder = path.resolve(context.root, flags.repo);
    try {
        const lab = await QualityLab.open({
            settings,
            prefix: undefined,
            profilePath: undefined,
            calibrateOn: undefined,
            signal,
            say: (what) => progress.show(what),
        });
        try {
            const files = await tokenFiles(folder, (text) => lab.tokenize(text), signal);
            const pool = makeChoosePool(
                files.map(({path: name, text, tokens}) => ({path: name, text, nTokens: tokens.length})),
                {
                    nTargets: flags.nTargets,
                    seed: flags.seed,
                    poolTokens: flags.poolTokens,
                    maxFileTokens: lab.filePositions,
                },
            );
            if (pool.targets.length === 0)
                throw pairsInvalid(folder, "no source file there imports two others of a usual size");
            const measured = await measure(lab, pool, choosings, flags, progress, signal);
            if (measured.length === 0) signal.throwIfAborted();
            const outcome = {
                nTargets: measured.length,
                nNotMeasured: pool.targets.length - measured.length,
                nKnown: pool.known.length,
                poolTokens: pool.nTokens,
                choosings,
                measured,
            };
            return {
                json: chooseJson(outcome),
                text: chooseText(outcome, context.terminal),
                exitCode: outcome.nNotMeasured > 0 ? 1 : 0,
            };
        } finally {
            await lab.close();
        }
    } finally {
        progress.clear();
    }
}

function plannedChoosings(flags: ChooseFlags): Choosing[] {
    const names = (flags.choosers ?? [...chooserNames]).map((name) => {
        const known = chooserNames.find((chooser) => chooser === name);
        if (known === undefined)
            throw usage(`there is no chooser "${name}".`, `Choose of: ${chooserNames.join(", ")}.`);
        return known;
    });
    const counts = flags.files.map((text) => {
        const n = Number(text);
        if (!Number.isInteger(n) || n < 1) throw usage(`"${text}" is no number of files.`);
        return n;
    });
    const policies = ["full", flags.policy].filter((name, i, all) => all.indexOf(name) === i);
    const cuts = plannedCuts({policies, budgets: flags.budgets} as QualityFlags);
    return names.flatMap((chooser) =>
        (wholeChoosers.includes(chooser) ? [null] : counts).flatMap((nFiles) =>
            cuts.map((cut) => ({chooser, nFiles, cut})),
        ),
    );
}

async function measure(
    lab: QualityLab,
    pool: ChoosePool,
    choosings: readonly Choosing[],
    flags: ChooseFlags,
    progress: ProgressLine,
    signal: AbortSignal,
): Promise<TargetMeasured[]> {
    const cuts = [...new Set(choosings.map(({cut}) => cut))];
    const {missing} = lab.possible(cuts);
    if (missing.length > 0) throw usage(`${missing[0]!.policy} cannot be measured here: ${missing[0]!.why}.`);
    const measurer = new SampleMeasurer(lab, {
        plan: await lab.plan(cuts),
        places: ["parallel"],
        nReads: nReads(cuts),
        onTokens: () => undefined,
    });
    const segments = new Map<string, Map<PlannedCut, NativeSegment>>();
    const measured: TargetMeasured[] = [];
    try {
        for (const [i, file] of pool.known.entries()) {
            progress.show(`reading file ${i + 1}/${pool.known.length}`);
            const read = await measurer.read(file.path, lab.tokenize(fileText(file.path, file.text)));
            const ofCut = new Map<PlannedCut, NativeSegment>();
            segments.set(file.path, ofCut);
            for (const cut of cuts) {
                const {counts, rows} = flatten(measurer.keep(read, cut));
                ofCut.set(cut, await lab.bed.context.withRoom(() => read.uncut.select(counts, rows)));
            }
        }
        const index = new RepositoryIndex();
        for (const {path: name, text, nTokens} of pool.known) index.set(name, text, nTokens);
        for (const [i, target] of pool.targets.entries()) {
            progress.show(`measuring target ${i + 1}/${pool.targets.length}`);
            measured.push(await measureTarget(lab, pool, target, index, segments, choosings));
        }
    } catch (error) {
        if (!signal.aborted && !isKvasirError(error, "cancelled")) throw error;
    } finally {
        for (const ofCut of segments.values()) for (const segment of ofCut.values()) segment.dispose();
        measurer.dispose();
    }
    return measured;
}

/** Share of a target's characters that stand before its cursor: its imports, and how it begins. */
const cursorShare = 0.4;

async function measureTarget(
    lab: QualityLab,
    pool: ChoosePool,
    target: Target,
    index: RepositoryIndex,
    segments: ReadonlyMap<string, ReadonlyMap<PlannedCut, NativeSegment>>,
    choosings: readonly Choosing[],
): Promise<TargetMeasured> {
    const {path: name, text} = target.file;
    const cursor = text.indexOf("\n", Math.floor(text.length * cursorShare)) + 1 || text.length;
    const textBeforeCursor = text.slice(0, cursor);
    const header = fileHeader(name);
    const before = lab.tokenize(`${header}${textBeforeCursor}`);
    const tokens = Uint32Array.from([...before, ...lab.tokenize(text.slice(cursor))]);
    const others = pool.known.filter(({path: other}) => other !== name);
    const figures = new TargetFigures(
        {
            tokens,
            marks: marksOf({path: name, text, context: others}, header, tokens, lab),
            firstPosition: lab.bed.prefix.nTokens + lab.filePositions,
            scoredFrom: before.length,
        },
        lab.nVocab,
    );
    const uncut = choosings.find(({cut}) => cut.policy === "full")!.cut;
    const partsOf = (paths: readonly string[], cut: PlannedCut) =>
        paths.map((file) => ({segment: segments.get(file)!.get(cut)!}));
    const own = pool.known.find(({path: other}) => other === name);
    // What stands behind the cursor is not written yet.
    index.set(name, textBeforeCursor, before.length);
    const choose = (chooser: ChooserName, nFiles: number | null) =>
        chosenFiles(chooser, {
            ...{target, textBeforeCursor, index},
            known: others.map(({path: other}) => other),
            nFiles: nFiles ?? others.length,
            budgetTokens: pool.nTokens,
        });
    const picked = choosings.map(({chooser, nFiles}) => choose(chooser, nFiles));
    const right = choose("hand-picked", null);
    restore(index, name, own);
    const reference = await figures.reference(lab.bed, partsOf(right, uncut));
    const none = await figures.likelihood(lab.bed, []);
    const results: {figures: () => Omit<CutFigures, "bytes">; nTokens: number}[] = [];
    for (const [i, {cut}] of choosings.entries()) {
        const nTokens = others
            .filter(({path: other}) => picked[i]!.includes(other))
            .reduce((sum, file) => sum + file.nTokens, 0);
        results.push({figures: await figures.compared(lab.bed, partsOf(picked[i]!, cut)), nTokens});
    }
    figures.finish();
    return {none, reference, choosings: results.map((result) => ({...result.figures(), nTokens: result.nTokens}))};
}

function restore(index: RepositoryIndex, name: string, own: RepositoryFile | undefined): void {
    if (own === undefined) index.delete(name);
    else index.set(name, own.text, own.nTokens);
}
