/**
 * The engine as its clients see it. Keeps workspaces and settings, loads the model when it is first needed, and lets
 * one job at a time use it. What the jobs do is in the files of the same folder.
 */
import path from "node:path";
import {calibrationPieces, calibrationTokens} from "./kv/calibrate.js";
import {calibrationPiecesOf} from "./kv/calibration-pieces.js";
import type {
    AnswerReport,
    AskRequest,
    CacheReport,
    CalibrateReport,
    CompleteRequest,
    CompletionReport,
    DoctorReport,
    EngineApi,
    EngineSettings,
    EngineStatus,
    FileStatus,
    KeptLines,
    ModelInfo,
    ReadProgress,
    ReadReport,
    ReadRequest,
    WorkspaceUpdate,
} from "../protocol/engine.js";
import {filePositions} from "../core/layout/chat-layout.js";
import {checkBudget} from "../core/policy/cut.js";
import {policyByName} from "../core/policy/presets.js";
import {KvasirError, toKvasirError} from "../protocol/errors.js";
import {answer, type AnswerEvents} from "./answering.js";
import {complete} from "./completing.js";
import {doctor} from "./doctor.js";
import {fileStatuses, keptLines} from "./file-status.js";
import {cutWaiting} from "./cut-waiting.js";
import {LoadedEngine, type Log} from "./loaded-engine.js";
import {Prefetcher} from "./prefetching.js";
import {conversationPath} from "./kv/turn-store.js";
import {readFiles} from "./reading.js";
import {checkRefinable, refineFiles, Refiner, type RefineWatch} from "./refining.js";
import {Scheduler, type Priority} from "./scheduler.js";
import {DiskStore} from "./store/disk-store.js";
import {StoreKey} from "./store/segment-seal.js";
import {ModelHasher} from "./store/model-hash.js";
import {KnownWorkspace} from "./workspace/known-workspace.js";

export interface EngineOptions {
    log?: Log;
    /** Quiet time before segments are scored again. */
    refineAfterMs?: number;
    refineWatch?: RefineWatch;
}

/** Disk limit when nobody says otherwise, MiB. */
const defaultCacheLimitMib = 8192;

/** @throws KvasirError `unknown-policy`, `usage` for settings that cannot be; a missing model is told by the first use */
export async function createEngine(settings: EngineSettings, options: EngineOptions = {}): Promise<EngineApi> {
    if (settings.remote !== undefined) {
        const {createRemoteEngine} = await import("./remote/remote-engine.js");
        return createRemoteEngine(settings, settings.remote);
    }
    const {log = () => {}} = options;
    policyByName(settings.policy);
    checkBudget(settings.budget);
    const disk = await DiskStore.open(path.join(settings.cacheDir, "segments"), {
        limitBytes: (settings.cacheLimitMib ?? defaultCacheLimitMib) * 2 ** 20,
        key: settings.storeKey === undefined ? undefined : StoreKey.parse(settings.storeKey),
        onDamage: ({path: file, reason}) => log("warn", `a damaged segment of ${file} was put away: ${reason}`),
    });
    const hasher = new ModelHasher(path.join(settings.cacheDir, "model-hashes.json"));
    return new Engine(settings, disk, hasher, {...options, log});
}

