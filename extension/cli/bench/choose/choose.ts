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
import {isKvasirError, nothingToMeasure, usage} from "../../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../../command-context.js";
import type {CommonFlags} from "../../common-flags.js";
import {formatNumberOf} from "../../output/units.js";
import type {ProgressLine} from "../../output/progress-line.js";
import {tokenFiles} from "../bench-files.js";
import {nReads} from "../quality/file-evidence.js";
import {marksOf} from "../quality/prepared-sample.js";
import {plannedCuts, type PlannedCut} from "../quality/quality-flags.js";
import type {QualityLab} from "../quality/quality-lab.js";
import {SampleMeasurer} from "../quality/sample-measurer.js";
import {TargetFigures} from "../quality/target-figures.js";
import {withLab} from "../quality/with-lab.js";
import {AttentionPages} from "./attention-pages.js";
import {chooseJson, chooseText} from "./choose-text.js";

export interface ChooseFlags extends CommonFlags {
    repo: string;
    nTargets: number;
    seed: number;
    poolTokens: number;
    choosers?: string[];
    files: string[];
    budgets: string[];
    minBenefit: number;
}

/** Targets looked at for each that is wanted: not every file uses what it imports. */
const candidates = 4;

/** One chooser with one number of files at one budget. */
export interface Choosing {
    chooser: ChooserName;
    /** Null for choosers that pick as many as there are. */
    nFiles: number | null;
    cut: PlannedCut;
}

export interface TargetMeasured {
    path: string;
    none: Likelihood;
    /** Hand-picked imports, uncut: what R compares with. */
    reference: Likelihood;
    choosings: (Omit<CutFigures, "bytes"> & {nTokens: number; files: readonly string[]})[];
}

interface Measured {
    measured: TargetMeasured[];
    /** Targets that were left out because their imports did not help. */
    nWithout: number;
}

export async function runChoose(context: CommandContext, flags: ChooseFlags): Promise<CommandResult> {
    const choosings = plannedChoosings(flags);
    const {signal} = context.interrupt;
    const folder = path.resolve(context.root, flags.repo);
    return withLab(context, flags, async (lab, progress) => {
        const files = await tokenFiles(folder, (text) => lab.tokenize(text), signal);
        const pool = makeChoosePool(
            files.map(({path: name, text, tokens}) => ({path: name, text, nTokens: tokens.length})),
            {
                nTargets: flags.nTargets * candidates,
                seed: flags.seed,
                poolTokens: flags.poolTokens,
                maxFileTokens: lab.filePositions,
            },
        );
        if (pool.targets.length === 0)
            throw nothingToMeasure(
                folder,
                "no source file there imports two others of a usual size",
                "Name a larger repository, or raise --pool-tokens.",
            );
        const {measured, nWithout} = await measure({lab, pool, choosings, flags, progress, signal});
        if (measured.length === 0) signal.throwIfAborted();
        if (measured.length === 0)
            throw nothingToMeasure(
                folder,
                `of ${formatNumberOf(pool.targets.length, "target")} none is helped by its imports by ${flags.minBenefit} nats`,
                "Raise --pool-tokens, which gives more targets, or lower --min-benefit.",
            );
        const outcome = {
            measured,
            nWithout,
            // Fewer than were asked for is no interruption when the repository has no more.
            nNotMeasured: signal.aborted ? flags.nTargets - measured.length : 0,
            minBenefit: flags.minBenefit,
            nKnown: pool.known.length,
            poolTokens: pool.nTokens,
            choosings,
        };
        return {
            json: chooseJson(outcome),
            text: chooseText(outcome, context.terminal),
            exitCode: outcome.nNotMeasured > 0 ? 1 : 0,
        };
    });
}

/** Budgets as they are written: 1 is every row. */
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
    const shares = flags.budgets.filter((budget) => Number(budget) !== 1);
    const cuts = [
        ...(shares.length < flags.budgets.length ? [uncut] : []),
        ...(shares.length > 0 ? plannedCuts({policies: [flags.policy], budgets: shares}) : []),
    ];
    return names.flatMap((chooser) =>
        (wholeChoosers.includes(chooser) ? [null] : counts).flatMap((nFiles) =>
            cuts.map((cut) => ({chooser, nFiles, cut})),
        ),
    );
}

/** Every row: what hand-picked imports are compared with. */
const uncut: PlannedCut = plannedCuts({policies: ["full"], budgets: []})[0]!;

/** What all targets share: the known files' segments, by path and cut. */
interface Known {
    pool: ChoosePool;
    index: RepositoryIndex;
    segments: ReadonlyMap<string, ReadonlyMap<PlannedCut, NativeSegment>>;
    /** There when a chooser asks the model. */
    pages: AttentionPages | undefined;
}

interface Measuring {
    lab: QualityLab;
    pool: ChoosePool;
    choosings: readonly Choosing[];
    flags: ChooseFlags;
    progress: ProgressLine;
    signal: AbortSignal;
}

