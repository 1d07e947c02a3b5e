/**
 * Owns the way to a running engine: the file that names it, the socket, the first line each way. Must not start one.
 */
import {lstat, readFile} from "node:fs/promises";
import {type Socket, createConnection} from "node:net";
import path from "node:path";
import {readFirstLine} from "../core/process/first-line.js";
import {KvasirError, engineVersion} from "../protocol/errors.js";
import {
    type Endpoint,
    type Greeting,
    type Welcome,
    endpointFileName,
    endpointSchema,
    maxGreetingBytes,
    protocolVersion,
    welcomeSchema,
} from "../protocol/rpc.js";

/** `absent`: nobody is there, or is leaving: one may be started. */
export type FoundEngine = {kind: "joined"; socket: Socket; pid: number} | {kind: "absent"; reason: string};

/** A living engine accepts at once; its greeting may wait for a batch of tokens. */
const greetingTimeoutMs = 10_000;

/**
 * Joins the engine of a folder.
 * @throws KvasirError `engine-version` when one of another version is in use; `engine-unreachable` when the folder is not private
 */
export async function joinEngine(folder: string): Promise<FoundEngine> {
    await checkPrivate(folder);
    const endpoint = await readEndpoint(folder);
    if (endpoint === undefined) return {kind: "absent", reason: "no engine is running"};
    const socket = await connect(endpoint.socket);
    if (socket === undefined) return {kind: "absent", reason: "the engine that was running is gone"};
    const greeting: Greeting = {kvasir: "client", protocol: protocolVersion, token: endpoint.token, wantsItself: true};
    socket.write(`${JSON.stringify(greeting)}\n`);
    const welcome = await readWelcome(socket);
    if (welcome?.kind === "welcome") return {kind: "joined", socket, pid: welcome.pid};
    socket.destroy();
    if (welcome?.kind !== "refused") return {kind: "absent", reason: "the engine does not answer"};
    switch (welcome.reason) {
        case "protocol":
            if (welcome.leaves) return {kind: "absent", reason: "an engine of another version makes room"};
            throw engineVersion(welcome.protocol, protocolVersion);
        case "full":
            throw new KvasirError("busy", "the engine has as many clients as it takes.", {
                fix: "Close some windows.",
            });
        case "token":
        case "leaving":
            return {kind: "absent", reason: `the engine refused (${welcome.reason})`};
    }
}

export async function readEndpoint(folder: string): Promise<Endpoint | undefined> {
    try {
        return endpointSchema.parse(JSON.parse(await readFile(path.join(folder, endpointFileName), "utf8")));
    } catch {
        // None, or one that was cut short: the next engine writes it anew.
        return undefined;
    }
}

/** In a folder that others can write a stranger could wait for our token and our files. */
async function checkPrivate(folder: string): Promise<void> {
    if (process.platform === "win32") return;
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined) return;
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
        throw new KvasirError("engine-unreachable", `${folder} is not a private folder of this user.`, {
            fix: "Remove it, or set KVASIR_RUNTIME_DIR to a folder of your own.",
        });
    }
}

function connect(path: string): Promise<Socket | undefined> {
    return new Promise((resolve) => {
        const socket = createConnection(path);
        socket.setNoDelay(true);
        socket.once("connect", () => resolve(socket));
        socket.once("error", () => resolve(undefined));
    });
}

/** The engine's first line; undefined when there is none. */
async function readWelcome(socket: Socket): Promise<Welcome | undefined> {
    // A broken socket is told by "close"; without a listener an error would be thrown.
    socket.on("error", () => socket.destroy());
    const line = await readFirstLine(socket, {
        maxBytes: maxGreetingBytes,
        deadline: AbortSignal.timeout(greetingTimeoutMs),
    });
    return line === undefined ? undefined : parseWelcome(line);
}

function parseWelcome(line: string): Welcome | undefined {
    try {
        return welcomeSchema.safeParse(JSON.parse(line)).data;
    } catch {
        return undefined;
    }
}
