/**
 * Scores segments again, with replay rows, while nothing else wants the device, and puts the better rows in their place;
 * or at once, when a client asks for it. An idle refinement that is interrupted is given up, with the memory it held: a
 * question never shares the device with a file that is half scored. Knows when and what, not how.
 */
import {refineOrder} from "../core/choose/refine-order.js";
import {defaultPolicyName, policyByName, refinementOf} from "../core/policy/presets.js";
import type {ReadFileReport, ReadReport} from "../protocol/engine.js";
import {isKvasirError, usage} from "../protocol/errors.js";
import type {LoadedEngine, Log} from "./loaded-engine.js";
import type {PartName} from "./kv/library.js";
import {partsOf, type ReadOptions} from "./reading.js";
import type {Scheduler} from "./scheduler.js";
import type {KnownWorkspace, PartTokens} from "./workspace/known-workspace.js";

/** Remembers what was scored again when an engine died, so that it is not tried for ever. */
export interface RefineWatch {
    /** False when it has ended the engine too often. */
    isRefinable(file: {path: string; text: string}): boolean;
    /** From now on a crash is this text's. @returns to be told that it is over, and whether it came through */
    beginRefining(file: {path: string; text: string}): (isThrough: boolean) => void;
}

export interface RefinerOptions {
    scheduler: Scheduler;
    loaded: () => LoadedEngine | undefined;
    workspaces: () => Iterable<KnownWorkspace>;
    /** A segment has been replaced by its refined one. */
    onDidRefine: () => void;
    log: Log;
    /** How long nothing may have been asked for before a refinement begins. */
    quietMs?: number | undefined;
    watch?: RefineWatch | undefined;
}

/** Between two questions, or two bursts of typing, there is less. */
const defaultQuietMs = 3000;
/** Of all KV memory: a part that needs more for its uncut rows and their repetition is left as it is. */
const maxWorkspaceShare = 0.5;

export class Refiner {
    readonly #options: RefinerOptions;
    readonly #quietMs: number;
    /** Parts that cannot be refined, each with the reason: not tried again until they change, or the model is loaded anew. */
    #givenUp = new WeakMap<PartTokens, string>();
    #timer: NodeJS.Timeout | undefined;
    #isPaused = false;
    #isRunning = false;
    /** Something has changed since the order was made. */
    #isStale = false;
    #stopping = new AbortController();

    constructor(options: RefinerOptions) {
        this.#options = options;
        this.#quietMs = options.quietMs ?? defaultQuietMs;
    }

