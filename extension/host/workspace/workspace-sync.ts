/**
 * Owns what the engine knows of the workspace: the first scan, the changes on disk and in buffers, and the sending of
 * texts, again from the start whenever there is a new engine. Texts are read when they are sent and never kept.
 */
import * as vscode from "vscode";
import {patternsOfGlobs} from "../../core/files/exclude-globs.js";
import {skipSentence, type SkipReason} from "../../core/files/skip-reason.js";
import type {WorkspaceUpdate} from "../../protocol/engine.js";
import {isKvasirError, untrustedWorkspace} from "../../protocol/errors.js";
import type {EngineClient} from "../../client/engine-client.js";
import {disposeAll} from "../feature.js";
import type {Log} from "../log.js";
import type {Settings} from "../settings.js";
import {createDiskWatch} from "./disk-watch.js";
import {createEditPauses} from "./edit-pauses.js";
import {MarkedFiles} from "./file-marks.js";
import {type Root, pathInRoots, rootsOf, uriInRoots} from "./folder-paths.js";
import {openUris} from "./open-editors.js";
import type {ScanRules} from "./scan-roots.js";
import type {SkippedFile, SyncState, WorkspaceFiles} from "./workspace-files.js";

export interface WorkspaceSync extends WorkspaceFiles, vscode.Disposable {
    /** Paths that were sent since the engine is there, newest change first, and those that come before them, nearest first. */
    readingOrder(): {paths: string[]; near: string[]};
    /** Called when the engine has been given texts. */
    onDidSend: vscode.Event<readonly string[]>;
}

/** More changes at once than this are a checkout or a build: one walk is cheaper than a look at each. */
const maxSingleLooks = 200;
const maxPortionFiles = 64;
const nSkippedKept = 5_000;

export interface SyncOptions {
    engine: EngineClient;
    settings: Settings;
    log: Log;
    state: vscode.Memento;
}

