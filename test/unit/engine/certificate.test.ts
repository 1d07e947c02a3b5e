/** A server whose certificate nobody vouches for gets neither a question with a key nor a download begun. */
import {once} from "node:events";
import {mkdtempSync, readFileSync, readdirSync, rmSync} from "node:fs";
import type {IncomingMessage, ServerResponse} from "node:http";
import {createServer} from "node:https";
import type {AddressInfo} from "node:net";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterEach, describe, expect, it, onTestFinished, vi} from "vitest";
import {downloadModel} from "../../../extension/engine/models/download.js";
import {remoteEngine} from "../remote/fake-server.js";

afterEach(() => vi.unstubAllEnvs());

async function stranger() {
    const asked: string[] = [];
    const pem = readFileSync(path.resolve(import.meta.dirname, "../../fixtures/self-signed.pem"));
    const server = createServer({key: pem, cert: pem}, (request: IncomingMessage, response: ServerResponse) => {
        asked.push(`${request.url} ${request.headers.authorization}`);
        response.end("{}");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    return {origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, asked};
}

describe("a certificate that nobody vouches for", () => {
    it("ends a question to a server, whatever a variable from a day of debugging says", async () => {
        const {origin, asked} = await stranger();
        vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
        const engine = remoteEngine({baseUrl: `${origin}/v1`, apiKey: "sk-very-secret"});
        await expect(engine.load()).rejects.toMatchObject({
            code: "server-unreachable",
            message: expect.stringMatching(/self.signed certificate/i) as string,
        });
        expect(asked).toEqual([]);
    });

    it("ends a download before it begins, and says what a proxy may need", async () => {
        const {origin, asked} = await stranger();
        const folder = mkdtempSync(path.join(tmpdir(), "kvasir-certificate-"));
        onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
        const url = `${origin}/model.gguf`;
        await expect(
            downloadModel({uri: url, url, file: "model.gguf", folder}, {signal: new AbortController().signal}),
        ).rejects.toMatchObject({
            code: "download-failed",
            message: expect.stringMatching(/certificate is not trusted.*NODE_EXTRA_CA_CERTS/) as string,
        });
        expect(asked).toEqual([]);
        expect(readdirSync(folder).filter((name) => name.endsWith(".gguf"))).toEqual([]);
    });
});
