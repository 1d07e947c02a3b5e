/**
 * Owns the life of an engine process: it makes itself findable, serves, leaves when another has taken its place or
 * nobody has used it for a while, and ends in order when it is told to. Must not know which engine it serves.
 */
import type {Endpoint} from "../../protocol/rpc.js";
import {CrashRecord} from "./crash-record.js";
import {endpointAnswers} from "./endpoint-answers.js";
import {
    ensurePrivateFolder,
    newEndpoint,
    publishEndpoint,
    readEndpoint,
    removeLeftovers,
    withdrawEndpoint,
} from "./endpoint-file.js";
import {EngineServer} from "./engine-server.js";
import {takeNativeStack} from "./native-stack.js";
import type {EngineFactory} from "./shared-engine.js";

export interface EngineProcessOptions {
    /** The private folder in which clients look. */
    folder: string;
    version: string;
    /** How long it stays after the last client. */
    idleMs: number;
    createEngine: EngineFactory;
    log: (line: string) => void;
}

export interface EngineProcess {
    /** Ends when the process has nothing more to do, with the reason. */
    readonly ended: Promise<"idle" | "replaced" | "asked">;
    /** Ends it in order. */
    stop(): void;
}

/** Two that start at once write one after the other within this; the one whose file was overwritten leaves. */
const settleMs = 60;
/** How often an engine looks whether the file is still its own. */
const lookMs = 5_000;
/** The first client comes at once or not at all, but a busy machine may take its time. */
const firstClientMs = 60_000;

/**
 * @returns undefined when another engine answers already
 * @throws KvasirError `engine-unreachable` when the folder cannot be private; what listening throws
 */
export async function startEngineProcess(options: EngineProcessOptions): Promise<EngineProcess | undefined> {
    const {folder, log} = options;
    await ensurePrivateFolder(folder);
    if (await findsAnother(folder)) return undefined;

    const endpoint = newEndpoint(folder, options.version);
    let finish: (reason: "idle" | "replaced" | "asked") => void = () => {};
    const ending = new Promise<"idle" | "replaced" | "asked">((resolve) => (finish = resolve));
    let idleTimer: NodeJS.Timeout | undefined;
    const startIdling = (ms: number) => {
        clearTimeout(idleTimer);
        idleTimer = setTimeout(() => finish("idle"), ms);
    };
    const crashes = new CrashRecord(folder);
    if (crashes.died !== undefined) {
        const {path: file, nCrashes, isRefining} = crashes.died;
        const work = isRefining ? "scoring it again" : "reading it";
        log(`the last engine died at ${file}, while it was ${work} (${nCrashes} times in a row)`);
    }
    const lastCrash = takeNativeStack(folder);
    if (lastCrash !== undefined) log(`the last engine died in native code: ${lastCrash.replaceAll("\n", " | ")}`);
    const server = new EngineServer({
        endpoint,
        lastCrash,
        createEngine: options.createEngine,
        log,
        crashes,
        onIdle: (isIdle) => (isIdle ? startIdling(options.idleMs) : clearTimeout(idleTimer)),
        onShutdown: () => finish("asked"),
    });
    await server.listen();
    // Listening takes a while on a busy machine, and others may start at the same time: look again before each try.
    for (let isPublished = false; !isPublished;) {
        const other = await readEndpoint(folder);
        if (other !== undefined && (await endpointAnswers(other))) {
            await server.close();
            await withdrawEndpoint(folder, endpoint);
            return undefined;
        }
        isPublished = await publishEndpoint(folder, endpoint, other);
    }
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    if (await isReplaced(folder, endpoint)) {
        await server.close();
        await withdrawEndpoint(folder, endpoint);
        return undefined;
    }
    await removeLeftovers(folder, endpoint);
    if (server.nClients === 0) startIdling(Math.max(options.idleMs, firstClientMs));
    const looking = setInterval(() => {
        void isReplaced(folder, endpoint).then(async (replaced) => {
            if (replaced && server.nClients === 0) finish("replaced");
            // Somebody tidied the folder up: without the file nobody new would find us.
            else if (!replaced && (await readEndpoint(folder)) === undefined) {
                await ensurePrivateFolder(folder);
                await publishEndpoint(folder, endpoint);
            }
        }, log);
    }, lookMs);
    log(`serves ${folder} (process ${process.pid}, version ${options.version})`);
    const ended = ending.then(async (reason) => {
        log(`ends: ${reason}`);
        clearInterval(looking);
        clearTimeout(idleTimer);
        // Nobody new joins an engine that is leaving: clients that look now start the next one.
        await withdrawEndpoint(folder, endpoint);
        await server.close();
        return reason;
    });
    return {ended, stop: () => finish("asked")};
}

async function findsAnother(folder: string): Promise<boolean> {
    const other = await readEndpoint(folder);
    return other !== undefined && (await endpointAnswers(other));
}

/** Whether another living engine has written the file since. */
async function isReplaced(folder: string, own: Endpoint): Promise<boolean> {
    const published = await readEndpoint(folder);
    return published !== undefined && published.token !== own.token && (await endpointAnswers(published));
}
