import {once} from "node:events";
import {type AddressInfo, connect} from "node:net";
import {describe, expect, it, onTestFinished} from "vitest";
import {type Exchange, type ServerLimits, createApiServer} from "../../../extension/cli/serve/http-server.js";

const token = "a-token-of-enough-characters";
const auth = {authorization: `Bearer ${token}`, "content-type": "application/json"};

async function serve(handler: (exchange: Exchange) => Promise<void>, limits: Partial<ServerLimits> = {}) {
    const lines: string[] = [];
    const ending = new AbortController();
    const server = createApiServer({
        token,
        limits: {maxBodyBytes: 1000, maxPending: 2, requestMs: 60_000, ...limits},
        routes: {"POST /v1/x": handler},
        signal: ending.signal,
        onDone: (line) => lines.push(line),
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const {port} = server.address() as AddressInfo;
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    const url = `http://127.0.0.1:${port}/v1/x`;
    const post = async (body: RequestInit["body"], more: RequestInit = {}) => {
        const reply = await fetch(url, {method: "POST", headers: auth, body, ...more});
        const text = await reply.text();
        return {status: reply.status, headers: reply.headers, text, code: codeIn(text)};
    };
    return {url, port, post, lines, ending};
}

function codeIn(text: string): string | undefined {
    try {
        return (JSON.parse(text) as {error?: {code?: string}}).error?.code;
    } catch {
        return undefined;
    }
}

const never = ({signal}: Exchange) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
const echo = async ({body, json}: Exchange) => json({body});

describe("the server", () => {
    it("takes JSON with the token and answers JSON", async () => {
        const {post, lines} = await serve(echo);
        expect(JSON.parse((await post('{"a":[1]}')).text)).toEqual({body: {a: [1]}});
        await expect.poll(() => lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^POST \/v1\/x 200 \d+\.\d\d s$/);
    });

    it.each([
        ["no token", {headers: {"content-type": "application/json"}}, 401, "token-wrong"],
        ["half a token", {headers: {...auth, authorization: `Bearer ${token.slice(0, 9)}`}}, 401, "token-wrong"],
        ["another scheme", {headers: {...auth, authorization: `Basic ${token}`}}, 401, "token-wrong"],
        ["a form", {headers: {...auth, "content-type": "text/plain"}}, 400, "request-invalid"],
        ["a page's origin", {headers: {...auth, origin: "http://127.0.0.1:1"}}, 403, "request-forged"],
        ["a preflight", {method: "OPTIONS", body: null, headers: {origin: "https://a.example"}}, 403, "request-forged"],
        ["another method", {method: "PUT"}, 404, "route-unknown"],
        ["a broken body", {body: '{"a":'}, 400, "request-invalid"],
        ["bytes that are no text", {body: new Uint8Array([0x22, 0xff, 0x22])}, 400, "request-invalid"],
        ["too many bytes", {body: JSON.stringify("x".repeat(2000))}, 413, "request-too-large"],
    ] satisfies [string, RequestInit, number, string][])("refuses %s", async (_, more, status, code) => {
        const {post, lines} = await serve(echo);
        const reply = await post('{"secret":"bicycle"}', more);
        expect(reply).toMatchObject({status, code});
        // What of it is logged, or said, is neither the token nor what was sent.
        for (const word of [token, token.slice(0, 9), "bicycle", "xxxx"])
            expect(`${lines.join("\n")}${reply.text}`).not.toContain(word);
    });

    it("refuses a body that does not say how long it is as soon as it is too long", async () => {
        const {post} = await serve(echo);
        const endless = new ReadableStream({pull: (to) => to.enqueue(new Uint8Array(500))});
        const more = {duplex: "half"} as RequestInit;
        // The client may see the answer or the connection go: it never waits for ever.
        const outcome = await post(endless, more).then(
            ({code}) => code,
            () => "request-too-large",
        );
        expect(outcome).toBe("request-too-large");
    });

    it("tells who comes while too many wait to come again", async () => {
        const {post, url} = await serve(never);
        const gone = new AbortController();
        const waiting = [1, 2].map(() =>
            fetch(url, {method: "POST", headers: auth, body: "{}", signal: gone.signal}).catch(() => undefined),
        );
        await expect.poll(async () => (await post("{}")).status).toBe(429);
        const third = await post("{}");
        expect(third).toMatchObject({status: 429, code: "busy"});
        expect(third.headers.get("retry-after")).toBe("2");
        gone.abort();
        await Promise.all(waiting);
    });

    it("fires the signal when the client goes", async () => {
        let fired: (() => void) | undefined;
        const ended = new Promise<void>((resolve) => (fired = resolve));
        let begun: (() => void) | undefined;
        const started = new Promise<void>((resolve) => (begun = resolve));
        const {url, lines} = await serve(async (exchange) => {
            exchange.events().comment("begun");
            begun?.();
            // An engine that ends its work with a report has something to say, and nobody to hear it.
            await never(exchange).catch(() => fired?.());
            exchange.events().send({piece: 1});
            exchange.events().end();
        });
        const gone = new AbortController();
        const asked = fetch(url, {method: "POST", headers: auth, body: "{}", signal: gone.signal}).catch(
            () => undefined,
        );
        await started;
        gone.abort();
        await Promise.all([asked, ended]);
        await expect.poll(() => lines[0]).toMatch(/ 499 /);
    });

    it("ends what takes too long, before and inside a stream", async () => {
        const quiet = await serve(never, {requestMs: 50});
        expect(await quiet.post("{}")).toMatchObject({status: 504, code: "request-timeout"});
        const begun = await serve(
            async (exchange) => {
                exchange.events().send({piece: 1});
                await never(exchange);
            },
            {requestMs: 50},
        );
        const {text, status} = await begun.post("{}");
        expect(status).toBe(200);
        const [first, last] = text.trim().split("\n\n");
        expect(first).toBe('data: {"piece":1}');
        expect(codeIn(last!.slice("data: ".length))).toBe("request-timeout");
    });

    it("does not tell what a bug said", async () => {
        const {post} = await serve(async () => {
            throw new Error("const password = 'in a file'");
        });
        const {status, text} = await post("{}");
        expect(status).toBe(500);
        expect(text).not.toContain("password");
    });

    it("does not know a stranger's host, nor a request without one", async () => {
        const {port} = await serve(echo);
        for (const head of ["host: evil.example", `host: 127.0.0.1.evil.example:${port}`, "x: y"]) {
            const socket = connect(port, "127.0.0.1");
            socket.end(`POST /v1/x HTTP/1.1\r\n${head}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`);
            let reply = "";
            for await (const chunk of socket) reply += String(chunk);
            expect(reply).toMatch(/^HTTP\/1\.1 40[03] /);
        }
    });
});
