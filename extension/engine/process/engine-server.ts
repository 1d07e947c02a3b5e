/**
 * Owns the socket of the engine process: who connects, how many there are, what is held back for a slow one, and when
 * nobody is left. Must not know what the calls mean.
 */
import {type Server, type Socket, createServer} from "node:net";
import {SocketMessageReader, SocketMessageWriter, createMessageConnection} from "vscode-jsonrpc/node";
import type {EngineStatus} from "../../protocol/engine.js";
import {type Endpoint, maxMessageBytes} from "../../protocol/rpc.js";
import type {CrashRecord} from "./crash-record.js";
import {ClientSession} from "./client-session.js";
import {greet} from "./greet.js";
import {type EngineFactory, SharedEngine} from "./shared-engine.js";

export interface ServerOptions {
    endpoint: Endpoint;
    createEngine: EngineFactory;
    log: (line: string) => void;
    crashes: CrashRecord;
    /** Signal and native stack of the engine before this one, when it died so. */
    lastCrash?: string | undefined;
    /** Called when the last client has gone (false: one has come). */
    onIdle: (isIdle: boolean) => void;
    /** A client asks the process to end. */
    onShutdown: () => void;
}

/** Windows and programs of one user; beyond it something is wrong. */
const maxClients = 64;
/** Behind this much unsent the client is told only what it cannot do without. */
const roomBytes = 1024 * 1024;
/** Behind this much it is put out: it does not listen. */
const maxUnsentBytes = 64 * 1024 * 1024;
/** Status changes with every token; a person sees ten a second. */
const statusPauseMs = 100;

export class EngineServer {
    readonly #options: ServerOptions;
    readonly #server: Server;
    readonly #shared: SharedEngine;
    readonly #clients = new Map<ClientSession, {socket: Socket; isPaused: boolean; name: string}>();
    #nClientsEver = 0;
    #isLeaving = false;
    #statusTimer: NodeJS.Timeout | undefined;
    #toldMs = 0;

