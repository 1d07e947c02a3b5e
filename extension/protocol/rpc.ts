/**
 * Owns what the engine process and its clients say to each other: every method of EngineApi with the schemas of its
 * parameters and its result, the events of long work, and the handshake before all of it. Must not know sockets.
 */
import * as z from "zod";
import type {EngineApi} from "./engine.js";
import * as s from "./rpc-schemas.js";

/** Raised with every change of what is said here: a client and an engine of different versions do not talk. */
export const protocolVersion = 5;

/** One request: params are checked by the engine, results by the client. */
export interface RpcMethod<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
    params: P;
    result: R;
}

function method<P extends z.ZodType, R extends z.ZodType>(params: P, result: R): RpcMethod<P, R> {
    return {params, result};
}

const none = z.strictObject({});
const nothing = z.null();
/** Names the stream on which a long request tells its events; the client counts them up. */
const events = z.int().nonnegative();

export const rpcMethods = {
    /** The first request of a client: what it wants the engine to be. */
    hello: method(z.strictObject({settings: s.engineSettings, name: z.string().max(200)}), s.helloReply),
    /** Ends the engine process for every client, after what is being written to disk. */
    shutdown: method(none, nothing),
    load: method(z.strictObject({events}), s.modelInfo),
    unload: method(none, nothing),
    pause: method(none, nothing),
    resume: method(none, nothing),
    updateWorkspace: method(s.workspaceUpdate, z.strictObject({known: z.number()})),
    closeWorkspace: method(z.strictObject({workspace: s.name}), nothing),
    read: method(z.strictObject({request: s.readRequest, events}), s.readReport),
    ask: method(z.strictObject({request: s.askRequest, events}), s.answerReport),
    forget: method(z.strictObject({conversation: s.name, storedAs: s.name.optional()}), nothing),
    complete: method(s.completeRequest, s.completionReport),
    files: method(z.strictObject({workspace: s.name}), z.array(s.fileStatus)),
    keptLines: method(z.strictObject({workspace: s.name, path: s.path, text: s.text}), s.keptLines),
    countTokens: method(z.strictObject({texts: z.array(s.text).max(10_000)}), z.array(z.number())),
    calibrate: method(z.strictObject({workspace: s.name, events}), s.calibrateReport),
    headProfile: method(none, s.calibrateReport.nullable()),
    doctor: method(none, s.doctorReport),
    cacheList: method(none, s.cacheReport),
    cacheDrop: method(z.strictObject({path: s.path}), z.number()),
    cacheClear: method(none, nothing),
    cacheVerify: method(none, s.verifyReport),
} as const satisfies Record<Exclude<keyof EngineApi, "status" | "onDidChangeStatus" | "dispose">, RpcMethod> &
    Record<"hello" | "shutdown", RpcMethod>;

export type RpcMethodName = keyof typeof rpcMethods;
export type RpcParams<N extends RpcMethodName> = z.infer<(typeof rpcMethods)[N]["params"]>;
export type RpcResult<N extends RpcMethodName> = z.infer<(typeof rpcMethods)[N]["result"]>;

/** What long work tells while it runs. */
export const rpcEvent = z.discriminatedUnion("kind", [
    z.strictObject({kind: z.literal("share"), share: z.number()}),
    z.strictObject({kind: z.literal("progress"), progress: s.readProgress}),
    z.strictObject({kind: z.literal("text"), piece: z.string()}),
    z.strictObject({kind: z.literal("thought"), piece: z.string()}),
    z.strictObject({kind: z.literal("attended"), files: z.array(s.attendedFile), leftOut: z.array(s.leftOutFile)}),
]);
export type RpcEvent = z.infer<typeof rpcEvent>;

/** Told to every client whenever it changes. */
export const statusNotification = "status";
export const statusSchema = s.engineStatus;

/** JSON-RPC's code of an error whose `data` is a KvasirErrorData. */
export const kvasirErrorCode = -31_000;
export const errorDataSchema = s.errorData;

/**
 * How an engine is found: a file in a folder that only this user can read. Whoever can read it may talk to the engine.
 */
export const endpointSchema = z.strictObject({
    pid: z.int().positive(),
    /** A unix socket or a named pipe. */
    socket: z.string().min(1).max(1000),
    token: z.string().length(64),
    protocol: z.int(),
    /** Of the extension that started it. */
    version: z.string().max(100),
});
export type Endpoint = z.infer<typeof endpointSchema>;
export const endpointFileName = "engine.json";

/** The client's first line, before any JSON-RPC. One line of JSON each way. */
export const greetingSchema = z.strictObject({
    kvasir: z.literal("client"),
    protocol: z.int(),
    token: z.string().max(200),
    /** Asks an engine of another version to leave if nobody uses it. */
    wantsItself: z.boolean().optional(),
});
export type Greeting = z.infer<typeof greetingSchema>;

export const welcomeSchema = z.discriminatedUnion("kind", [
    z.strictObject({kvasir: z.literal("engine"), kind: z.literal("welcome"), protocol: z.int(), pid: z.int()}),
    z.strictObject({
        kvasir: z.literal("engine"),
        kind: z.literal("refused"),
        reason: z.enum(["token", "protocol", "full", "leaving"]),
        protocol: z.int(),
        /** Whether it ends now, because nobody else uses it. */
        leaves: z.boolean(),
    }),
]);
export type Welcome = z.infer<typeof welcomeSchema>;

/** A first line longer than this comes from nobody we know. */
export const maxGreetingBytes = 4096;
/** One message. Texts are sent in portions far below it. */
export const maxMessageBytes = 256 * 1024 * 1024;
