/**
 * Exchanges between the client of a remote engine and a server: recorded by a loopback server in between that passes
 * everything on, and replayed by one that answers as the real server did. The key itself is in no recording.
 */
import {readFileSync, writeFileSync} from "node:fs";
import {once} from "node:events";
import {type IncomingMessage, type Server, type ServerResponse, createServer, request as httpRequest} from "node:http";
import type {AddressInfo} from "node:net";
import path from "node:path";
import {isDeepStrictEqual} from "node:util";

export interface Exchange {
    request: {method: string; path: string; key: "right" | "wrong" | "none"; body?: unknown};
    response: {
        status: number;
        type: string;
        /** As they came from the network, in order. */
        pieces: string[];
        /** How it ended: in order, with the client gone before, or with the server gone. */
        end: "done" | "client gone" | "server gone";
    };
}

export interface Between {
    /** Of the API, as the client is told. */
    url: string;
    exchanges: Exchange[];
    /** Whether each client that went away early has been noticed. */
    nGone: () => number;
    close: () => Promise<void>;
}

const folder = path.resolve(import.meta.dirname, "../fixtures/llama-server");
export const peerKey = "sk-for-the-peer-on-this-machine";

export function readExchanges(name: string): Exchange[] {
    return JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8")) as Exchange[];
}

export function writeExchanges(name: string, exchanges: readonly Exchange[]): void {
    const text = JSON.stringify(exchanges, undefined, 1);
    if (text.includes(peerKey)) throw new Error(`the recording of ${name} holds the key`);
    writeFileSync(path.join(folder, `${name}.json`), `${text}\n`);
}

/** Passes everything on to a server on this machine, and keeps it. */
export async function recorder(port: number): Promise<Between> {
    const exchanges: Exchange[] = [];
    let nGone = 0;
    const server = createServer((asked, answer) => {
        void (async () => {
            const text = await textOf(asked);
            const response: Exchange["response"] = {status: 0, type: "", pieces: [], end: "client gone"};
            exchanges.push({request: describe(asked, text), response});
            const {authorization, "content-type": type, accept} = asked.headers;
            const headers = Object.fromEntries(
                Object.entries({authorization, "content-type": type, accept}).filter(
                    ([, value]) => value !== undefined,
                ),
            );
            // A connection for each: the server ends one that it has answered on, sometimes just when it is used again.
            const passed = httpRequest({
                ...{host: "127.0.0.1", port, agent: false, method: asked.method, path: asked.url},
                headers: headers as Record<string, string>,
            });
            answer.once("close", () => {
                if (answer.writableFinished) return;
                nGone++;
                passed.destroy();
            });
            const isServerGone = () => {
                if (answer.closed) return;
                response.end = "server gone";
                answer.destroy();
            };
            passed.once("error", isServerGone);
            passed.once("response", (came) => {
                response.status = came.statusCode ?? 0;
                response.type = came.headers["content-type"] ?? "";
                answer.writeHead(response.status, {"content-type": response.type});
                came.setEncoding("utf8").on("data", (piece: string) => {
                    response.pieces.push(piece);
                    answer.write(piece);
                });
                came.once("error", isServerGone);
                came.once("end", () => {
                    response.end = "done";
                    answer.end();
                });
            });
            passed.end(text);
        })();
    });
    return {...(await listening(server)), exchanges, nGone: () => nGone};
}

/**
 * Answers as was recorded: each exchange once, to the very request that it was the answer to. Another request is an
 * error: then the client has changed, and `npm run test:peers -- --record` says whether the real server still agrees.
 */
export async function replayer(exchanges: readonly Exchange[]): Promise<Between & {surprises: () => string[]}> {
    const left = [...exchanges];
    const seen: Exchange[] = [];
    const surprises: string[] = [];
    let nGone = 0;
    const server = createServer((asked, answer) => {
        void (async () => {
            const request = describe(asked, await textOf(asked));
            const at = left.findIndex((one) => isDeepStrictEqual(one.request, request));
            const [found] = at === -1 ? [] : left.splice(at, 1);
            if (found === undefined) {
                surprises.push(JSON.stringify(request));
                answer.writeHead(404).end();
                return;
            }
            seen.push(found);
            answer.once("close", () => void (answer.writableFinished || nGone++));
            reply(answer, found.response);
        })();
    });
    return {
        ...(await listening(server)),
        exchanges: seen,
        nGone: () => nGone,
        surprises: () => [...surprises, ...left.map(({request}) => `never asked: ${JSON.stringify(request)}`)],
    };
}

function reply(answer: ServerResponse, {status, type, pieces, end}: Exchange["response"]): void {
    if (status === 0) {
        answer.destroy();
        return;
    }
    answer.writeHead(status, {"content-type": type});
    answer.flushHeaders();
    for (const piece of pieces) answer.write(piece);
    if (end === "done") answer.end();
    // What was written goes out before the connection ends.
    if (end === "server gone") answer.write("", () => answer.destroy());
}

function describe({method = "", url = "", headers}: IncomingMessage, text: string): Exchange["request"] {
    const {authorization} = headers;
    return {
        method,
        path: url,
        key: authorization === undefined ? "none" : authorization === `Bearer ${peerKey}` ? "right" : "wrong",
        ...(text === "" ? {} : {body: JSON.parse(text) as unknown}),
    };
}

async function textOf(message: IncomingMessage): Promise<string> {
    let text = "";
    for await (const chunk of message.setEncoding("utf8")) text += String(chunk);
    return text;
}

async function listening(server: Server): Promise<Pick<Between, "url" | "close">> {
    await once(server.listen(0, "127.0.0.1"), "listening");
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
        close: async () => {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
}
