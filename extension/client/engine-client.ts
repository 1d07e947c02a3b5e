/**
 * Owns the shared engine process as its users see it (a window, `kvasir serve`): EngineApi over a connection that is made
 * at the first use, made again after the engine has died (sooner at first, then less often), and given up when that does
 * not help. Knows no editor.
 */
import {emptyStatus, type EngineApi, type EngineSettings, type EngineStatus} from "../protocol/engine.js";
import {KvasirError, engineStopped, engineUnreachable, isKvasirError, toKvasirError} from "../protocol/errors.js";
import type {HelloReply} from "../protocol/rpc-schemas.js";
import type {RpcEvent, RpcMethodName, RpcParams, RpcResult} from "../protocol/rpc.js";
import type {EngineLink} from "./engine-link.js";
import {type EngineProgram, engineLogName, lastLogLine, startEngine} from "./start-engine.js";

/**
 * `idle`: not started yet (the first use starts it); `connecting`: starting or joining; `waiting`: it died and is
 * started again after a pause; `failed`: given up until someone asks again.
 */
export type ConnectionState =
    | {name: "idle"}
    | {name: "connecting"}
    | {name: "connected"; pid: number; isFirst: boolean}
    | {name: "waiting"; retryAtMs: number; reason: string}
    | {name: "failed"; code: string; message: string; fix?: string | undefined};

/**
 * The engine as a window or a server sees it. Calls connect by themselves; a call that was running when the engine died
 * fails with a coded error, and whoever made it may call again: files and pins are sent anew by then.
 */
export interface EngineClient extends EngineApi {
    connection(): ConnectionState;
    onDidChangeConnection(listener: (state: ConnectionState) => void): () => void;
    /** Starts or joins the engine now. */
    connect(): Promise<void>;
    /** Ends the engine process (for every window) and starts a new one. */
    restart(): Promise<void>;
}

export interface EngineClientOptions {
    folder: string;
    program: () => EngineProgram;
    /** Looked at anew whenever the engine is joined. */
    settings: () => EngineSettings | Promise<EngineSettings>;
    /** Of this client, for the engine's log. */
    name: string;
    log: {info(message: string): void; warn(message: string, error?: unknown): void};
    /** What the engine said when this client joined. */
    onHello?: (reply: HelloReply) => void;
    /** Pauses before each new try after the engine died. */
    backoffMs?: readonly number[];
    startTimeoutMs?: number;
}

/** After the last pause the client waits for somebody to ask. A connection that held this long starts anew. */
const defaultBackoffMs = [100, 500, 2_000, 5_000, 15_000];
const stableMs = 60_000;
const defaultStartTimeoutMs = 30_000;
const pollMs = 25;
/** Each ended because another was there, which then did not take us. */
const maxStarts = 5;
/** Engines that end before they have said hello back. */
const maxJoins = 3;

/** Leaves the engine and joins it again, so that changed settings are looked at; what runs is ended. */
export type RejoiningEngineClient = EngineClient & {rejoin(): Promise<void>};

