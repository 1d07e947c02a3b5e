import {readFile} from "node:fs/promises";
import {type Socket, createConnection} from "node:net";
import path from "node:path";
import fc from "fast-check";
import {describe, expect, it, onTestFinished} from "vitest";
import {type Endpoint, endpointFileName, maxGreetingBytes, protocolVersion} from "../../../extension/protocol/rpc.js";
import {eventually, newClient, question, runtimeFolder, serveEngine} from "./engine-fixtures.js";
import {someSettings} from "./scripted-engine.js";

/** A socket of a stranger, and what was said to it. */
interface Stranger {
    socket: Socket;
    heard: () => string;
    isOut: () => boolean;
}

async function endpointOf(folder: string): Promise<Endpoint> {
    return JSON.parse(await readFile(path.join(folder, endpointFileName), "utf8")) as Endpoint;
}

async function stranger(folder: string): Promise<Stranger> {
    const {socket: place} = await endpointOf(folder);
    const socket = createConnection(place);
    onTestFinished(() => void socket.destroy());
    let heard = "";
    let isOut = false;
    socket.on("data", (data: Buffer) => (heard += data.toString()));
    socket.on("close", () => (isOut = true)).on("error", () => (isOut = true));
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    return {socket, heard: () => heard, isOut: () => isOut};
}

async function welcomed(folder: string): Promise<Stranger> {
    const {token} = await endpointOf(folder);
    const one = await stranger(folder);
    one.socket.write(`${JSON.stringify({kvasir: "client", protocol: protocolVersion, token})}\n`);
    await eventually(() => one.heard().includes("\n"));
    return one;
}

function framed(message: unknown): string {
    const text = JSON.stringify(message);
    return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** The answers heard so far, by id. */
function answers(one: Stranger): Map<number, {result?: unknown; error?: {code: number; data?: {code: string}}}> {
    const found = new Map<number, never>();
    for (const part of one.heard().split(/Content-Length: \d+\r\n\r\n/)) {
        try {
            const message = JSON.parse(part) as {id?: number};
            if (message.id !== undefined) found.set(message.id, message as never);
        } catch {
            // The greeting, or not whole yet.
        }
    }
    return found;
}

describe("the first line of a connection", () => {
    it.each([
        ["a forged token", {kvasir: "client", protocol: protocolVersion, token: "f".repeat(64)}, "token"],
        ["an empty token", {kvasir: "client", protocol: protocolVersion, token: ""}, "token"],
        ["a token that is the beginning of the right one", "begin", "token"],
        ["another version", "version", "protocol"],
    ])("%s is refused", async (_, greeting, reason) => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const {token} = await endpointOf(folder);
        const line =
            greeting === "begin"
                ? {kvasir: "client", protocol: protocolVersion, token: token.slice(0, 32)}
                : greeting === "version"
                  ? {kvasir: "client", protocol: protocolVersion + 1, token}
                  : greeting;
        const one = await stranger(folder);
        one.socket.write(
            `${JSON.stringify(line)}\n${framed({jsonrpc: "2.0", id: 1, method: "cacheClear", params: {}})}`,
        );
        await eventually(one.isOut);
        expect(JSON.parse(one.heard())).toMatchObject({kind: "refused", reason, leaves: false});
        expect(engines).toEqual([]);
    });

    it("a stranger with the wrong token cannot make an engine leave", async () => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        const one = await stranger(folder);
        one.socket.write(
            `${JSON.stringify({kvasir: "client", protocol: 99, token: "f".repeat(64), wantsItself: true})}\n`,
        );
        await eventually(one.isOut);
        const client = newClient(folder);
        await client.connect();
        expect(await client.countTokens(["abc"])).toEqual([3]);
    });

    it.each([
        ["no JSON", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["JSON of another form", '{"hello":"world"}\n'],
        ["a line without an end", "x".repeat(maxGreetingBytes + 1)],
        ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x0a])],
    ])("%s is put out without a word", async (_, bytes) => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        const one = await stranger(folder);
        one.socket.write(bytes);
        await eventually(one.isOut);
        expect(one.heard()).toBe("");
    });

    it("many strangers who say nothing keep nobody from joining", async () => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        await Promise.all(Array.from({length: 100}, () => stranger(folder)));
        expect(await newClient(folder).countTokens(["ab"])).toEqual([2]);
    });
});

