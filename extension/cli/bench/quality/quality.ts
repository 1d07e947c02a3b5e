/**
 * `kvasir bench quality`: what each policy loses on pairs of a target and the files it is written beside. Measures pair by
 * pair, so that an interrupted run still has rows of all policies.
 */
import {readFile} from "node:fs/promises";
import path from "node:path";
import {qualityRows, type PairFigures} from "../../../core/fidelity/measurements.js";
import {parsePairs, type Pairs} from "../../../core/fidelity/pairs.js";
import {
    fileMissing,
    isKvasirError,
    pairsInvalid,
    profileMismatch,
    toKvasirError,
    usage,
} from "../../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../../command-context.js";
import {checkModelExists, settingsOf} from "../../common-flags.js";
import {ProgressLine} from "../../output/progress-line.js";
import {formatMs, formatNumberOf} from "../../output/units.js";
import {nReads} from "./file-evidence.js";
import {writePage} from "./html-page.js";
import {prepareSamples, type PreparedSample} from "./prepared-sample.js";
import {checkSource, plannedCuts, plannedPlaces, type QualityFlags} from "./quality-flags.js";
import {QualityLab, type MissingPolicy} from "./quality-lab.js";
import {reportOf} from "./quality-report.js";
import {qualityJson, qualityText} from "./quality-text.js";
import {makeRepositoryPairs, writePairsFile} from "./repository-pairs.js";
import {SampleMeasurer} from "./sample-measurer.js";

export async function runQuality(context: CommandContext, flags: QualityFlags): Promise<CommandResult> {
    checkSource(flags);
    const asked = plannedCuts(flags);
    const places = plannedPlaces(flags);
    const settings = settingsOf(flags, context.root);
    const {signal} = context.interrupt;
    const given = flags.pairs === undefined ? undefined : await readPairs(path.resolve(context.root, flags.pairs));
    const profile =
        flags.profile === undefined ? undefined : await readProfile(path.resolve(context.root, flags.profile));
    checkModelExists(settings);
    const progress = new ProgressLine(context.terminal);
    const resolved = (name: string | undefined) => (name === undefined ? undefined : path.resolve(context.root, name));
    try {
        const lab = await QualityLab.open({
            settings,
            prefix: given?.prefix,
            profile,
            calibrateOn: resolved(flags.calibrateOn),
            signal,
            say: (what) => progress.show(what),
        });
        try {
            const pairs = given ?? (await pairsOfRepositories(context, flags, lab, progress));
            if (flags.pairsOnly === true) return writtenResult(pairs, flags.writePairs!);
            const {cuts, missing} = await lab.possible(asked);
            if (cuts.length === 0) throw nothingPossible(missing);
            const samples = prepareSamples(pairs, flags.pairs ?? "--repo", lab, {
                nPrefix: lab.bed.prefix.nTokens,
                filePositions: lab.filePositions,
                window: lab.window,
                places,
            });
            const plan = await lab.plan(cuts);
            const clock = new Clock(progress, samples, nReads(cuts), places.length * (cuts.length + 2));
            const measurer = new SampleMeasurer(lab, {
                plan,
                places,
                nReads: nReads(cuts),
                onTokens: (nTokens) => clock.advance(nTokens),
            });
            const measured = await measureAll(measurer, samples, clock, signal);
            const nNotMeasured = samples.length - measured.length / places.length;
            if (measured.length === 0) signal.throwIfAborted();
            const outcome = {
                nPairs: samples.length - nNotMeasured,
                nNotMeasured,
                rows: qualityRows(cuts, measured),
                missing,
            };
            let isWhole = nNotMeasured === 0;
            if (flags.html !== undefined) {
                try {
                    const report = await reportOf({lab, measurer, samples, cuts, plan, measured, outcome, flags});
                    await writePage(path.resolve(context.root, flags.html), report);
                } catch (error) {
                    // The rows took long to measure: they are printed whatever becomes of the page.
                    progress.clear();
                    const {code, message} = toKvasirError(error);
                    context.terminal.stderr.write(`error ${code}: the page was not written: ${message}\n`);
                    isWhole = false;
                }
            }
            measurer.dispose();
            return {
                json: qualityJson(outcome),
                text: qualityText(outcome, context.terminal),
                exitCode: isWhole ? 0 : 1,
            };
        } finally {
            await lab.close();
        }
    } finally {
        progress.clear();
    }
}