export function createWorkspaceSync({engine, settings, log, state: memento}: SyncOptions): WorkspaceSync {
    const changed = new vscode.EventEmitter<SyncState>();
    const sent = new vscode.EventEmitter<readonly string[]>();
    const marked = new MarkedFiles(memento);
    /** Files that may be read, with the time of their last change; what was sent is not in `waiting`. */
    const known = new Map<string, number>();
    let skipped: SkippedFile[] = [];
    let nSkipped = 0;
    /** In the order of sending; edits and open documents come first. */
    const urgent = new Set<string>();
    const waiting = new Set<string>();
    /** Something urgent has been taken out of its queue and is on its way. */
    let isUrgentOnItsWay = false;
    let marksAreSent = false;
    let roots: Root[] = [];
    let name: SyncState["name"] = "none";
    let scanning: Promise<void> | undefined;
    let scanStop = new AbortController();
    let pumping: Promise<void> | undefined;
    const edits = createEditPauses((uri) => {
        touch(uri);
        inBackground();
    });
    const disk = createDiskWatch((paths) => {
        lookAtChanges(paths).catch((error: unknown) => log.warn("Changes on disk were missed.", error));
    });
    let isDisposed = false;

    const id =
        vscode.workspace.workspaceFile?.toString() ?? vscode.workspace.workspaceFolders?.[0]?.uri.toString() ?? "empty";
    const rules = (): ScanRules => ({
        patterns: [
            ...patternsOfGlobs(
                vscode.workspace.getConfiguration("files").get<Record<string, unknown>>("exclude") ?? {},
            ),
            ...settings.get("reading.exclude"),
        ],
        limits: {maxFileBytes: settings.get("reading.maxFileKib") * 1024},
    });
    const setName = (next: SyncState["name"]) => {
        name = next;
        changed.fire(current());
    };
    const current = (): SyncState => ({name, known: known.size, skipped: nSkipped});

    function scan(): Promise<void> {
        scanStop.abort();
        const stop = (scanStop = new AbortController());
        const run = walk(stop.signal).finally(() => {
            if (scanning === run) scanning = undefined;
        });
        scanning = run;
        return run;
    }

    async function walk(signal: AbortSignal): Promise<void> {
        if (!vscode.workspace.isTrusted) return setName("untrusted");
        roots = rootsOf(vscode.workspace.workspaceFolders ?? []);
        disk.watch(roots);
        if (roots.length === 0) return setName("none");
        setName("scanning");
        const startedMs = Date.now();
        const {scanRoots} = await import("./scan-roots.js");
        const found = await scanRoots(roots, rules(), signal);
        if (signal.aborted) return;
        nSkipped = found.skipped.length;
        skipped = found.skipped.slice(0, nSkippedKept).map(({path, reason}) => skip(path, reason));
        const before = new Map(known);
        known.clear();
        for (const {path, mtimeMs} of found.files) {
            known.set(path, mtimeMs);
            if (before.get(path) !== mtimeMs) waiting.add(path);
            before.delete(path);
        }
        for (const path of before.keys()) waiting.add(path);
        log.info(`Found ${known.size} files to read and ${nSkipped} to leave, in ${Date.now() - startedMs} ms.`);
        for (const uri of openUris()) touch(uri);
        // Without reading in the background the engine is started by the first question, not by opening a window.
        if (!settings.get("reading.automatic") && engine.connection().name !== "connected") return setName("synced");
        setName("sending");
        inBackground();
    }

    function skip(path: string, reason: SkipReason): SkippedFile {
        return {path, reason: skipSentence(reason)};
    }

    /** Its text may differ from what the engine has, and somebody is looking at it. */
    function touch(uri: vscode.Uri): void {
        const path = pathInRoots(roots, uri);
        if (path === undefined || !known.has(path)) return;
        waiting.delete(path);
        urgent.add(path);
    }

    /** Sends what waits, one portion at a time, until there is nothing left or the engine does not take it. */
    function pump(): Promise<void> {
        return (pumping ??= sendAll().finally(() => (pumping = undefined)));
    }

    async function sendAll(): Promise<void> {
        if (!vscode.workspace.isTrusted || isDisposed) return;
        while (!isDisposed && (urgent.size > 0 || waiting.size > 0 || !marksAreSent)) {
            isUrgentOnItsWay = urgent.size > 0 || !marksAreSent;
            const taken = take();
            try {
                const update = await updateOf(taken);
                await engine.updateWorkspace(update);
                // Only now: an engine that died in between has not seen it.
                marksAreSent = true;
                isUrgentOnItsWay = false;
                sent.fire((update.upsert ?? []).map(({path}) => path));
            } catch (error) {
                for (const path of taken) urgent.add(path);
                throw error;
            } finally {
                isUrgentOnItsWay = false;
            }
        }
        if (name === "sending" || name === "scanning")
            if (scanning === undefined || waiting.size === 0) setName("synced");
    }

    function take(): string[] {
        const from = urgent.size > 0 ? urgent : waiting;
        const taken = [...from].slice(0, maxPortionFiles);
        for (const path of taken) from.delete(path);
        return taken;
    }

    async function updateOf(paths: readonly string[]): Promise<WorkspaceUpdate> {
        const {nextPortion} = await import("./next-portion.js");
        const {upsert, remove, left} = await nextPortion(paths, {roots, known, limits: rules().limits});
        for (const path of left) urgent.add(path);
        for (const {path, reason} of remove) {
            known.delete(path);
            if (reason === undefined) continue;
            nSkipped++;
            skipped = [...skipped.filter((other) => other.path !== path), skip(path, reason)];
        }
        const {pinned, excluded, budgets} = marked.marks;
        const ownBudgets = Object.fromEntries(
            upsert.flatMap(({path}) => (budgets[path] === undefined ? [] : [[path, budgets[path]]])),
        );
        return {
            workspace: id,
            ...(upsert.length > 0 ? {upsert} : {}),
            ...(remove.length > 0 ? {remove: remove.map(({path}) => path)} : {}),
            ...(Object.keys(ownBudgets).length > 0 ? {budgets: ownBudgets} : {}),
            ...(marksAreSent ? {} : {pinned: [...pinned], excluded: [...excluded]}),
            open: openPaths(),
        };
    }

    /** Known files that are open, the active one first. */
    function openPaths(): string[] {
        const open = openUris().flatMap((uri) => pathInRoots(roots, uri) ?? []);
        return [...new Set(open)].filter((path) => known.has(path));
    }

    /** A new engine knows nothing. */
    function sendAgain(): void {
        marksAreSent = false;
        urgent.clear();
        waiting.clear();
        for (const path of known.keys()) waiting.add(path);
        for (const uri of openUris()) touch(uri);
        if (name === "synced") setName("sending");
        inBackground();
    }

    function inBackground(): void {
        pump().catch((error: unknown) => {
            // Whoever asks a question is told; here it is tried again with the next change or engine.
            if (!isKvasirError(error, "engine-stopped")) log.warn("The files could not be sent to the engine.", error);
        });
    }

    async function lookAtChanges(paths: readonly string[]): Promise<void> {
        const {holdsRules, whySkipped} = await import("./scan-roots.js");
        if (paths.some(holdsRules) || paths.length > maxSingleLooks) return scan();
        for (const path of paths) {
            const root = roots.find(({prefix}) => path.startsWith(prefix));
            if (root === undefined) continue;
            const answer = await whySkipped(root, path.slice(root.prefix.length), rules());
            if (answer === "folder") return scan();
            if ("mtimeMs" in answer) {
                known.set(path, answer.mtimeMs);
                urgent.add(path);
            } else {
                // A folder that went takes what was in it.
                for (const other of [...known.keys()]) {
                    if (other !== path && !other.startsWith(`${path}/`)) continue;
                    known.delete(other);
                    urgent.add(other);
                }
                skipped = skipped.filter((other) => other.path !== path);
                if (answer.reason !== "missing" && answer.reason !== "excluded")
                    skipped.push(skip(path, answer.reason));
            }
        }
        changed.fire(current());
        inBackground();
    }

    async function mark(change: Promise<void>, path?: string): Promise<void> {
        await change;
        marksAreSent = false;
        changed.fire(current());
        if (path !== undefined && known.has(path)) {
            const budget = marked.marks.budgets[path];
            await flushOpen();
            await engine.updateWorkspace({workspace: id, budgets: {[path]: budget ?? null}});
        } else await flushOpen();
    }

    /** Ends when nothing urgent waits, whatever else is still being sent. */
    async function flushOpen(): Promise<void> {
        for (;;) {
            edits.settle();
            if (urgent.size === 0 && marksAreSent && !isUrgentOnItsWay) return;
            // The pump goes on with what is not urgent; its next portion is all that matters here.
            let next: vscode.Disposable | undefined;
            const portionSent = new Promise<void>((resolve) => {
                next = sent.event(() => resolve());
            });
            try {
                await Promise.race([pump(), portionSent]);
            } finally {
                next?.dispose();
            }
        }
    }

    const listening = disposeAll(
        vscode.workspace.onDidGrantWorkspaceTrust(() => void scan()),
        vscode.workspace.onDidChangeWorkspaceFolders(() => void scan()),
        vscode.workspace.onDidChangeTextDocument(({document, contentChanges}) => {
            if (contentChanges.length > 0) edits.edited(document.uri);
        }),
        vscode.workspace.onDidChangeNotebookDocument(({notebook}) => edits.edited(notebook.uri)),
        // A buffer closed without saving leaves the file on disk as the text.
        vscode.workspace.onDidCloseTextDocument(({uri}) => edits.edited(uri)),
        settings.onDidChange(["reading.exclude", "reading.maxFileKib"], () => void scan()),
        vscode.workspace.onDidChangeConfiguration((event) => {
            if (event.affectsConfiguration("files.exclude")) void scan();
        }),
        {
            dispose: engine.onDidChangeConnection((connection) => {
                if (connection.name === "connected") sendAgain();
            }),
        },
    );

    return {
        id,
        state: current,
        onDidChange: changed.event,
        onDidSend: sent.event,
        async flush(what = "all") {
            if (!vscode.workspace.isTrusted) throw untrustedWorkspace();
            if (what === "open") return flushOpen();
            // A connection made by this very call sends everything anew.
            await engine.connect();
            await scanning;
            edits.settle();
            const isBehind = () => urgent.size > 0 || waiting.size > 0 || !marksAreSent || pumping !== undefined;
            // Once disposed nothing is sent any more, and waiting for it would never let go of the thread.
            while (!isDisposed && isBehind()) await pump();
        },
        pathOf: (uri) => pathInRoots(roots, uri),
        uriOf: (path) => uriInRoots(roots, path),
        has: (path) => known.has(path),
        paths: () => [...known.keys()].sort(),
        skipped: () => skipped,
        readingOrder() {
            const paths = [...known]
                .filter(([path]) => !waiting.has(path) && !urgent.has(path) && !marked.marks.excluded.includes(path))
                .sort(([a, aMs], [b, bMs]) => bMs - aMs || (a < b ? -1 : 1))
                .map(([path]) => path);
            return {paths, near: [...new Set([...marked.marks.pinned, ...openPaths()])]};
        },
        choice() {
            return {
                pinned: marked.marks.pinned.filter((path) => known.has(path)),
                open: openPaths(),
                exclude: [...marked.marks.excluded],
            };
        },
        pinned: () => marked.marks.pinned,
        excluded: () => marked.marks.excluded,
        budgets: () => marked.marks.budgets,
        setPinned: (path, isPinned) => mark(marked.setPinned(path, isPinned)),
        setExcluded: (path, isExcluded) => mark(marked.setExcluded(path, isExcluded)),
        setBudget: (path, share) => mark(marked.setBudget(path, share), path),
        rescan: () => scan(),
        dispose() {
            isDisposed = true;
            scanStop.abort();
            listening.dispose();
            edits.dispose();
            disk.dispose();
            changed.dispose();
            sent.dispose();
        },
    };
}
