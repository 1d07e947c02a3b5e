/**
 * llama-server as a peer: one process on a free loopback port, asked in tokens, so that both sides compute the same.
 * Started by the bench, ended by it. Never part of the product.
 */
import {type ChildProcess, spawn} from "node:child_process";
import {request} from "node:http";
import {createServer} from "node:net";
import type {AddressInfo} from "node:net";
import {setTimeout as delay} from "node:timers/promises";
import {KvasirError} from "../../protocol/errors.js";
import {peakBytesOf} from "./peak-memory.js";

export interface LlamaServerOptions {
    program: string;
    modelPath: string;
    /** Cells of its cache. */
    nCtx: number;
    nThreads: number;
    onGpu: boolean;
    /** `llama.context_length`-like key to lift, when more cells are asked for than the model was trained on. */
    liftedWindowKey?: string | undefined;
    signal: AbortSignal;
}

export interface ServerAnswer {
    /** From the request to the first token's arrival. */
    firstTokenMs: number;
    /** From the request to the last one's. */
    totalMs: number;
    nTokens: number;
    /** The server's own clock: milliseconds per token after the first one. */
    msPerToken: number;
    /** Prompt tokens that it found in its cache. */
    nCached: number;
}

/** Smallest chunk that the server may shift in its cache instead of computing it again. */
const cacheReuse = 256;
/** Between two looks whether it answers. */
const pollMs = 50;
/** Of its log, for the reason when it ends. */
const nLogLines = 20;

export class LlamaServer {
    readonly #port: number;
    readonly #child: ChildProcess;
    readonly #log: string[] = [];
    #ending: string | undefined;

