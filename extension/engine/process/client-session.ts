/**
 * Owns one client of the engine: checks what it says, carries out its calls, tells it the events, and when it is gone
 * takes back everything it had: running work, workspaces, conversations, its pause. Must not know sockets.
 */
import {type CancellationToken, type MessageConnection, ProgressType, ResponseError} from "vscode-jsonrpc/node";
import * as z from "zod";
import type {EngineApi, EngineStatus, ReadProgress, WorkspaceUpdate} from "../../protocol/engine.js";
import {type CrashRecord, type Suspect, refining, suspectOf} from "./crash-record.js";
import {KvasirError, busy, isKvasirError, toKvasirError} from "../../protocol/errors.js";
import {
    type RpcEvent,
    type RpcMethodName,
    type RpcParams,
    type RpcResult,
    kvasirErrorCode,
    rpcMethods,
    statusNotification,
} from "../../protocol/rpc.js";

/** What a session needs of the process around it. */
export interface SessionSurroundings {
    hello(params: RpcParams<"hello">): Promise<RpcResult<"hello">>;
    engine(): Promise<EngineApi>;
    shutdown(): void;
    setPaused(isPaused: boolean): Promise<void>;
    crashes: CrashRecord;
    /** Whether the client takes up what it is sent, so that it can be told more that it could do without. */
    hasRoom(): boolean;
    warn(message: string): void;
}

type Handlers = {
    [N in RpcMethodName]: (params: RpcParams<N>, signal: AbortSignal) => Promise<RpcResult<N>>;
};

/** Calls of one client that may wait or run at a time. A window has a handful. */
const maxRunningCalls = 128;
/** One on screen and one ahead of it; an older one is stale. */
const maxRunningCompletions = 2;

export const eventType = new ProgressType<RpcEvent>();

export class ClientSession {
    readonly #connection: MessageConnection;
    readonly #around: SessionSurroundings;
    /** Two windows on one folder may have different unsaved buffers: names of one client are not those of another. */
    readonly #prefix: string;
    readonly #running = new Set<AbortController>();
    readonly #completions: AbortController[] = [];
    /** Of each conversation the question at work: a newer one takes its place. */
    readonly #questions = new Map<string, AbortController>();
    /** Of each workspace the texts that it was given, as suspects. */
    readonly #workspaces = new Map<string, Map<string, Suspect>>();
    readonly #conversations = new Set<string>();
    #hasSaidHello = false;
    #isGone = false;

    constructor(connection: MessageConnection, clientNumber: number, around: SessionSurroundings) {
        this.#connection = connection;
        this.#around = around;
        this.#prefix = `${clientNumber}:`;
        const handlers = this.#handlers();
        for (const name of Object.keys(rpcMethods) as RpcMethodName[]) {
            connection.onRequest(name, (params: unknown, token: CancellationToken) =>
                this.#call(name, handlers[name] as never, params, token),
            );
        }
        connection.onUnhandledNotification(({method}) => around.warn(`there is no message "${method}".`));
    }