    /** The device has become idle, or something about the files has changed. */
    expect(): void {
        clearTimeout(this.#timer);
        if (this.#isPaused) return;
        this.#timer = setTimeout(() => void this.#run(), this.#quietMs);
        this.#timer.unref();
    }

    pause(): void {
        this.#isPaused = true;
        this.#stop();
    }

    resume(): void {
        this.#isPaused = false;
        this.expect();
    }

    /** The model goes: what runs ends within one layer. */
    unload(): void {
        this.#stop();
        this.#givenUp = new WeakMap();
    }

    /** This workspace is gone, or does not want to be refined any more. */
    leave(): void {
        this.#stop();
        this.expect();
    }

    #stop(): void {
        clearTimeout(this.#timer);
        this.#stopping.abort();
        this.#stopping = new AbortController();
    }

    async #run(): Promise<void> {
        const {scheduler, loaded, onDidRefine, log} = this.#options;
        const engine = loaded();
        if (this.#isRunning) {
            this.#isStale = true;
            return;
        }
        // Whoever is busy now tells when it is done.
        if (engine === undefined || scheduler.running !== undefined || scheduler.nWaiting > 0) return;
        const {signal} = this.#stopping;
        this.#isRunning = true;
        this.#isStale = false;
        try {
            for await (const name of this.#wanted(engine)) {
                const isDone = await this.#refine(engine, name, signal);
                if (!isDone || signal.aborted || loaded() !== engine) return;
                await engine.store.flush();
                onDidRefine();
            }
        } catch (error) {
            log("error", `refining ended early: ${(error as Error).stack ?? String(error)}`);
        } finally {
            this.#isRunning = false;
            if (this.#isStale) this.expect();
        }
    }

    /** Why a part of this file was given up. */
    whyNot(workspace: KnownWorkspace, path: string): string | undefined {
        if (!workspace.isTokenised(path)) return undefined;
        return workspace
            .parts(path)
            .map((part) => this.#givenUp.get(part))
            .find((reason) => reason !== undefined);
    }

    /** Parts that have been read and not refined, the most valuable first. */
    async *#wanted(engine: LoadedEngine): AsyncGenerator<PartName> {
        const files = [...this.#options.workspaces()]
            // Until an answer has been given nobody knows whether one will ever be asked for.
            .filter(({mayRefine, nAttended}) => mayRefine && nAttended > 0)
            .flatMap((workspace) => {
                const places = new Map(workspace.open.map((path, place) => [path, place]));
                return [...workspace.files.values()]
                    .filter(({path}) => !workspace.excluded.has(path) && workspace.isTokenised(path))
                    .map(({path, hits, lastAttendedMs, mtimeMs}) => ({
                        ...{workspace, path, hits, lastAttendedMs, mtimeMs},
                        isPinned: workspace.pinned.includes(path),
                        openPlace: places.get(path),
                    }));
            });
        for (const {workspace, path} of refineOrder(files)) {
            if (!engine.library.canRefine({workspace, path})) continue;
            // Edited or gone since the order was made: then it has other parts, or none.
            for (const [index, part] of workspace.isTokenised(path) ? workspace.parts(path).entries() : []) {
                if (this.#givenUp.has(part)) continue;
                const {bytesPerToken} = engine.context;
                const {limitBytes} = engine.context.memory();
                if (2 * part.tokens.length * bytesPerToken > limitBytes * maxWorkspaceShare) {
                    this.#givenUp.set(part, "scoring it again needs more than half of the memory for what is kept");
                    continue;
                }
                if ((await engine.library.generation({workspace, path, index})) !== 0) continue;
                if (this.#hasEndedEngines(workspace, path))
                    this.#giveUp(path, part, "scoring it again has ended the engine again and again");
                else yield {workspace, path, index};
            }
        }
    }

    #hasEndedEngines(workspace: KnownWorkspace, path: string): boolean {
        const {watch} = this.#options;
        const file = workspace.files.get(path);
        return file !== undefined && watch !== undefined && !watch.isRefinable(file);
    }

    #giveUp(path: string, part: PartTokens, reason: string): void {
        this.#givenUp.set(part, reason);
        this.#options.log("warn", `${path} stays as it was read: ${reason}`);
    }

    /** @returns false when something more urgent came, or refining was stopped */
    async #refine(engine: LoadedEngine, name: PartName, signal: AbortSignal): Promise<boolean> {
        const {scheduler, watch} = this.#options;
        const part = name.workspace.parts(name.path)[name.index];
        if (part === undefined) return true;
        try {
            await scheduler.run(
                "refine",
                async (turn) => {
                    const asked = new AbortController();
                    turn.onAsked = () => asked.abort();
                    if (turn.isAskedToYield) asked.abort();
                    const file = name.workspace.files.get(name.path);
                    const end = file && watch?.beginRefining(file);
                    let isThrough = false;
                    try {
                        await engine.library.refine(name, {signal: AbortSignal.any([signal, asked.signal])});
                        isThrough = true;
                    } finally {
                        end?.(isThrough);
                    }
                },
                {signal, client: name.workspace.name},
            );
            return true;
        } catch (error) {
            // What a stop or an unload in the middle makes of it is no fault of the part.
            if (signal.aborted || isKvasirError(error, "cancelled")) return false;
            this.#giveUp(name.path, part, (error as Error).message);
            this.#options.onDidRefine();
            return true;
        }
    }
}

/** @throws KvasirError `usage` for a policy whose segments have nothing to gain */
export function checkRefinable(policyName: string): void {
    if (refinementOf(policyByName(policyName)) === undefined)
        throw usage(
            `files read with the policy ${policyName} are not refined.`,
            `Use ${defaultPolicyName}, or read with aha-replay at once.`,
        );
}

/** Refines the files of a report of a read, at once, and mends the report. What cannot be refined stays as it is. */
export async function refineFiles(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    report: ReadReport,
    {turn, signal, onProgress}: ReadOptions,
): Promise<ReadReport> {
    const start = performance.now();
    const tokensTotal = report.totals.tokens;
    const files: ReadFileReport[] = [];
    let tokensBefore = 0;
    for (const file of report.files) {
        const fileStart = performance.now();
        const tell = (nTokens: number) => {
            const tokensDone = tokensBefore + nTokens;
            const seconds = (performance.now() - start) / 1000;
            onProgress?.({
                filesDone: files.length,
                filesTotal: report.files.length,
                tokensDone,
                tokensTotal,
                path: file.path,
                isRefining: true,
                ...(tokensDone === 0 ? {} : {secondsLeft: ((tokensTotal - tokensDone) * seconds) / tokensDone}),
            });
        };
        let [keptRows, bytes, nRefined, nTokens] = [0, 0, 0, 0];
        const parts = [...partsOf(workspace, [file.path])];
        for (const part of parts) {
            tell(nTokens);
            const name = {workspace, ...part};
            const refined = await engine.library.refine(name, {turn, signal, onTokens: (n) => tell(nTokens + n)});
            if (refined !== undefined) nRefined++;
            const segment = refined ?? (await engine.library.fetch(name, {turn, signal})).segment;
            keptRows += segment.keptRows;
            bytes += segment.bytes;
            nTokens += segment.nTokens;
            await turn.share();
        }
        tokensBefore += nTokens;
        const refineMs = performance.now() - fileStart;
        files.push({...file, keptRows, bytes, refined: nRefined === parts.length, refineMs});
    }
    const totals = {
        ...report.totals,
        bytes: files.reduce((sum, {bytes}) => sum + bytes, 0),
        refineMs: performance.now() - start,
    };
    return {...report, files, totals};
}