export function createEngineClient(options: EngineClientOptions): RejoiningEngineClient {
    const {folder, log} = options;
    const backoffMs = options.backoffMs ?? defaultBackoffMs;
    let state: ConnectionState = {name: "idle"};
    let status = emptyStatus("unloaded");
    let link: EngineLink | undefined;
    let connecting: Promise<EngineLink> | undefined;
    let retry: {timer: NodeJS.Timeout} | undefined;
    let nFailures = 0;
    let connectedAtMs = 0;
    let isDisposed = false;
    let isPaused = false;
    const statusListeners = new Set<(status: EngineStatus) => void>();
    const stateListeners = new Set<(state: ConnectionState) => void>();

    const setStatus = (next: EngineStatus) => {
        status = next;
        for (const listener of [...statusListeners]) guarded(() => listener(next));
    };
    const setState = (next: ConnectionState) => {
        state = next;
        for (const listener of [...stateListeners]) guarded(() => listener(next));
    };
    const guarded = (run: () => void) => {
        try {
            run();
        } catch (error) {
            log.warn("A listener failed.", error);
        }
    };

    /** The one way to a connection; calls that come together share it. */
    function connected(): Promise<EngineLink> {
        if (isDisposed) return Promise.reject(engineStopped());
        if (link !== undefined) return Promise.resolve(link);
        if (connecting !== undefined) return connecting;
        clearRetry();
        setState({name: "connecting"});
        const attempt: Promise<EngineLink> = open().then(
            (opened) => {
                if (connecting === attempt) connecting = undefined;
                return opened;
            },
            (error: unknown) => {
                if (connecting === attempt) connecting = undefined;
                const known = toKvasirError(error);
                log.warn("The engine cannot be reached.", known);
                if (!isDisposed) {
                    setState({name: "failed", code: known.code, message: known.message, fix: known.fix});
                    setStatus({...emptyStatus("failed"), error: known.toJSON()});
                }
                throw known;
            },
        );
        connecting = attempt;
        return attempt;
    }

    async function open(): Promise<EngineLink> {
        for (let attempt = 1; ; attempt++) {
            try {
                return await openOnce();
            } catch (error) {
                // Of engines that start together one stays; who was let in by another before it left looks again.
                if (isDisposed || attempt >= maxJoins || !isKvasirError(error, "engine-stopped")) throw error;
            }
        }
    }

    async function openOnce(): Promise<EngineLink> {
        // Schemas and JSON-RPC take a moment to load, which must not be the editor's start.
        const {linkTo} = await import("./engine-link.js");
        const {socket, pid, isFirst} = await joinOrStart();
        const opened = linkTo(socket, {onStatus: setStatus, warn: (message) => log.warn(`Engine: ${message}`)});
        opened.onClose(() => lost(opened));
        const hello = await opened.request("hello", {settings: await options.settings(), name: options.name});
        if (isDisposed) {
            opened.close();
            throw engineStopped();
        }
        link = opened;
        connectedAtMs = Date.now();
        log.info(`${isFirst ? "Started" : "Joined"} the engine (process ${pid}).`);
        if (isPaused) await opened.request("pause", {});
        setStatus(hello.status);
        options.onHello?.(hello);
        setState({name: "connected", pid, isFirst});
        return opened;
    }

    async function joinOrStart() {
        const {joinEngine} = await import("./find-engine.js");
        const deadlineMs = Date.now() + (options.startTimeoutMs ?? defaultStartTimeoutMs);
        let started: Awaited<ReturnType<typeof startEngine>> | undefined;
        let isFirst = false;
        let nStarted = 0;
        for (;;) {
            if (isDisposed) throw engineStopped();
            const found = await joinEngine(folder);
            if (found.kind === "joined") return {...found, isFirst: isFirst && found.pid === started?.pid};
            const ended = started?.ended();
            if (started === undefined) {
                if (++nStarted > maxStarts) throw engineUnreachable(found.reason);
                started = await startEngine(folder, options.program(), (how) =>
                    log.warn(`The engine process ended ${how}; its last words are in ${engineLogName}.`),
                );
                isFirst = true;
            } else if (ended !== undefined && ended.code !== 0) {
                throw engineUnreachable((await lastLogLine(folder)) ?? "its process ended at once");
            } else if (ended !== undefined) {
                // Another engine was there first, and may be gone again by now.
                started = undefined;
            }
            if (Date.now() > deadlineMs) throw engineUnreachable(found.reason);
            await new Promise((resolve) => setTimeout(resolve, pollMs));
        }
    }

    function lost(which: EngineLink): void {
        if (link !== which) return;
        link = undefined;
        if (isDisposed) return;
        log.warn("The connection to the engine was lost.");
        if (Date.now() - connectedAtMs > stableMs) nFailures = 0;
        scheduleRetry("the engine ended");
    }

    function scheduleRetry(reason: string): void {
        const pauseMs = backoffMs[nFailures++];
        if (pauseMs === undefined) {
            const error = engineUnreachable("it ended again and again");
            setState({name: "failed", code: error.code, message: error.message, fix: error.fix});
            setStatus({...emptyStatus("failed"), error: error.toJSON()});
            return;
        }
        setState({name: "waiting", retryAtMs: Date.now() + pauseMs, reason});
        setStatus(emptyStatus("starting"));
        retry = {
            timer: setTimeout(() => {
                retry = undefined;
                connected().catch((error: unknown) => {
                    // What a person must do something about does not go away by trying.
                    if (!isDisposed && !isKvasirError(error, "engine-version"))
                        scheduleRetry("it could not be started");
                });
            }, pauseMs),
        };
    }

    function clearRetry(): void {
        clearTimeout(retry?.timer);
        retry = undefined;
    }

    async function call<N extends RpcMethodName>(
        name: N,
        params: RpcParams<N>,
        signal?: AbortSignal,
    ): Promise<RpcResult<N>> {
        if (signal?.aborted) throw new KvasirError("cancelled", `${name} was cancelled.`);
        return (await connected()).request(name, params, signal);
    }

    /** A long call: `make` gets the number of its events. */
    async function follow<N extends RpcMethodName>(
        name: N,
        make: (events: number) => RpcParams<N>,
        onEvent: (event: RpcEvent) => void,
        signal?: AbortSignal,
    ): Promise<RpcResult<N>> {
        if (signal?.aborted) throw new KvasirError("cancelled", `${name} was cancelled.`);
        const to = await connected();
        const listening = to.listen((event) => guarded(() => onEvent(event)));
        try {
            return await to.request(name, make(listening.events), signal);
        } finally {
            listening.dispose();
        }
    }

    const onShare = (listener?: (share: number) => void) => (event: RpcEvent) => {
        if (event.kind === "share") listener?.(event.share);
    };

    return {
        connection: () => state,
        onDidChangeConnection(listener) {
            stateListeners.add(listener);
            return () => void stateListeners.delete(listener);
        },
        async connect() {
            await connected();
        },
        async restart() {
            nFailures = 0;
            clearRetry();
            const old = link ?? (await connecting?.catch(() => undefined));
            link = undefined;
            if (old !== undefined) {
                const closed = new Promise<void>((resolve) => old.onClose(resolve));
                await old.request("shutdown", {}).catch(() => undefined);
                // It writes what it has first; who does not end in time is left to itself, and we go on.
                await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5_000))]);
                old.close();
            }
            await connected();
        },
        async rejoin() {
            if (link === undefined && connecting === undefined) return;
            const old = link ?? (await connecting?.catch(() => undefined));
            link = undefined;
            nFailures = 0;
            old?.close();
            await connected();
        },
        status: () => status,
        onDidChangeStatus(listener) {
            statusListeners.add(listener);
            return () => void statusListeners.delete(listener);
        },
        load: (onProgress, signal) => follow("load", (events) => ({events}), onShare(onProgress), signal),
        async unload() {
            // An engine that does not run has nothing loaded.
            if (link !== undefined || connecting !== undefined) await call("unload", {});
        },
        pause() {
            isPaused = true;
            link?.request("pause", {}).catch((error: unknown) => log.warn("Reading could not be paused.", error));
        },
        resume() {
            isPaused = false;
            link?.request("resume", {}).catch((error: unknown) => log.warn("Reading could not be resumed.", error));
        },
        updateWorkspace: (update) => call("updateWorkspace", update),
        async closeWorkspace(workspace) {
            if (link !== undefined) await link.request("closeWorkspace", {workspace});
        },
        read: (request, onProgress, signal) =>
            follow(
                "read",
                (events) => ({request, events}),
                (event) => {
                    if (event.kind === "progress") onProgress?.(event.progress);
                },
                signal,
            ),
        ask: (request, on, signal) =>
            follow(
                "ask",
                (events) => ({request, events}),
                (event) => {
                    switch (event.kind) {
                        case "text":
                            return on.text?.(event.piece);
                        case "thought":
                            return on.thought?.(event.piece);
                        case "attended":
                            return on.attended?.(event.files, event.leftOut);
                        case "progress":
                            return on.progress?.(event.progress);
                        case "share":
                            return undefined;
                    }
                },
                signal,
            ),
        async forget(conversation, storedAs) {
            // What is on disk is there without an engine too; what is in memory went with it.
            if (storedAs !== undefined) await call("forget", {conversation, storedAs});
            else if (link !== undefined) await link.request("forget", {conversation});
        },
        complete: (request, signal) => call("complete", request, signal),
        files: (workspace) => call("files", {workspace}),
        keptLines: (workspace, path, text) => call("keptLines", {workspace, path, text}),
        countTokens: (texts) => call("countTokens", {texts}),
        calibrate: ({workspace}, onProgress, signal) =>
            follow("calibrate", (events) => ({workspace, events}), onShare(onProgress), signal),
        headProfile: async () => (await call("headProfile", {})) ?? undefined,
        doctor: () => call("doctor", {}),
        cacheList: () => call("cacheList", {}),
        cacheDrop: (path) => call("cacheDrop", {path}),
        async cacheClear() {
            await call("cacheClear", {});
        },
        cacheVerify: () => call("cacheVerify", {}),
        async dispose() {
            isDisposed = true;
            clearRetry();
            link?.close();
            link = undefined;
        },
    };
}
