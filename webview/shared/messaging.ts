/**
 * Owns a page's side of the messages with the extension: notices, questions with a reply, and what the host says.
 * Must not know what any message means.
 */
import {KvasirError} from "../../extension/protocol/errors.js";
import type {
    NoticeName,
    PayloadOf,
    QuestionName,
    ReplyOf,
    WebviewFrame,
    WebviewProtocol,
} from "../../extension/protocol/webview/messages.js";

/** What VS Code gives a page, once. */
export interface PageApi {
    postMessage(message: unknown): void;
    getState(): unknown;
    setState(state: unknown): void;
}

declare function acquireVsCodeApi(): PageApi;
/** What a page hears; written out, because tests have no page. */
declare function addEventListener(type: "message", listener: (event: {data: unknown}) => void): void;

export interface HostLink<P extends WebviewProtocol> {
    tell<N extends NoticeName<P["toHost"]>>(name: N, payload: PayloadOf<P["toHost"], N>): void;
    /** Rejects with a KvasirError when the extension could not answer. */
    ask<N extends QuestionName<P["toHost"]>>(
        name: N,
        payload: PayloadOf<P["toHost"], N>,
    ): Promise<ReplyOf<P["toHost"], N>>;
    /** The last listener of a name counts. */
    on<N extends keyof P["toWebview"] & string>(
        name: N,
        listener: (payload: PayloadOf<P["toWebview"], N>) => void,
    ): void;
    /** Kept while the view is hidden and over a reload of the window. */
    getState(): unknown;
    setState(state: unknown): void;
}

/** Call once per page: VS Code hands out its API a single time. */
export function connectHost<P extends WebviewProtocol>(
    api: PageApi = acquireVsCodeApi(),
    listen: (listener: (data: unknown) => void) => void = (listener) =>
        addEventListener("message", (event) => listener(event.data)),
): HostLink<P> {
    const pending = new Map<number, {resolve: (value: never) => void; reject: (error: unknown) => void}>();
    const listeners = new Map<string, (payload: never) => void>();
    let nAsked = 0;
    listen((data) => {
        const frame = data as WebviewFrame;
        switch (frame.kind) {
            case "notice":
                listeners.get(frame.name)?.(frame.payload as never);
                break;
            case "reply":
                pending.get(frame.id)?.resolve(frame.payload as never);
                pending.delete(frame.id);
                break;
            case "failure":
                pending.get(frame.id)?.reject(KvasirError.fromJSON(frame.error));
                pending.delete(frame.id);
                break;
            // Extensions of the browser post messages too.
            default:
                break;
        }
    });
    return {
        tell: (name, payload) => api.postMessage({kind: "notice", name, payload} satisfies WebviewFrame),
        ask: (name, payload) =>
            new Promise((resolve, reject) => {
                const id = nAsked++;
                pending.set(id, {resolve, reject});
                api.postMessage({kind: "question", id, name, payload} satisfies WebviewFrame);
            }),
        on: (name, listener) => void listeners.set(name, listener),
        getState: () => api.getState(),
        setState: (state) => api.setState(state),
    };
}
