/** A server of one file on this machine that does what real ones do to a download: cuts, lies, stalls, refuses. */
import {createHash} from "node:crypto";
import {type IncomingMessage, type Server, type ServerResponse, createServer} from "node:http";
import type {AddressInfo} from "node:net";

export interface Manners {
    /** Answers every request with this status. */
    status?: number;
    /** A sign-in page instead of the file, with status 200. */
    isPage?: boolean;
    /** Whether HEAD is answered; a page or a status may be told by GET alone. */
    hasHead?: boolean;
    /** Whether it can go on in the middle. */
    hasRanges?: boolean;
    /** Whether it says how long the file is. */
    hasLength?: boolean;
    /** Bytes that it claims to have more than it has. */
    extraLength?: number;
    /** Bytes of an answer before the connection is cut; undefined: never. */
    cutAfter?: (nAnswers: number) => number | undefined;
    /** Bytes of an answer from there on after which nothing comes any more, with the connection open; undefined: never. */
    stallAfter?: (from: number) => number | undefined;
    /** Told as Hugging Face tells it. */
    sha256?: string;
    /** Sends there first. */
    redirectFrom?: string;
}

export class DownloadServer {
    manners: Manners = {};
    /** Ranges that were asked for, and "all". */
    readonly asked: string[] = [];
    readonly paths: string[] = [];
    /** Bytes of the file that were written. */
    sentBytes = 0;
    #nAnswers = 0;
    #server: Server;

    private constructor(readonly content: Buffer) {
        this.#server = createServer((request, response) => this.#answer(request, response));
    }

    static async start(content: Buffer): Promise<DownloadServer> {
        const server = new DownloadServer(content);
        await new Promise<void>((done) => server.#server.listen(0, "127.0.0.1", done));
        return server;
    }

    get origin(): string {
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    }

    get sha256(): string {
        return createHash("sha256").update(this.content).digest("hex");
    }

    async stop(): Promise<void> {
        this.#server.closeAllConnections();
        await new Promise((done) => this.#server.close(done));
    }

    #answer(request: IncomingMessage, response: ServerResponse): void {
        const {manners} = this;
        this.paths.push(`${request.method} ${request.url}`);
        response.on("error", () => undefined);
        const isHead = request.method === "HEAD";
        if (isHead && manners.hasHead === false) return void response.writeHead(405).end();
        if (manners.status !== undefined) return void response.writeHead(manners.status).end();
        const path = new URL(request.url ?? "/", this.origin).pathname;
        if (manners.redirectFrom === path) {
            const linked = manners.sha256 === undefined ? {} : {"x-linked-etag": `"${manners.sha256}"`};
            return void response
                .writeHead(302, {location: "/moved.gguf", "x-linked-size": String(this.content.length), ...linked})
                .end();
        }
        if (manners.isPage) {
            const page = "<!doctype html><title>Sign in</title>";
            response.writeHead(200, {"content-type": "text/html; charset=utf-8", "content-length": page.length});
            return void response.end(isHead ? undefined : page);
        }
        const total = this.content.length + (manners.extraLength ?? 0);
        const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
        const isRange = match !== null && manners.hasRanges !== false;
        const [from, to] = isRange ? [Number(match[1]), Number(match[2])] : [0, total - 1];
        response.setHeader("content-type", "application/octet-stream");
        if (manners.hasRanges !== false) response.setHeader("accept-ranges", "bytes");
        if (manners.sha256 !== undefined) response.setHeader("x-linked-etag", `"${manners.sha256}"`);
        if (manners.hasLength !== false) response.setHeader("content-length", to - from + 1);
        if (isRange) response.setHeader("content-range", `bytes ${from}-${to}/${total}`);
        response.statusCode = isRange ? 206 : 200;
        if (isHead) return void response.end();
        if (isRange) this.asked.push(`${from}-${to}`);
        else this.asked.push("all");
        const body = this.content.subarray(from, to + 1);
        const cut = manners.cutAfter?.(this.#nAnswers++);
        const nBytes = Math.min(body.length, cut ?? body.length, manners.stallAfter?.(from) ?? body.length);
        this.sentBytes += nBytes;
        response.write(body.subarray(0, nBytes), () => {
            // Less than promised: the other side must not take it for the end.
            if (cut !== undefined && nBytes === cut) response.destroy();
        });
        if (nBytes === body.length && manners.extraLength === undefined) response.end();
        else if (manners.extraLength !== undefined && cut === undefined) response.socket?.end();
    }
}