    constructor(options: ServerOptions) {
        this.#options = options;
        const {createEngine, crashes} = options;
        this.#shared = new SharedEngine(
            (settings) => createEngine(settings, crashes),
            () => this.#scheduleStatus(),
        );
        this.#server = createServer({noDelay: true}, (socket) => void this.#welcome(socket));
    }

    get nClients(): number {
        return this.#clients.size;
    }

    listen(): Promise<void> {
        return new Promise((resolve, reject) => {
            this.#server.once("error", reject);
            this.#server.listen(this.#options.endpoint.socket, () => {
                this.#server.off("error", reject);
                this.#server.on("error", (error) => this.#options.log(`socket: ${error.message}`));
                resolve();
            });
        });
    }

    /** Takes nobody new, lets the engine write what it has, and closes every connection. */
    async close(): Promise<void> {
        this.#isLeaving = true;
        clearTimeout(this.#statusTimer);
        this.#server.close();
        await this.#shared.dispose();
        for (const {socket} of this.#clients.values()) socket.destroy();
    }

    async #welcome(socket: Socket): Promise<void> {
        socket.on("error", () => socket.destroy());
        const result = await greet(
            socket,
            this.#options.endpoint,
            () =>
                this.#isLeaving ? {reason: "leaving"} : this.#clients.size >= maxClients ? {reason: "full"} : undefined,
            () => this.#clients.size === 0,
        );
        if (result.kind === "noise") {
            socket.destroy();
            return;
        }
        if (result.kind === "refused") {
            this.#options.log(`a client was refused: ${result.reason}`);
            socket.end();
            if (result.reason === "protocol" && result.wantsItself && this.#clients.size === 0) {
                this.#options.onShutdown();
            }
            return;
        }
        this.#serve(socket);
    }

    #serve(socket: Socket): void {
        const clientNumber = ++this.#nClientsEver;
        const log = (message: string) => this.#options.log(`client ${clientNumber}: ${message}`);
        const reader = new SocketMessageReader(socket);
        limitMessages(socket, reader, log);
        const connection = createMessageConnection(reader, new SocketMessageWriter(socket), {
            error: log,
            warn: log,
            info: () => {},
            log: () => {},
        });
        const state = {socket, isPaused: false, name: ""};
        const session: ClientSession = new ClientSession(connection, clientNumber, {
            hello: async ({settings, name}) => {
                state.name = name;
                const isAlone = [...this.#clients.keys()].every((other) => other === session);
                const agreed = await this.#shared.want(settings, isAlone);
                const quarantined = this.#options.crashes.quarantined();
                const {lastCrash} = this.#options;
                return {
                    ...agreed,
                    status: this.#statusNow(),
                    clients: this.#clients.size,
                    quarantined,
                    ...(lastCrash === undefined ? {} : {lastCrash}),
                };
            },
            engine: () => this.#shared.engine(),
            crashes: this.#options.crashes,
            shutdown: () => this.#options.onShutdown(),
            setPaused: async (isPaused) => this.#setPaused(state, isPaused),
            hasRoom: () => {
                if (socket.writableLength > maxUnsentBytes) {
                    log("it does not take up what it is sent");
                    socket.destroy();
                }
                return socket.writableLength < roomBytes;
            },
            warn: log,
        });
        this.#clients.set(session, state);
        this.#options.onIdle(false);
        log("joined");
        const gone = () => {
            if (!this.#clients.delete(session)) return;
            log("gone");
            socket.destroy();
            void session.release().finally(() => {
                connection.dispose();
                this.#scheduleStatus();
                if (this.#clients.size === 0) this.#options.onIdle(true);
            });
        };
        connection.onClose(gone);
        // A message that is no JSON leaves the stream in an unknown place.
        connection.onError(([error]) => {
            log(`its connection is broken: ${error.message}`);
            gone();
        });
        socket.on("close", gone);
        connection.listen();
        this.#scheduleStatus();
    }

    /** Reading rests while a client that asked for it is there; anybody may end that. */
    async #setPaused(state: {isPaused: boolean}, isPaused: boolean): Promise<void> {
        const wasPaused = [...this.#clients.values()].some((client) => client.isPaused) || state.isPaused;
        if (isPaused) state.isPaused = true;
        else if (this.#isStillHere(state)) for (const client of this.#clients.values()) client.isPaused = false;
        else state.isPaused = false;
        const isNowPaused = [...this.#clients.values()].some((client) => client.isPaused);
        if (isNowPaused === wasPaused) return;
        const engine = await this.#shared.engine().catch(() => undefined);
        if (isNowPaused) engine?.pause();
        else engine?.resume();
    }

    /** False for a client that is being released: its leaving ends its own pause, not that of others. */
    #isStillHere(state: object): boolean {
        return [...this.#clients.values()].some((client) => client === state);
    }

    #statusNow(): EngineStatus {
        return {...this.#shared.status(), clients: this.#clients.size};
    }

    #scheduleStatus(): void {
        if (this.#statusTimer !== undefined || this.#isLeaving) return;
        const waitMs = Math.max(0, this.#toldMs + statusPauseMs - Date.now());
        this.#statusTimer = setTimeout(() => {
            this.#statusTimer = undefined;
            this.#toldMs = Date.now();
            const status = this.#statusNow();
            for (const session of this.#clients.keys()) session.tellStatus(status);
        }, waitMs);
    }
}

/** Puts out whoever sends more than one message may have without completing one. */
function limitMessages(socket: Socket, reader: SocketMessageReader, log: (message: string) => void): void {
    let nBytes = 0;
    const listen = reader.listen.bind(reader);
    reader.listen = (callback) => {
        socket.prependListener("data", (chunk: Buffer) => {
            nBytes += chunk.length;
            if (nBytes <= maxMessageBytes) return;
            log("its message is too long");
            socket.destroy();
        });
        return listen((message) => {
            nBytes = 0;
            callback(message);
        });
    };
}
