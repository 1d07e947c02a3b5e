/**
 * Owns the one engine of this process and the rule for clients that want different ones: the settings of the first
 * client hold while others use the engine; a client that is alone gets its own. Must not know connections.
 */
import {isDeepStrictEqual} from "node:util";
import {emptyStatus, type EngineApi, type EngineSettings, type EngineStatus} from "../../protocol/engine.js";
import type {CrashRecord} from "./crash-record.js";
import {toKvasirError} from "../../protocol/errors.js";

/** @param crashes where idle work is noted, so that what ends the engine again and again is left alone */
export type EngineFactory = (settings: EngineSettings, crashes: CrashRecord) => Promise<EngineApi>;

export class SharedEngine {
    readonly #create: (settings: EngineSettings) => Promise<EngineApi>;
    readonly #onStatus: (status: EngineStatus) => void;
    #settings: EngineSettings | undefined;
    #engine: Promise<EngineApi> | undefined;
    #current: EngineApi | undefined;
    #failure: EngineStatus["error"] | undefined;
    #unsubscribe: (() => void) | undefined;

    constructor(create: (settings: EngineSettings) => Promise<EngineApi>, onStatus: (status: EngineStatus) => void) {
        this.#create = create;
        this.#onStatus = onStatus;
    }

    /**
     * A client says what it wants.
     * @param isAlone whether no other client uses the engine
     * @returns the settings in force, and the names of those that differ from the wanted ones
     */
    async want(
        settings: EngineSettings,
        isAlone: boolean,
    ): Promise<{settings: EngineSettings; differing: (keyof EngineSettings)[]}> {
        let differing = this.#settings === undefined ? [] : differences(this.#settings, settings);
        // An engine that failed to start is tried again: what was missing may be there by now.
        const isUseless = this.#settings === undefined || this.#failure !== undefined;
        if (isUseless || (isAlone && differing.length > 0)) {
            await this.dispose();
            this.#settings = settings;
            differing = [];
            this.#start(settings);
        }
        return {settings: withoutSecrets(this.#settings ?? settings), differing};
    }

    /** @throws KvasirError whatever kept the engine from starting */
    async engine(): Promise<EngineApi> {
        if (this.#engine === undefined) throw new Error("nobody has said hello yet.");
        return this.#engine;
    }

    status(): EngineStatus {
        if (this.#failure !== undefined) return {...emptyStatus("failed"), error: this.#failure};
        return this.#current?.status() ?? emptyStatus("starting");
    }

    async dispose(): Promise<void> {
        const engine = this.#engine;
        this.#unsubscribe?.();
        this.#engine = this.#current = this.#failure = this.#settings = this.#unsubscribe = undefined;
        await engine?.then((running) => running.dispose()).catch(() => undefined);
    }

    #start(settings: EngineSettings): void {
        const engine = this.#create(settings);
        this.#engine = engine;
        engine.then(
            (running) => {
                if (this.#engine !== engine) return;
                this.#current = running;
                this.#unsubscribe = running.onDidChangeStatus((status) => this.#onStatus(status));
                this.#onStatus(running.status());
            },
            (error: unknown) => {
                if (this.#engine !== engine) return;
                this.#failure = toKvasirError(error).toJSON();
                this.#onStatus(this.status());
            },
        );
    }
}

/** Names of the settings that are not the same. */
function differences(a: EngineSettings, b: EngineSettings): (keyof EngineSettings)[] {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof EngineSettings>;
    return [...names].filter((name) => !isDeepStrictEqual(a[name], b[name])).sort();
}

/** As clients may see them. */
function withoutSecrets({storeKey: _storeKey, remote, ...told}: EngineSettings): EngineSettings {
    if (remote === undefined) return told;
    const {apiKey: _apiKey, ...server} = remote;
    return {...told, remote: server};
}