async function readPairs(file: string): Promise<Pairs> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        throw error.code === "ENOENT" ? fileMissing(file) : pairsInvalid(file, error.message, error);
    });
    return parsePairs(text, file);
}

/** Before the model is loaded; whether it fits the model is seen afterwards. */
async function readProfile(file: string): Promise<{path: string; text: string}> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        throw error.code === "ENOENT" ? fileMissing(file) : profileMismatch(file, error.message);
    });
    return {path: file, text};
}

async function pairsOfRepositories(
    context: CommandContext,
    flags: QualityFlags,
    lab: QualityLab,
    progress: ProgressLine,
): Promise<Pairs> {
    progress.show("making pairs");
    const pairs = await makeRepositoryPairs(
        (flags.repo ?? []).map((folder) => path.resolve(context.root, folder)),
        {nPairs: flags.nPairs, seed: flags.seed, maxFileTokens: lab.filePositions},
        (text) => lab.tokenize(text),
        context.interrupt.signal,
    );
    if (flags.writePairs !== undefined) await writePairsFile(path.resolve(context.root, flags.writePairs), pairs);
    return pairs;
}

/** Pairs one after another until the signal; an interrupted pair does not count. */
async function measureAll(
    measurer: SampleMeasurer,
    samples: readonly PreparedSample[],
    clock: Clock,
    signal: AbortSignal,
): Promise<PairFigures[]> {
    const measured: PairFigures[] = [];
    for (const sample of samples) {
        try {
            signal.throwIfAborted();
            measured.push(...(await measurer.measure(sample)));
            clock.nextPair();
        } catch (error) {
            if (!signal.aborted && !isKvasirError(error, "cancelled")) throw error;
            break;
        }
    }
    return measured;
}

function nothingPossible(missing: readonly MissingPolicy[]) {
    return usage(
        "none of these policies can be measured here.",
        missing.map(({policy, why}) => `${policy}: ${why}`).join("; ") + ".",
    );
}

function writtenResult({samples}: Pairs, file: string): CommandResult {
    return {
        json: {pairs: samples.length, path: file, rows: []},
        text: `${formatNumberOf(samples.length, "pair")} written to ${file}`,
    };
}

/** Says how far the measuring is, and how long it will take, by the tokens that are decoded. */
class Clock {
    readonly #startMs = performance.now();
    readonly #total: number;
    #done = 0;
    #nPairs = 0;

    constructor(
        readonly progress: ProgressLine,
        readonly samples: readonly PreparedSample[],
        nReadsOfFile: number,
        nRunsOfTarget: number,
    ) {
        this.#total = samples.reduce(
            (sum, {contexts, target}) =>
                sum +
                contexts.reduce((tokens, file) => tokens + file.tokens.length * nReadsOfFile, 0) +
                target.length * nRunsOfTarget,
            0,
        );
    }

    advance(nTokens: number): void {
        this.#done += nTokens;
        const elapsedMs = performance.now() - this.#startMs;
        const leftMs = (elapsedMs / this.#done) * (this.#total - this.#done);
        this.progress.show(
            `measuring pair ${Math.min(this.#nPairs + 1, this.samples.length)}/${this.samples.length}, ` +
                `${Math.floor((100 * this.#done) / this.#total)} %, ${formatMs(leftMs)} left`,
        );
    }

    nextPair(): void {
        this.#nPairs++;
    }
}
