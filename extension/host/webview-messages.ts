/**
 * Owns the extension's side of the messages with a webview: each is checked when it arrives, because a page is not to be
 * trusted. Must not know an editor, nor what any message means.
 */
import * as z from "zod";
import {toKvasirError} from "../protocol/errors.js";
import type {
    MessageTable,
    NoticeName,
    PayloadOf,
    QuestionName,
    ReplyOf,
    WebviewFrame,
    WebviewProtocol,
} from "../protocol/webview/messages.js";

/** One handler for each message of the table: a message without a handler does not compile. */
export type WebviewHandlers<T extends MessageTable> = {
    [N in QuestionName<T>]: (payload: PayloadOf<T, N>) => Promise<ReplyOf<T, N>> | ReplyOf<T, N>;
} & {
    [N in NoticeName<T>]: (payload: PayloadOf<T, N>) => unknown;
};

export interface WebviewLink<P extends WebviewProtocol> {
    dispose(): void;
    /** Says something to the page. Lost when the page is not there: a page asks for its state when it loads. */
    post<N extends keyof P["toWebview"] & string>(name: N, payload: PayloadOf<P["toWebview"], N>): void;
}

const frameSchema = z.discriminatedUnion("kind", [
    z.strictObject({kind: z.literal("notice"), name: z.string().max(100), payload: z.unknown()}),
    z.strictObject({
        kind: z.literal("question"),
        id: z.int().nonnegative(),
        name: z.string().max(100),
        payload: z.unknown(),
    }),
]);

/** The messages alone, without an editor: whatever posts and listens will do. */
export function answerMessages<P extends WebviewProtocol>(
    protocol: P,
    handlers: WebviewHandlers<P["toHost"]>,
    post: (frame: WebviewFrame) => void,
    listen: (listener: (message: unknown) => void) => {dispose(): unknown},
    warn: (message: string, error?: unknown) => void,
): WebviewLink<P> {
    const handlerOf = (name: string) => (handlers as Record<string, ((payload: unknown) => unknown) | undefined>)[name];
    const listening = listen((message) => {
        const frame = frameSchema.safeParse(message);
        if (!frame.success) {
            warn("a message of no known form was ignored.");
            return;
        }
        void answer(frame.data);
    });
    return {
        post: (name, payload) => post({kind: "notice", name, payload}),
        dispose: () => void listening.dispose(),
    };

    async function answer(frame: z.infer<typeof frameSchema>): Promise<void> {
        const spec = Object.hasOwn(protocol.toHost, frame.name) ? protocol.toHost[frame.name] : undefined;
        try {
            // A name and a form that the table does not have come from no page of ours.
            if (spec === undefined || (spec.reply !== undefined) !== (frame.kind === "question")) {
                throw new Error("there is no such message.");
            }
            const payload = spec.payload.safeParse(frame.payload);
            if (!payload.success) throw new Error(`its content is wrong: ${z.prettifyError(payload.error)}`);
            const reply = await handlerOf(frame.name)?.(payload.data);
            if (frame.kind === "question") post({kind: "reply", id: frame.id, payload: reply});
        } catch (error) {
            warn(`the message "${frame.name}" failed.`, error);
            if (frame.kind === "question") {
                post({kind: "failure", id: frame.id, error: toKvasirError(error).toJSON()});
            }
        }
    }
}
