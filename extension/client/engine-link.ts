/**
 * Owns one connection to an engine: requests with checked results, their events, cancellation, and the rejection of all
 * that is pending when the connection closes. It is used once; who wants another opens another.
 */
import type {Socket} from "node:net";
import {
    CancellationTokenSource,
    type Disposable,
    ProgressType,
    ResponseError,
    SocketMessageReader,
    SocketMessageWriter,
    createMessageConnection,
} from "vscode-jsonrpc/node";
import type {EngineStatus} from "../protocol/engine.js";
import {KvasirError, type KvasirErrorCode, cancelled, engineStopped, internal} from "../protocol/errors.js";
import {
    type RpcEvent,
    type RpcMethodName,
    type RpcParams,
    type RpcResult,
    errorDataSchema,
    rpcEvent,
    rpcMethods,
    statusNotification,
    statusSchema,
} from "../protocol/rpc.js";

export interface EngineLink {
    request<N extends RpcMethodName>(name: N, params: RpcParams<N>, signal?: AbortSignal): Promise<RpcResult<N>>;
    /** A number for the `events` of one request, and the end of listening. */
    listen(onEvent: (event: RpcEvent) => void): {events: number; dispose(): void};
    /** Called once. */
    onClose(listener: () => void): void;
    close(): void;
}

export interface LinkOptions {
    onStatus: (status: EngineStatus) => void;
    warn: (message: string) => void;
}

const eventType = new ProgressType<RpcEvent>();

export function linkTo(socket: Socket, {onStatus, warn}: LinkOptions): EngineLink {
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket), {
        error: warn,
        warn,
        info: () => {},
        log: () => {},
    });
    const pending = new Set<(error: unknown) => void>();
    const closeListeners: (() => void)[] = [];
    let isClosed = false;
    let nEvents = 0;
    const close = () => {
        if (isClosed) return;
        isClosed = true;
        for (const reject of pending) reject(engineStopped());
        pending.clear();
        connection.dispose();
        socket.destroy();
        for (const listener of closeListeners) listener();
    };
    connection.onClose(close);
    connection.onError(([error]) => {
        warn(`the connection is broken: ${error.message}`);
        close();
    });
    socket.on("close", close);
    connection.onNotification(statusNotification, (status: unknown) => {
        const checked = statusSchema.safeParse(status);
        if (checked.success) onStatus(checked.data);
        else warn("the engine sent a status that is none.");
    });
    connection.onUnhandledNotification(({method}) => warn(`there is no message "${method}".`));
    connection.listen();

    return {
        async request(name, params, signal) {
            if (signal?.aborted) throw cancelled(name);
            if (isClosed) throw engineStopped();
            const source = new CancellationTokenSource();
            const abort = () => source.cancel();
            signal?.addEventListener("abort", abort, {once: true});
            let reject: (error: unknown) => void = () => {};
            try {
                const closed = new Promise<never>((_, fail) => pending.add((reject = fail)));
                const answer = connection.sendRequest<unknown>(name, params, source.token);
                const result = rpcMethods[name].result.safeParse(await Promise.race([answer, closed]));
                if (!result.success) throw internal(new Error(`the engine's answer to ${name} has a wrong form.`));
                return result.data as never;
            } catch (error) {
                throw isClosed ? engineStopped() : errorOf(error);
            } finally {
                pending.delete(reject);
                signal?.removeEventListener("abort", abort);
                source.dispose();
            }
        },
        listen(onEvent) {
            const events = nEvents++;
            const listening: Disposable = connection.onProgress(eventType, events, (event: unknown) => {
                const checked = rpcEvent.safeParse(event);
                if (checked.success) onEvent(checked.data);
                else warn("the engine sent an event that is none.");
            });
            return {events, dispose: () => listening.dispose()};
        },
        onClose: (listener) => void (isClosed ? listener() : closeListeners.push(listener)),
        close,
    };
}

/** The coded error that crossed the connection, or a bug. */
function errorOf(error: unknown): unknown {
    if (!(error instanceof ResponseError)) return error;
    const data = errorDataSchema.safeParse(error.data);
    return data.success
        ? KvasirError.fromJSON({...data.data, code: data.data.code as KvasirErrorCode})
        : internal(error);
}