/** Reads the pool, then measures targets until there are enough whose imports help. */
async function measure({lab, pool, choosings, flags, progress, signal}: Measuring): Promise<Measured> {
    const cuts = [...new Set(choosings.map(({cut}) => cut))];
    const {missing} = await lab.possible(cuts);
    if (missing.length > 0) throw usage(`${missing[0]!.policy} cannot be measured here: ${missing[0]!.why}.`);
    const plan = await lab.plan(cuts);
    const measurer = new SampleMeasurer(lab, {
        plan,
        places: ["parallel"],
        nReads: nReads(cuts),
        onTokens: () => undefined,
    });
    const segments = new Map<string, Map<PlannedCut, NativeSegment>>();
    const measured: TargetMeasured[] = [];
    let nWithout = 0;
    try {
        const imported = new Set(pool.targets.flatMap(({imports}) => imports.map((file) => file.path)));
        for (const [i, file] of pool.known.entries()) {
            progress.show(`reading file ${i + 1}/${pool.known.length}`);
            const read = await measurer.read(file.path, lab.tokenize(fileText(file.path, file.text)));
            const ofCut = new Map<PlannedCut, NativeSegment>();
            segments.set(file.path, ofCut);
            for (const cut of imported.has(file.path) ? new Set([uncut, ...cuts]) : cuts) {
                const {counts, rows} = flatten(measurer.keep(read, cut));
                ofCut.set(cut, await lab.bed.context.withRoom(() => read.uncut.select(counts, rows)));
            }
            measurer.release();
        }
        const index = new RepositoryIndex();
        for (const {path: name, text, nTokens} of pool.known) index.set(name, text, nTokens);
        const pages = choosings.some(({chooser}) => chooser === "attention")
            ? await AttentionPages.of(
                  lab.bed,
                  pool.known.map((file) => ({path: file.path, segment: segments.get(file.path)!.get(cuts.at(-1)!)!})),
                  plan.profile,
              )
            : undefined;
        const known: Known = {pool, index, segments, pages};
        for (const target of pool.targets) {
            if (measured.length === flags.nTargets) break;
            progress.show(`measuring target ${measured.length + 1}/${flags.nTargets}`);
            const figures = await measureTarget(lab, known, target, choosings, flags.minBenefit);
            if (figures === undefined) nWithout++;
            else measured.push(figures);
        }
    } catch (error) {
        if (!signal.aborted && !isKvasirError(error, "cancelled")) throw error;
    } finally {
        for (const ofCut of segments.values()) for (const segment of ofCut.values()) segment.dispose();
        measurer.dispose();
    }
    return {measured, nWithout};
}

/** Share of a target's characters that stand before its cursor at least. */
const cursorShare = 0.2;

/** Behind the imports: what they bring is not written yet. At a line's end. */
export function cursorOf(text: string): number {
    const imports = [
        ...text.matchAll(/^(?:import\b|export\b[^;'"]*\bfrom\b|\}[ \t]*from\b|from\b|use\b|#include\b).*$/gm),
    ];
    const last = imports.at(-1);
    const least = Math.max(Math.floor(text.length * cursorShare), last === undefined ? 0 : last.index + last[0].length);
    return text.indexOf("\n", least) + 1 || text.length;
}

/** Undefined when the hand-picked imports help by less than `minBenefit` nats per token of their names. */
async function measureTarget(
    lab: QualityLab,
    {pool, index, segments, pages}: Known,
    target: Target,
    choosings: readonly Choosing[],
    minBenefit: number,
): Promise<TargetMeasured | undefined> {
    const {path: name, text} = target.file;
    const cursor = cursorOf(text);
    const textBeforeCursor = text.slice(0, cursor);
    const header = fileHeader(name);
    const before = lab.tokenize(`${header}${textBeforeCursor}`);
    const tokens = Uint32Array.from([...before, ...lab.tokenize(text.slice(cursor))]);
    if (tokens.length === before.length) return undefined;
    const others = pool.known.filter(({path: other}) => other !== name);
    const firstPosition = lab.bed.prefix.nTokens + lab.filePositions;
    const marks = marksOf({path: name, text, context: target.imports}, header, tokens, lab);
    const figures = new TargetFigures({tokens, marks, firstPosition, scoredFrom: before.length}, lab.nVocab);
    const partsOf = (paths: readonly string[], cut: PlannedCut) =>
        paths.map((file) => ({segment: segments.get(file)!.get(cut)!}));
    const right = target.imports.map((file) => file.path);
    const reference = await figures.reference(lab.bed, partsOf(right, uncut));
    const none = await figures.likelihood(lab.bed, []);
    if (!((none.identifiers ?? 0) - (reference.identifiers ?? 0) >= minBenefit)) return undefined;
    const looksAt = (await pages?.looksAt(name, before, firstPosition)) ?? [];
    const own = pool.known.find(({path: other}) => other === name);
    // What stands behind the cursor is not written yet.
    index.set(name, textBeforeCursor, before.length);
    const picked = choosings.map(({chooser, nFiles}) =>
        chosenFiles(chooser, {
            ...{target, textBeforeCursor, index, looksAt},
            known: others.map(({path: other}) => other),
            nFiles: nFiles ?? others.length,
            budgetTokens: pool.nTokens,
        }),
    );
    restore(index, name, own);
    const results: {figures: () => Omit<CutFigures, "bytes">; nTokens: number}[] = [];
    for (const [i, {cut}] of choosings.entries()) {
        const nTokens = others
            .filter(({path: other}) => picked[i]!.includes(other))
            .reduce((sum, file) => sum + file.nTokens, 0);
        results.push({figures: await figures.compared(lab.bed, partsOf(picked[i]!, cut)), nTokens});
    }
    figures.finish();
    return {
        path: name,
        none,
        reference,
        choosings: results.map((result, i) => ({...result.figures(), nTokens: result.nTokens, files: picked[i]!})),
    };
}

function restore(index: RepositoryIndex, name: string, own: RepositoryFile | undefined): void {
    if (own === undefined) index.delete(name);
    else index.set(name, own.text, own.nTokens);
}
