/** Owns server-sent events as the OpenAI API frames them: JSON in `data` lines, `[DONE]` at the end, comments meanwhile. */
import type {ServerResponse} from "node:http";
import type {ErrorBody} from "./openai-errors.js";

/** A client that does not take up what it is sent is left when this much waits for it. */
const maxWaitingBytes = 8 * 1024 * 1024;

export class EventStream {
    readonly #response: ServerResponse;

    constructor(response: ServerResponse) {
        this.#response = response;
    }

    send(event: object): void {
        this.#write(`data: ${JSON.stringify(event)}\n\n`);
    }

    /** For people who look at the stream, and so that no proxy takes a long read for a dead connection. */
    comment(text: string): void {
        this.#write(`: ${text.replaceAll(/[\r\n]+/g, " ")}\n\n`);
    }

    end(): void {
        this.#write("data: [DONE]\n\n");
        this.#response.end();
    }

    /** Ends a stream that cannot go on; clients of OpenAI raise it as an error. */
    fail(body: ErrorBody): void {
        this.send(body);
        this.#response.end();
    }

    #write(text: string): void {
        const response = this.#response;
        if (response.destroyed) return;
        if (!response.headersSent)
            response.writeHead(200, {
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-cache",
                "x-accel-buffering": "no",
            });
        response.write(text);
        if (response.writableLength > maxWaitingBytes) response.destroy();
    }
}