describe("messages behind the greeting", () => {
    it("unknown methods, wrong parameters and calls before hello are answered with errors", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const one = await welcomed(folder);
        const send = (id: number, method: string, params: unknown) =>
            one.socket.write(framed({jsonrpc: "2.0", id, method, params}));
        send(1, "cacheClear", {});
        send(2, "hello", {settings: {...someSettings, budget: 2}, name: "x"});
        send(3, "hello", {settings: someSettings, name: "x"});
        send(4, "toString", {});
        send(5, "__proto__", {});
        send(6, "ask", {request: {...question("words 1"), more: true}, events: 1});
        send(7, "ask", {request: {...question("words 1"), turns: []}, events: 1});
        send(8, "countTokens", {texts: "abc"});
        send(9, "hello", {settings: someSettings, name: "x"});
        send(10, "countTokens", {texts: ["abc"]});
        send(11, "cacheClear", {surplus: 1});
        await eventually(() => answers(one).size === 11);
        const codes = (id: number) => answers(one).get(id)?.error?.data?.code;
        expect(codes(1)).toBe("usage");
        expect(codes(2)).toBe("usage");
        expect(answers(one).get(3)?.error).toBeUndefined();
        expect(answers(one).get(4)?.error?.code).toBe(-32601);
        expect(answers(one).get(5)?.error?.code).toBe(-32601);
        expect([6, 7, 8, 9, 11].map(codes)).toEqual(["usage", "usage", "usage", "usage", "usage"]);
        expect(answers(one).get(10)?.result).toEqual([3]);
        expect(engines[0]?.calls).toEqual([]);
    });

    it("a client whose stream is broken is put out; the others do not notice", async () => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        const client = newClient(folder);
        await client.connect();
        const one = await welcomed(folder);
        one.socket.write("Content-Length: 5\r\n\r\n{{{{{");
        await eventually(one.isOut);
        expect(await client.countTokens(["abc"])).toEqual([3]);
        expect(client.connection().name).toBe("connected");
    });

    it("whatever bytes are sent, the engine goes on for everybody else", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const client = newClient(folder);
        await client.connect();
        const valid = Buffer.from(
            framed({jsonrpc: "2.0", id: 1, method: "hello", params: {settings: someSettings, name: "x"}}) +
                framed({jsonrpc: "2.0", id: 2, method: "ask", params: {request: question("words 3"), events: 0}}) +
                framed({jsonrpc: "2.0", method: "$/cancelRequest", params: {id: 2}}),
        );
        const mutation = fc.record({
            at: fc.nat({max: valid.length - 1}),
            kind: fc.constantFrom("flip", "cut", "double", "insert"),
            bytes: fc.uint8Array({minLength: 1, maxLength: 32}),
        });
        await fc.assert(
            fc.asyncProperty(fc.array(mutation, {minLength: 1, maxLength: 4}), async (mutations) => {
                const one = await welcomed(folder);
                let bytes: Buffer = Buffer.from(valid);
                for (const {at, kind, bytes: noise} of mutations) {
                    const place = at % bytes.length;
                    const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
                    if (kind === "flip") bytes[place] = (bytes[place] ?? 0) ^ (noise[0] ?? 1);
                    else if (kind === "cut") bytes = Buffer.concat([before, Buffer.from(" ")]);
                    else if (kind === "double") bytes = Buffer.concat([before, after, after]);
                    else bytes = Buffer.concat([before, noise, after]);
                }
                one.socket.end(bytes);
                expect(await client.countTokens(["abcd"])).toEqual([4]);
            }),
            {numRuns: 150, seed: 20261122},
        );
        await eventually(() => client.status().clients === 1);
        expect(engines).toHaveLength(1);
        expect(client.connection().name).toBe("connected");
    });

    it("more calls at a time than a window ever has are refused, and the connection stays", async () => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        const client = newClient(folder);
        await client.connect();
        const controller = new AbortController();
        const asked = Array.from({length: 200}, (_, i) =>
            client.ask(question("wait", `c${i}`), {}, controller.signal).catch((error: {code: string}) => error.code),
        );
        expect(await Promise.race(asked)).toBe("busy");
        controller.abort();
        const codes = await Promise.all(asked);
        expect(codes.filter((code) => code === "busy")).toHaveLength(200 - 128);
        expect(codes.filter((code) => code === "cancelled")).toHaveLength(128);
        expect(await client.countTokens(["ab"])).toEqual([2]);
    });
});
