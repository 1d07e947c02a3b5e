/** Owns the question whether an engine lives behind an endpoint. A socket file without a process behind it does not. */
import {createConnection} from "node:net";
import type {Endpoint} from "../../protocol/rpc.js";

/** A living process accepts at once, even when its one thread is busy: the system does it. */
const timeoutMs = 2_000;

export function endpointAnswers(endpoint: Endpoint): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = createConnection(endpoint.socket);
        const end = (answers: boolean) => {
            clearTimeout(timer);
            socket.destroy();
            resolve(answers);
        };
        const timer = setTimeout(() => end(false), timeoutMs);
        socket.once("connect", () => end(true)).once("error", () => end(false));
    });
}