class Engine implements EngineApi {
    readonly #workspaces = new Map<string, KnownWorkspace>();
    readonly #listeners = new Set<(status: EngineStatus) => void>();
    readonly #scheduler = new Scheduler((running) => this.#setActivity(running));
    readonly #prefetcher = new Prefetcher({
        scheduler: this.#scheduler,
        loaded: () => this.#loaded,
        workspace: (name) => this.#workspaces.get(name),
        log: (level, message) => this.log(level, message),
    });
    readonly #refiner: Refiner;
    private readonly log: Log;
    #loading: Promise<LoadedEngine> | undefined;
    #loaded: LoadedEngine | undefined;
    #error: EngineStatus["error"];
    #activity: Priority | undefined;
    #progress: ReadProgress | undefined;
    #isPaused = false;
    #isUnloaded = false;

    constructor(
        private readonly settings: EngineSettings,
        private readonly disk: DiskStore,
        private readonly hasher: ModelHasher,
        {log, refineAfterMs, refineWatch}: EngineOptions & {log: Log},
    ) {
        this.log = log;
        disk.onDidChangeProblem(() => this.#changed());
        this.#refiner = new Refiner({
            scheduler: this.#scheduler,
            loaded: () => this.#loaded,
            workspaces: () => this.#workspaces.values(),
            onDidRefine: () => this.#changed(),
            log,
            quietMs: refineAfterMs,
            watch: refineWatch,
        });
    }

    status(): EngineStatus {
        // Called with every batch: everything here is a count that is kept, whatever the number of files.
        let [known, attended, knownTokens] = [0, 0, 0];
        for (const workspace of this.#workspaces.values()) {
            known += workspace.files.size;
            attended += workspace.nAttended;
            knownTokens += workspace.knownTokens;
        }
        const {nInMemory: resident = 0, nOnDisk: onDisk = 0, nRefined: refined = 0} = this.#loaded?.tiers ?? {};
        return {
            state: this.#state(),
            ...(this.#activity === undefined ? {} : {activity: this.#activity}),
            ...(this.#error === undefined ? {} : {error: this.#error}),
            ...(this.#loaded === undefined ? {} : {model: this.#loaded.info}),
            kv: this.#loaded?.context.memory() ?? {
                usedBytes: 0,
                peakBytes: 0,
                limitBytes: (this.settings.kvMib ?? 0) * 2 ** 20,
            },
            disk: {
                bytes: this.disk.bytes,
                limitBytes: this.disk.limitBytes,
                ...(this.disk.writeProblem === undefined ? {} : {problem: this.disk.writeProblem.toJSON()}),
            },
            files: {known, resident, onDisk, attended, unread: Math.max(0, known - resident - onDisk), refined},
            tokens: {known: knownTokens, kept: Math.round(this.#loaded?.store.keptRows ?? 0)},
            ...(this.#progress === undefined ? {} : {progress: this.#progress}),
            clients: 1,
        };
    }

    onDidChangeStatus(listener: (status: EngineStatus) => void): () => void {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    async load(onProgress?: (share: number) => void, signal?: AbortSignal): Promise<ModelInfo> {
        return (await this.#engine(onProgress, signal)).info;
    }

    async unload(): Promise<void> {
        this.#prefetcher.stop();
        this.#refiner.unload();
        const loading = this.#loading;
        this.#loading = undefined;
        this.#loaded = undefined;
        this.#isUnloaded = true;
        await (await loading?.catch(() => undefined))?.dispose();
        this.#changed();
    }

    pause(): void {
        this.#isPaused = true;
        this.#refiner.pause();
        this.#changed();
    }

    resume(): void {
        this.#isPaused = false;
        this.#refiner.resume();
        this.#changed();
    }

    async updateWorkspace(update: WorkspaceUpdate): Promise<{known: number}> {
        const workspace = await this.#workspace(update.workspace);
        workspace.update(update);
        if (update.open) this.#prefetcher.expect(update.workspace, {choice: {open: update.open}});
        if (update.refine === false) this.#refiner.leave();
        else if (workspace.mayRefine) this.#refiner.expect();
        this.#changed();
        return {known: workspace.files.size};
    }

    async closeWorkspace(name: string): Promise<void> {
        this.#workspaces.delete(name);
        this.#prefetcher.forget(name);
        this.#loaded?.tiers.forgetWorkspace(name);
        this.#loaded?.forget(`complete ${name}`);
        this.#refiner.leave();
        this.#changed();
    }

    async read(
        {workspace: name, paths, near, again, refine}: ReadRequest,
        onProgress?: (progress: ReadProgress) => void,
        signal?: AbortSignal,
    ): Promise<ReadReport> {
        if (refine) checkRefinable(this.settings.policy);
        const engine = await this.#engine(undefined, signal);
        const workspace = await this.#workspace(name);
        const tell = (progress: ReadProgress | undefined) => {
            this.#progress = progress;
            if (progress) onProgress?.(progress);
            this.#changed();
        };
        return this.#scheduler
            .run(
                "read",
                async (turn) => {
                    const options = {turn, signal, near, again, onProgress: tell};
                    let report = await readFiles(engine, workspace, paths, options);
                    // Files read before a head profile was known are cut once it is, from the scores of that read.
                    const {files: all, totals} = report;
                    const done = {filesDone: all.length, filesTotal: all.length, tokensDone: totals.tokens};
                    const measured = (measuredShare: number) =>
                        tell({...done, tokensTotal: totals.tokens, measuredShare});
                    if (engine.library.waitsForProfile && (await this.#calibrate(engine, workspace, measured, signal)))
                        report = await cutWaiting(engine, workspace, report);
                    if (refine) report = await refineFiles(engine, workspace, report, options);
                    await engine.store.flush();
                    return report;
                },
                {signal, client: name},
            )
            .finally(() => tell(undefined));
    }

    async ask(request: AskRequest, on: AnswerEvents, signal?: AbortSignal): Promise<AnswerReport> {
        const engine = await this.#engine(undefined, signal);
        const startMs = performance.now();
        const workspace = await this.#workspace(request.workspace);
        const report = await this.#scheduler.run(
            "ask",
            (turn) => answer(engine, workspace, request, on, {turn, signal, startMs}),
            {signal, client: request.workspace},
        );
        // The next question will probably be about what this conversation speaks of.
        this.#prefetcher.expect(request.workspace, {turns: request.turns});
        return report;
    }

    async forget(conversation: string, storedAs?: string): Promise<void> {
        this.#loaded?.forget(conversation);
        if (storedAs === undefined) return;
        // Behind what is still being written of it.
        await this.#loaded?.turns?.flush();
        await this.disk.drop(conversationPath(storedAs));
    }

    async complete(request: CompleteRequest, signal?: AbortSignal): Promise<CompletionReport> {
        const engine = await this.#engine(undefined, signal);
        const startMs = performance.now();
        const workspace = await this.#workspace(request.workspace);
        return this.#scheduler.run(
            "complete",
            (turn) => complete(engine, workspace, request, {turn, signal, startMs}),
            {signal, client: request.workspace},
        );
    }

    async files(name: string): Promise<FileStatus[]> {
        const workspace = await this.#workspace(name);
        return fileStatuses(this.#loaded, workspace, (path) => this.#refiner.whyNot(workspace, path));
    }

    async keptLines(name: string, file: string, text: string): Promise<KeptLines> {
        return keptLines(await this.#engine(), await this.#workspace(name), file, text);
    }

    async countTokens(texts: string[]): Promise<number[]> {
        const engine = await this.#engine();
        return texts.map((text) => engine.tokenize(text).length);
    }

    async calibrate(
        {workspace}: {workspace: string},
        onProgress?: (share: number) => void,
        signal?: AbortSignal,
    ): Promise<CalibrateReport> {
        const engine = await this.#engine(undefined, signal);
        const known = await this.#workspace(workspace);
        const start = performance.now();
        return this.#scheduler.run(
            "read",
            async () => {
                if (!(await this.#calibrate(engine, known, onProgress, signal)))
                    throw new KvasirError("usage", "there is too little text here to measure a head profile.", {
                        fix: "Run it in a repository with at least a dozen source files.",
                    });
                return {...profileReport(engine)!, ms: performance.now() - start};
            },
            {signal, client: workspace},
        );
    }

    async headProfile(): Promise<CalibrateReport | undefined> {
        return profileReport(await this.#engine());
    }

    async doctor(): Promise<DoctorReport> {
        return doctor(this.settings, () => this.#engine(), this.disk.writeProblem);
    }

    async cacheList(): Promise<CacheReport> {
        const stored = await this.disk.list();
        const store = this.#loaded?.store;
        const entries: CacheReport["entries"] = stored.map(({identity, path: file, nTokens, bytes, generation}) => ({
            path: file,
            tokens: nTokens,
            bytes,
            tier: store?.isResident(identity) ? "memory" : "disk",
            refined: (store?.generationOf(identity) ?? generation) > 0,
        }));
        const isStored = new Set(stored.map(({identity}) => identity));
        for (const {key} of store?.entries() ?? []) {
            const segment = store?.peek(key);
            if (segment === undefined || isStored.has(key)) continue;
            const {path: file, nTokens, generation} = segment.facts;
            entries.push({path: file, tokens: nTokens, bytes: segment.bytes, tier: "memory", refined: generation > 0});
        }
        return {entries, bytes: this.disk.bytes, limitBytes: this.disk.limitBytes};
    }

    async cacheDrop(file: string): Promise<number> {
        this.#loaded?.store.dropPath(file);
        const {nSegments} = await this.disk.drop(file);
        this.#changed();
        return nSegments;
    }

    async cacheClear(): Promise<void> {
        this.#loaded?.store.dropAll();
        await this.disk.clear();
        this.#changed();
    }

    async cacheVerify(): Promise<{checked: number; bad: {path: string; reason: string}[]}> {
        const {nChecked, damaged} = await this.disk.verify();
        return {checked: nChecked, bad: damaged.map(({path: file, reason}) => ({path: file, reason}))};
    }

    async dispose(): Promise<void> {
        await this.unload();
        await this.disk.close();
    }

    /** The loaded model; loading begins with the first call and is shared by all. A failure is told again only after a new try. */
    async #engine(onProgress?: (share: number) => void, signal?: AbortSignal): Promise<LoadedEngine> {
        if (this.#loading === undefined) {
            this.#isUnloaded = false;
            this.#error = undefined;
            const loading = LoadedEngine.load({
                settings: this.settings,
                disk: this.disk,
                hasher: this.hasher,
                log: this.log,
                onProgress,
                signal,
            });
            this.#loading = loading;
            this.#changed();
            loading.then(
                (loaded) => {
                    if (this.#loading === loading) this.#loaded = loaded;
                    this.#changed();
                },
                (error: unknown) => {
                    if (this.#loading === loading) this.#loading = undefined;
                    this.#error = toKvasirError(error).toJSON();
                    this.#changed();
                },
            );
        }
        return this.#loading;
    }

    async #workspace(name: string): Promise<KnownWorkspace> {
        let workspace = this.#workspaces.get(name);
        if (workspace === undefined) {
            // A workspace counts in the model's tokens, so there is none without a model.
            const engine = await this.#engine();
            workspace = this.#workspaces.get(name);
            if (workspace === undefined) {
                const maxTokens = filePositions(engine.model.description.window);
                // The model may be unloaded and loaded again meanwhile: a workspace outlives it.
                workspace = new KnownWorkspace(name, (text) => (this.#loaded ?? engine).tokenize(text), maxTokens);
                workspace.onDidChange = (file) => this.#loaded?.tiers.forget(name, file);
                this.#workspaces.set(name, workspace);
            }
        }
        return workspace;
    }

    /** @returns false when there is too little text to measure a profile on */
    async #calibrate(
        engine: LoadedEngine,
        workspace: KnownWorkspace,
        onProgress?: (share: number) => void,
        signal?: AbortSignal,
    ): Promise<boolean> {
        const pieces = calibrationPiecesOf(workspace, calibrationPieces, calibrationTokens);
        if (pieces === undefined) return false;
        await engine.calibrate(pieces, (share) => onProgress?.(share), signal);
        return true;
    }

    #state(): EngineStatus["state"] {
        if (this.#error) return "failed";
        if (this.#loaded === undefined) return this.#loading ? "loading" : this.#isUnloaded ? "unloaded" : "starting";
        if (this.#activity) return "busy";
        return this.#isPaused ? "paused" : "ready";
    }

    #setActivity(running: Priority | undefined): void {
        this.#activity = running;
        if (running === undefined) this.#refiner.expect();
        this.#changed();
    }

    #changed(): void {
        const status = this.#listeners.size === 0 ? undefined : this.status();
        if (status) for (const listener of this.#listeners) listener(status);
    }
}

function profileReport(engine: LoadedEngine): CalibrateReport | undefined {
    const found = engine.profile;
    return found && {path: found.path, budgets: found.profile.budgets, ms: 0};
}