    tellStatus(status: EngineStatus): void {
        if (this.#isGone || !this.#hasSaidHello || !this.#around.hasRoom()) return;
        this.#connection.sendNotification(statusNotification, status).catch(() => undefined);
    }

    /** The connection is closed: nothing of this client stays. */
    async release(): Promise<void> {
        if (this.#isGone) return;
        this.#isGone = true;
        for (const controller of this.#running) controller.abort();
        if (!this.#hasSaidHello) return;
        await this.#around.setPaused(false);
        const engine = await this.#around.engine().catch(() => undefined);
        for (const conversation of this.#conversations) await engine?.forget(conversation).catch(() => undefined);
        for (const workspace of this.#workspaces.keys()) await engine?.closeWorkspace(workspace).catch(() => undefined);
    }

    async #call<N extends RpcMethodName>(
        name: N,
        run: (params: unknown, signal: AbortSignal) => Promise<RpcResult<N>>,
        params: unknown,
        token: CancellationToken,
    ): Promise<RpcResult<N>> {
        const controller = new AbortController();
        try {
            if (name !== "hello" && !this.#hasSaidHello) throw protocolBreach("the first call is hello.");
            if (this.#running.size >= maxRunningCalls) throw busy("the engine");
            const checked = rpcMethods[name].params.safeParse(params ?? {});
            if (!checked.success) throw protocolBreach(`${name}: ${z.prettifyError(checked.error)}`);
            this.#running.add(controller);
            const listening = token.onCancellationRequested(() => controller.abort());
            try {
                return await run(checked.data, controller.signal);
            } finally {
                listening.dispose();
            }
        } catch (error) {
            const isAbort = controller.signal.aborted && !isKvasirError(error);
            const known = isAbort ? new KvasirError("cancelled", `${name} was cancelled.`) : toKvasirError(error);
            if (known.code === "internal") this.#around.warn(`${name} failed: ${stackOf(error)}`);
            throw new ResponseError(kvasirErrorCode, known.message, known.toJSON());
        } finally {
            this.#running.delete(controller);
        }
    }

    #handlers(): Handlers {
        const engine = () => this.#around.engine();
        const scoped = (workspace: string) => this.#prefix + workspace;
        const done = async (work: Promise<unknown>) => {
            await work;
            return null;
        };
        return {
            hello: async (params) => {
                if (this.#hasSaidHello) throw protocolBreach("hello is said once.");
                this.#hasSaidHello = true;
                return this.#around.hello(params);
            },
            shutdown: async () => {
                // The answer goes out first.
                setImmediate(() => this.#around.shutdown());
                return null;
            },
            load: async ({events}, signal) => (await engine()).load(this.#shareOf(events), signal),
            unload: async () => done((await engine()).unload()),
            pause: async () => done(this.#around.setPaused(true)),
            resume: async () => done(this.#around.setPaused(false)),
            updateWorkspace: async (update) => {
                const workspace = scoped(update.workspace);
                return (await engine()).updateWorkspace(
                    this.#withoutQuarantined({...update, workspace, storedAs: update.workspace}),
                );
            },
            closeWorkspace: async ({workspace}) => {
                this.#workspaces.delete(scoped(workspace));
                return done((await engine()).closeWorkspace(scoped(workspace)));
            },
            read: async ({request, events}, signal) => {
                const workspace = scoped(request.workspace);
                return this.#watched(workspace, async (onProgress) =>
                    (await engine()).read(
                        {...request, workspace},
                        (progress) => {
                            onProgress(progress);
                            this.#tell(events, {kind: "progress", progress});
                        },
                        signal,
                    ),
                );
            },
            ask: async ({request, events}, signal) => {
                const conversation = scoped(request.conversation);
                this.#conversations.add(conversation);
                const workspace = scoped(request.workspace);
                const controller = followed(signal);
                this.#questions.get(conversation)?.abort();
                this.#questions.set(conversation, controller);
                return this.#watched(workspace, async (onProgress, onReadEnd) =>
                    (await engine()).ask(
                        {...request, workspace, conversation},
                        {
                            text: (piece) => this.#tell(events, {kind: "text", piece}),
                            thought: (piece) => this.#tell(events, {kind: "thought", piece}),
                            attended: (files, leftOut) => {
                                onReadEnd();
                                this.#tell(events, {kind: "attended", files, leftOut});
                            },
                            progress: (progress) => {
                                onProgress(progress);
                                this.#tell(events, {kind: "progress", progress});
                            },
                        },
                        controller.signal,
                    ),
                ).finally(() => {
                    if (this.#questions.get(conversation) === controller) this.#questions.delete(conversation);
                });
            },
            forget: async ({conversation, storedAs}) => {
                this.#conversations.delete(scoped(conversation));
                return done((await engine()).forget(scoped(conversation), storedAs));
            },
            complete: async (request, signal) => {
                const controller = followed(signal);
                this.#completions.push(controller);
                while (this.#completions.length > maxRunningCompletions) this.#completions.shift()?.abort();
                try {
                    const workspace = scoped(request.workspace);
                    return await (await engine()).complete({...request, workspace}, controller.signal);
                } finally {
                    const at = this.#completions.indexOf(controller);
                    if (at !== -1) this.#completions.splice(at, 1);
                }
            },
            files: async ({workspace}) => (await engine()).files(scoped(workspace)),
            keptLines: async ({workspace, path, text}) => (await engine()).keptLines(scoped(workspace), path, text),
            countTokens: async ({texts}) => (await engine()).countTokens(texts),
            calibrate: async ({workspace, events}, signal) =>
                (await engine()).calibrate({workspace: scoped(workspace)}, this.#shareOf(events), signal),
            headProfile: async () => (await (await engine()).headProfile()) ?? null,
            doctor: async () => (await engine()).doctor(),
            cacheList: async () => (await engine()).cacheList(),
            cacheDrop: async ({path}) => (await engine()).cacheDrop(path),
            cacheClear: async () => done((await engine()).cacheClear()),
            cacheVerify: async () => (await engine()).cacheVerify(),
        };
    }

    /** Leaves out the texts that have ended the engine too often, and notes the others, should one of them. */
    #withoutQuarantined(update: WorkspaceUpdate): WorkspaceUpdate {
        const texts = this.#workspaces.get(update.workspace) ?? new Map<string, Suspect>();
        this.#workspaces.set(update.workspace, texts);
        for (const file of update.remove ?? []) texts.delete(file);
        const leftOut: string[] = [];
        const upsert = update.upsert?.filter(({path: file, text}) => {
            const suspect = suspectOf(file, text);
            const isLeftOut = this.#around.crashes.isQuarantined(suspect);
            if (isLeftOut) leftOut.push(file);
            else texts.set(file, suspect);
            return !isLeftOut;
        });
        if (leftOut.length === 0) return update;
        this.#around.warn(`left out, because reading them has ended the engine: ${leftOut.join(", ")}`);
        return {...update, ...(upsert === undefined ? {} : {upsert}), remove: [...(update.remove ?? []), ...leftOut]};
    }

    /** Has the crash record know what is being read. */
    async #watched<T>(
        workspace: string,
        work: (onProgress: (progress: ReadProgress) => void, onReadEnd: () => void) => Promise<T>,
    ): Promise<T> {
        const {crashes} = this.#around;
        let nDone = 0;
        let current: Suspect | undefined;
        const end = (isThrough: boolean) => {
            if (current !== undefined) crashes.end(current, isThrough);
            current = undefined;
        };
        const onProgress = ({path: file, filesDone, isRefining}: ReadProgress) => {
            if (filesDone > nDone) end(true);
            nDone = filesDone;
            const suspect = file === undefined ? undefined : this.#workspaces.get(workspace)?.get(file);
            if (suspect === undefined) return;
            current = isRefining ? refining(suspect) : suspect;
            crashes.begin(current);
        };
        try {
            return await work(onProgress, () => end(false));
        } finally {
            end(false);
        }
    }

    #shareOf(events: number): (share: number) => void {
        return (share) => this.#tell(events, {kind: "share", share});
    }

    #tell(events: number, event: RpcEvent): void {
        const isNeeded = event.kind === "text" || event.kind === "thought" || event.kind === "attended";
        if (this.#isGone || (!isNeeded && !this.#around.hasRoom())) return;
        this.#connection.sendProgress(eventType, events, event).catch(() => undefined);
    }
}

/** Fires with the signal, or by itself. */
function followed(signal: AbortSignal): AbortController {
    const controller = new AbortController();
    signal.addEventListener("abort", () => controller.abort(), {once: true});
    return controller;
}

/** The other side is not a client of ours, or one with a bug. */
function protocolBreach(reason: string): KvasirError {
    return new KvasirError("usage", `the engine was sent a wrong message: ${reason}`, {
        fix: "Reload the window, so that both sides are of one version.",
    });
}

function stackOf(error: unknown): string {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
