/**
 * Owns the reading of the whole workspace in the background: when it runs, in which order, how it is paused and given
 * up, and the progress item; and whether the engine may refine what it has read. The engine yields to questions and
 * completions by itself.
 */
import * as vscode from "vscode";
import type {ReadProgress} from "../../protocol/engine.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {EngineClient} from "../../client/engine-client.js";
import {disposeAll} from "../feature.js";
import type {Log} from "../log.js";
import type {Settings} from "../settings.js";
import type {WorkspaceSync} from "./workspace-sync.js";

export interface BackgroundReading extends vscode.Disposable {
    progress(): ReadProgress | undefined;
    isPaused(): boolean;
    isSavingBattery(): boolean;
    onDidChange: vscode.Event<void>;
    pause(): void;
    resume(): void;
    /** Ends the running read; the next change of a file starts another. */
    cancel(): void;
    setSavingBattery(isSaving: boolean): void;
}

/** After the last text was sent; edits come in bursts. */
const settleMs = 1_500;
const settleOnBatteryMs = 30_000;

export interface ReadingOptions {
    engine: EngineClient;
    workspace: WorkspaceSync;
    settings: Settings;
    log: Log;
}

export function createBackgroundReading({engine, workspace, settings, log}: ReadingOptions): BackgroundReading {
    const changed = new vscode.EventEmitter<void>();
    let isPaused = false;
    let isSaving = false;
    let timer: NodeJS.Timeout | undefined;
    let running: {controller: AbortController; isStale: boolean} | undefined;
    let progress: ReadProgress | undefined;
    /** What the engine was told last; a new one was told nothing. */
    let toldRefine: boolean | undefined;

    /** Refining is twice the work of reading: not while somebody wants less of it. Starts no engine. */
    function tellRefine(): void {
        const refine = settings.get("reading.refine") && !isPaused && !isSaving;
        if (engine.connection().name !== "connected" || workspace.state().name === "untrusted") return;
        if (refine === (toldRefine ?? false)) return;
        toldRefine = refine;
        engine.updateWorkspace({workspace: workspace.id, refine}).catch((error: unknown) => {
            toldRefine = undefined;
            if (!isKvasirError(error, "engine-stopped")) log.warn("The engine was not told whether to refine.", error);
        });
    }

    const tell = () => {
        void vscode.commands.executeCommand("setContext", "kvasir.isReading", running !== undefined);
        void vscode.commands.executeCommand("setContext", "kvasir.isPaused", isPaused);
        changed.fire();
    };

    function schedule(): void {
        if (isPaused || !settings.get("reading.automatic")) return;
        clearTimeout(timer);
        timer = setTimeout(() => void run(), isSaving ? settleOnBatteryMs : settleMs);
    }

    async function run(): Promise<void> {
        if (isPaused) return;
        if (running !== undefined) {
            // What changed meanwhile is read afterwards.
            running.isStale = true;
            return;
        }
        if (workspace.state().name !== "synced") return schedule();
        const {paths, near} = workspace.readingOrder();
        if (paths.length === 0) return;
        const mine = (running = {controller: new AbortController(), isStale: false});
        tell();
        try {
            const report = await engine.read(
                {workspace: workspace.id, paths, near},
                (next) => {
                    progress = next;
                    changed.fire();
                },
                mine.controller.signal,
            );
            const nRead = report.files.filter(({source}) => source === "read").length;
            if (nRead > 0)
                log.info(
                    `Read ${nRead} files (${report.totals.tokens} tokens) in ${Math.round(report.totals.ms / 1000)} s.`,
                );
        } catch (error) {
            if (isKvasirError(error, "cancelled") || isKvasirError(error, "engine-stopped")) mine.isStale = false;
            else log.warn("Reading in the background ended early.", error);
        } finally {
            running = undefined;
            progress = undefined;
            tell();
        }
        if (mine.isStale) schedule();
    }

    function stop(): void {
        clearTimeout(timer);
        running?.controller.abort();
    }

    const listening = disposeAll(
        workspace.onDidSend((paths) => {
            if (paths.length > 0) schedule();
            tellRefine();
        }),
        {
            dispose: engine.onDidChangeConnection(({name}) => {
                if (name !== "connected") toldRefine = undefined;
            }),
        },
        settings.onDidChange(["reading.refine"], tellRefine),
        settings.onDidChange(["reading.automatic"], () => {
            if (settings.get("reading.automatic")) schedule();
            else stop();
        }),
    );
    return {
        progress: () => progress,
        isPaused: () => isPaused,
        isSavingBattery: () => isSaving,
        onDidChange: changed.event,
        pause() {
            isPaused = true;
            engine.pause();
            stop();
            tellRefine();
            tell();
        },
        resume() {
            isPaused = false;
            engine.resume();
            schedule();
            tellRefine();
            tell();
        },
        cancel: stop,
        setSavingBattery(next) {
            isSaving = next;
            tellRefine();
            tell();
        },
        dispose() {
            stop();
            listening.dispose();
            changed.dispose();
        },
    };
}
