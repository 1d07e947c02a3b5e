/**
 * Downloads and remote engines behind a proxy on this machine: names that nobody but the proxy knows are reached, this machine is
 * not asked through it, and a proxy that refuses is told as what it is.
 */
import {mkdtempSync, rmSync, statSync} from "node:fs";
import {once} from "node:events";
import {type IncomingMessage, createServer} from "node:http";
import {type AddressInfo, type Socket, connect} from "node:net";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterEach, describe, expect, it, onTestFinished, vi} from "vitest";
import {downloadModel} from "../../../extension/engine/models/download.js";
import {useProxy} from "../../../extension/engine/proxy.js";
import {DownloadServer} from "../models/download-server.js";
import {madeUpGguf} from "../models/made-up-gguf.js";
import {chatEvents, fakeServer, models, remoteEngine, stream} from "../remote/fake-server.js";

const password = "proxy-password-7f3a";
const model = madeUpGguf({nElements: 100_000});

afterEach(async () => {
    vi.unstubAllEnvs();
    await useProxy();
});

/**
 * Tunnels all names to one port of this machine, or refuses.
 * @returns its address, with a name and password, and the names that it was asked for
 */
async function proxyTo(port: number, status = 200) {
    const asked: string[] = [];
    const sockets: Socket[] = [];
    const server = createServer();
    server.on("connect", (request: IncomingMessage, client: Socket) => {
        asked.push(request.url ?? "");
        sockets.push(client);
        client.on("error", () => undefined);
        if (status !== 200) return void client.end(`HTTP/1.1 ${status} No\r\n\r\n`);
        const there = connect(port, "127.0.0.1", () => {
            client.write("HTTP/1.1 200 Connection established\r\n\r\n");
            there.pipe(client).pipe(there);
        });
        sockets.push(there);
        there.on("error", () => client.destroy());
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
    });
    return {url: `http://somebody:${password}@127.0.0.1:${(server.address() as AddressInfo).port}`, asked};
}

async function download(
    host: (server: DownloadServer) => string,
    proxied: (port: number) => ReturnType<typeof proxyTo>,
) {
    const server = await DownloadServer.start(model);
    const folder = mkdtempSync(path.join(tmpdir(), "kvasir-proxy-"));
    onTestFinished(async () => {
        await server.stop();
        rmSync(folder, {recursive: true, force: true});
    });
    const proxy = await proxied(Number(new URL(server.origin).port));
    vi.stubEnv("HTTP_PROXY", proxy.url);
    const url = `http://${host(server)}/model.gguf`;
    const work = downloadModel({uri: url, url, file: "model.gguf", folder}, {signal: new AbortController().signal});
    const failure = await work.then(
        () => undefined,
        (error: Error & {code: string}) => error,
    );
    return {failure, asked: proxy.asked, size: () => statSync(path.join(folder, "model.gguf")).size};
}

describe("behind a proxy", () => {
    it("a model is fetched through it, from the first question to the last byte", async () => {
        const {failure, asked, size} = await download(
            () => "models.example",
            (port) => proxyTo(port),
        );
        expect(failure).toBeUndefined();
        expect(size()).toBe(model.length);
        expect(new Set(asked)).toEqual(new Set(["models.example:80"]));
    });

    it("this machine is asked without it", async () => {
        const {failure, asked} = await download(
            (server) => new URL(server.origin).host,
            (port) => proxyTo(port),
        );
        expect(failure).toBeUndefined();
        expect(asked).toEqual([]);
    });

    it("a download is told that it refuses, without its password", async () => {
        const {failure} = await download(
            () => "models.example",
            (port) => proxyTo(port, 407),
        );
        expect(failure).toMatchObject({code: "download-failed"});
        expect(failure?.message).toMatch(/the proxy lets nothing through \(HTTP 407\)/);
        expect(JSON.stringify([failure?.message, failure?.stack])).not.toContain(password);
    });

    it("a server is asked through it; names that NO_PROXY has are not", async () => {
        const fake = await fakeServer({
            "GET /v1/models": models,
            "POST /v1/chat/completions": stream(chatEvents(["Hello"])),
        });
        const proxy = await proxyTo(Number(new URL(fake.url).port));
        vi.stubEnv("http_proxy", proxy.url);
        const ask = (baseUrl: string) =>
            remoteEngine({baseUrl}, {backoffMs: []}).ask(
                {workspace: "w", conversation: "c", turns: [{role: "user", text: "?"}], maxTokens: 9, temperature: 0},
                {},
            );
        expect((await ask("http://gpu.example/v1")).text).toBe("Hello");
        expect(new Set(proxy.asked)).toEqual(new Set(["gpu.example:80"]));
        vi.stubEnv("no_proxy", "gpu.example");
        const nAsked = proxy.asked.length;
        await expect(ask("http://gpu.example/v1")).rejects.toMatchObject({code: "server-unreachable"});
        expect(proxy.asked.length).toBe(nAsked);
    });

    it("a server behind one that refuses cannot be reached, and the proxy is named", async () => {
        const proxy = await proxyTo(1, 403);
        vi.stubEnv("http_proxy", proxy.url);
        const failure = await remoteEngine({baseUrl: "http://gpu.example/v1"}, {backoffMs: []})
            .load()
            .catch((error: unknown) => error as Error & {code: string});
        expect(failure).toMatchObject({code: "server-unreachable"});
        expect(String((failure as Error).message)).toMatch(/the proxy lets nothing through \(HTTP 403\)/);
        expect(String((failure as Error).message)).not.toContain(password);
    });

    it("what is no address of a proxy is told before anything is asked", async () => {
        vi.stubEnv("http_proxy", `${password}: nowhere`);
        const failure = await useProxy().catch((error: unknown) => error as Error & {code: string});
        expect(failure).toMatchObject({code: "usage"});
        expect(String(failure)).not.toContain(password);
    });
});
