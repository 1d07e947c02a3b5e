/** The peer's life against a program that speaks llama-server's protocol and computes nothing. */
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, describe, expect, test, vi} from "vitest";
import {LlamaServer, parseServerEvent, serverArguments} from "../../../extension/cli/bench/llama-server.js";

const options = {program: "llama-server", modelPath: "/m.gguf", nCtx: 16_384, nThreads: 2, onGpu: false};

describe("what it is started with", () => {
    const after = (args: readonly string[], flag: string) => args[args.indexOf(flag) + 1];

    test("the same threads, the loopback, its own reuse on", () => {
        const args = serverArguments(options, 4711);
        expect(after(args, "--host")).toBe("127.0.0.1");
        expect(after(args, "--port")).toBe("4711");
        expect(after(args, "--threads")).toBe("2");
        expect(after(args, "--threads-batch")).toBe("2");
        expect(after(args, "--cache-reuse")).toBe("256");
        expect(after(args, "--device")).toBe("none");
        expect(args).not.toContain("--override-kv");
    });

    test("more cells than the trained window lift its cap; a GPU gets all layers", () => {
        const args = serverArguments({...options, onGpu: true, liftedWindowKey: "llama.context_length"}, 1);
        expect(after(args, "--override-kv")).toBe("llama.context_length=int:16384");
        expect(after(args, "--n-gpu-layers")).toBe("999");
        expect(args).not.toContain("--device");
    });
});

test("events: tokens as they come, the clock in the last one", () => {
    expect(parseServerEvent('{"content":" a","tokens":[12],"stop":false}')).toEqual({nTokens: 1});
    // Five tokens, the first of which was there when its clock started.
    const last = '{"content":"","tokens":[],"stop":true,"timings":{"cache_n":4800,"predicted_n":5,"predicted_ms":80}}';
    expect(parseServerEvent(last)).toEqual({nTokens: 0, end: {msPerToken: 20, nCached: 4800}});
    expect(() => parseServerEvent('{"error":{"code":400,"message":"too long"}}')).toThrow(/too long/);
});

// A script is no program on Windows.
describe.skipIf(process.platform === "win32")("a server", {timeout: 120_000}, () => {
    const folder = mkdtempSync(join(tmpdir(), "peer-"));
    afterAll(() => rmSync(folder, {recursive: true}));
    const program = (name: string, source: string): string => {
        const file = join(folder, name);
        writeFileSync(file, `#!${process.execPath}\n${source}`, {mode: 0o755});
        return file;
    };
    const {signal} = new AbortController();

    /** Is loading at first, as a model is; answers as many tokens as were asked for, and 400 to an empty prompt; dies of two tokens. */
    const speaking = program(
        "speaking.cjs",
        `const {createServer} = require("node:http");
let nLooks = 0;
const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
createServer((request, response) => {
    if (request.url === "/health") return response.writeHead(++nLooks < 3 ? 503 : 200).end("{}");
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
        const {prompt, n_predict, stream} = JSON.parse(body);
        if (prompt.length === 0) return response.writeHead(400).end('{"error":{"message":"no prompt"}}');
        if (prompt.length === 2) {
            response.write("data: " + JSON.stringify({tokens: [1]}) + "\\n\\n", () => process.exit(9));
            return;
        }
        for (let n = 0; n < n_predict; n++) response.write("data: " + JSON.stringify({tokens: [n], stop: !stream}) + "\\n\\n");
        const timings = {cache_n: prompt.length - 1, predicted_n: n_predict, predicted_ms: 10 * (n_predict - 1)};
        response.end("data: " + JSON.stringify({tokens: [], stop: true, timings}) + "\\n\\n");
    });
}).listen(port, "127.0.0.1");
`,
    );

    test("is waited for, asked, and gone in the end", async () => {
        const server = await LlamaServer.start({...options, program: speaking, signal});
        try {
            const answer = await server.ask(Uint32Array.of(1, 2, 3), 4);
            expect(answer).toMatchObject({nTokens: 4, msPerToken: 10, nCached: 2});
            expect(answer.firstTokenMs).toBeGreaterThan(0);
            expect(answer.totalMs).toBeGreaterThanOrEqual(answer.firstTokenMs);
            await expect(server.ask(new Uint32Array(), 1)).rejects.toThrow(/400.*no prompt/);
        } finally {
            await server.stop();
        }
        await expect(server.ask(Uint32Array.of(1), 1)).rejects.toMatchObject({code: "internal"});
    });

    test("that ends in the middle of an answer has failed, and is known to have ended", async () => {
        const server = await LlamaServer.start({...options, program: speaking, signal});
        try {
            expect(server.hasEnded).toBe(false);
            await expect(server.ask(Uint32Array.of(1, 2), 4)).rejects.toThrow(/^llama-server failed: /);
            await vi.waitUntil(() => server.hasEnded, 60_000);
        } finally {
            await server.stop();
        }
    });

    test("that ends before it answers says why", async () => {
        const failing = program(
            "failing.cjs",
            'console.error("error: unknown model architecture"); process.exit(3);\n',
        );
        await expect(LlamaServer.start({...options, program: failing, signal})).rejects.toThrow(
            /code 3.*unknown model architecture/,
        );
        const absent = join(folder, "absent");
        await expect(LlamaServer.start({...options, program: absent, signal})).rejects.toThrow(/ENOENT/);
    });

    test("that never answers ends with the bench", async () => {
        const silent = program("silent.cjs", "setInterval(() => undefined, 1000);\n");
        const controller = new AbortController();
        const starting = LlamaServer.start({...options, program: silent, signal: controller.signal});
        controller.abort();
        await expect(starting).rejects.toMatchObject({code: "cancelled"});
    });
});
