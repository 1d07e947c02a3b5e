/**
 * Owns the shape of a conversation between the extension and one of its webviews: a table of names on each side, each
 * with the schema of its payload and, when it is a question, of its reply. Must not know what any message means.
 */
import type * as z from "zod";
import type {KvasirErrorData} from "../errors.js";

/** One message: a notice when it has no reply, a question when it has one. */
export interface MessageSpec {
    payload: z.ZodType;
    reply?: z.ZodType;
}

export type MessageTable = Readonly<Record<string, MessageSpec>>;

/** What a webview may say to the host, and what the host may say to the webview. */
export interface WebviewProtocol {
    toHost: MessageTable;
    /** Notices only: the host never waits for a webview, which may be hidden or gone. */
    toWebview: Readonly<Record<string, {payload: z.ZodType; reply?: undefined}>>;
}

/** Names of the messages that have a reply. Asking for any other does not compile. */
export type QuestionName<T extends MessageTable> = {
    [N in keyof T & string]: T[N] extends {reply: z.ZodType} ? N : never;
}[keyof T & string];

/** Names of the messages that have none. */
export type NoticeName<T extends MessageTable> = Exclude<keyof T & string, QuestionName<T>>;

export type PayloadOf<T extends MessageTable, N extends keyof T> = z.infer<T[N]["payload"]>;
export type ReplyOf<T extends MessageTable, N extends keyof T> = T[N] extends {reply: infer R extends z.ZodType}
    ? z.infer<R>
    : never;

/** A message without a reply. */
export function notice<P extends z.ZodType>(payload: P): {payload: P} {
    return {payload};
}

/** A message with a reply. */
export function question<P extends z.ZodType, R extends z.ZodType>(payload: P, reply: R): {payload: P; reply: R} {
    return {payload, reply};
}

/** What goes over `postMessage`, in both directions. */
export type WebviewFrame =
    | {kind: "notice"; name: string; payload: unknown}
    | {kind: "question"; id: number; name: string; payload: unknown}
    | {kind: "reply"; id: number; payload: unknown}
    | {kind: "failure"; id: number; error: KvasirErrorData};