    private constructor(child: ChildProcess, port: number) {
        this.#child = child;
        this.#port = port;
        for (const stream of [child.stdout, child.stderr]) {
            stream?.setEncoding("utf8").on("data", (text: string) => {
                this.#log.push(...text.split("\n").filter((line) => line.trim() !== ""));
                this.#log.splice(0, Math.max(0, this.#log.length - nLogLines));
            });
        }
        child.once("error", (error) => (this.#ending = error.message));
        child.once("exit", (code, signal) => (this.#ending ??= `it ended with ${signal ?? `code ${code}`}`));
        process.once("exit", this.#kill);
    }

    readonly #kill = (): void => void this.#child.kill("SIGKILL");

    /** @throws KvasirError `internal` when it ends before it answers, `cancelled` */
    static async start(options: LlamaServerOptions): Promise<LlamaServer> {
        const port = await freePort();
        const child = spawn(options.program, serverArguments(options, port), {
            stdio: ["ignore", "pipe", "pipe"],
            windowsHide: true,
        });
        const server = new LlamaServer(child, port);
        try {
            while (!(await server.#isReady())) {
                if (options.signal.aborted) throw new KvasirError("cancelled", "the bench was cancelled.");
                if (server.#ending !== undefined) throw server.#failed();
                await delay(pollMs);
            }
        } catch (error) {
            await server.stop();
            throw error;
        }
        return server;
    }

    /**
     * Greedy, through the end of a text: `nPredict` tokens in any case.
     * @param reuses whether it may use what its cache has of the prompt
     * @throws KvasirError `internal`
     */
    async ask(tokens: Uint32Array, nPredict: number, reuses = true): Promise<ServerAnswer> {
        const startedMs = performance.now();
        const answer = {firstTokenMs: Number.NaN, totalMs: 0, nTokens: 0, msPerToken: Number.NaN, nCached: 0};
        const body = {
            prompt: Array.from(tokens),
            n_predict: nPredict,
            cache_prompt: reuses,
            stream: true,
            return_tokens: true,
            ignore_eos: true,
            samplers: ["top_k"],
            top_k: 1,
        };
        for await (const event of this.#events("/completion", body)) {
            const piece = parseServerEvent(event);
            answer.nTokens += piece.nTokens;
            answer.totalMs = performance.now() - startedMs;
            if (Number.isNaN(answer.firstTokenMs)) answer.firstTokenMs = answer.totalMs;
            if (piece.end !== undefined) Object.assign(answer, piece.end);
        }
        return answer;
    }

    /** The most memory that its process has held. @throws KvasirError `internal` where the system does not tell */
    peakBytes(): number {
        return peakBytesOf(this.#child.pid!);
    }

    /** By itself: it answers no more. */
    get hasEnded(): boolean {
        return this.#ending !== undefined;
    }

    async stop(): Promise<void> {
        process.removeListener("exit", this.#kill);
        if (this.#ending !== undefined) return;
        const ended = new Promise((resolve) => this.#child.once("exit", resolve));
        // It keeps nothing that a kill could hurt.
        this.#kill();
        await ended;
    }

    /** A connection for each question: the server ends one that it has answered on, sometimes just when it is asked again. */
    get #address(): {host: string; port: number; agent: false} {
        return {host: "127.0.0.1", port: this.#port, agent: false};
    }

    async #isReady(): Promise<boolean> {
        return new Promise((resolve) => {
            const asked = request({...this.#address, path: "/health"}, (response) => {
                response.resume();
                response.once("end", () => resolve(response.statusCode === 200));
            });
            asked.once("error", () => resolve(false));
            asked.end();
        });
    }

    /** Data of the server-sent events of an answer. node:http, since fetch gives up on a prompt of five minutes. */
    async *#events(path: string, body: object): AsyncGenerator<string> {
        const response = await new Promise<NodeJS.ReadableStream & {statusCode?: number | undefined}>(
            (resolve, reject) => {
                const asked = request(
                    {
                        ...this.#address,
                        path,
                        method: "POST",
                        headers: {"content-type": "application/json"},
                    },
                    resolve,
                );
                asked.once("error", (error) => reject(this.#failed(error.message)));
                asked.end(JSON.stringify(body));
            },
        );
        response.setEncoding("utf8");
        let partial = "";
        try {
            for await (const chunk of response) {
                const lines = (partial + String(chunk)).split("\n");
                partial = lines.pop()!;
                for (const line of lines) if (line.startsWith("data: ")) yield line.slice("data: ".length);
            }
        } catch (error) {
            // The connection broke: it ended in the middle of an answer.
            throw this.#failed(error instanceof Error ? error.message : String(error));
        }
        if (response.statusCode !== 200) throw this.#failed(`it answered ${response.statusCode}: ${partial}`);
    }

    #failed(why = this.#ending ?? "it does not answer"): KvasirError {
        const said = this.#log.findLast((line) => /error|fail/i.test(line)) ?? this.#log.at(-1);
        return new KvasirError(
            "internal",
            `llama-server failed: ${why}${said === undefined ? "" : ` (${said.trim()})`}.`,
        );
    }
}

/** What it is started with: the same threads and the same attention as Kvasir, and its own ways to reuse a cache. */
export function serverArguments(options: Omit<LlamaServerOptions, "signal">, port: number): string[] {
    const {modelPath, nCtx, nThreads, onGpu, liftedWindowKey} = options;
    return [
        ...["--model", modelPath, "--host", "127.0.0.1", "--port", String(port), "--offline"],
        ...["--ctx-size", String(nCtx), "--threads", String(nThreads), "--threads-batch", String(nThreads)],
        ...["--cache-reuse", String(cacheReuse), "--flash-attn", "on"],
        ...(onGpu ? ["--n-gpu-layers", "999"] : ["--device", "none"]),
        ...(liftedWindowKey === undefined ? [] : ["--override-kv", `${liftedWindowKey}=int:${nCtx}`]),
    ];
}

/** What one event of `/completion` says; `end` in the last one. @throws KvasirError `internal` for an error of the server */
export function parseServerEvent(data: string): {
    nTokens: number;
    end?: Pick<ServerAnswer, "msPerToken" | "nCached">;
} {
    const event = JSON.parse(data) as {
        error?: {message?: string};
        stop?: boolean;
        tokens?: number[];
        timings?: {cache_n?: number; predicted_n?: number; predicted_ms?: number};
    };
    if (event.error !== undefined)
        throw new KvasirError("internal", `llama-server failed: ${event.error.message ?? data}.`);
    const nTokens = event.tokens?.length ?? 0;
    if (event.stop !== true) return {nTokens};
    const {cache_n = 0, predicted_n = 0, predicted_ms = Number.NaN} = event.timings ?? {};
    // Its clock starts when the first token is there already.
    return {nTokens, end: {msPerToken: predicted_ms / (predicted_n - 1), nCached: cache_n}};
}

/** A port that nobody listens on right now. */
async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
    });
    const {port} = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}
