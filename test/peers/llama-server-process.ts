/** A real llama-server on a free loopback port, with a key, one slot and a small window. Ended by whoever started it. */
import {type ChildProcess, spawn} from "node:child_process";
import {once} from "node:events";
import {createServer} from "node:net";
import type {AddressInfo} from "node:net";
import path from "node:path";
import {setTimeout as delay} from "node:timers/promises";
import {peerKey} from "./exchanges.js";

const root = path.resolve(import.meta.dirname, "../..");
const program = path.join(
    root,
    ".kvasir/peers/llama-server",
    process.platform === "win32" ? "llama-server.exe" : "llama-server",
);
/** Small, so that a prompt that is too long is a short one. */
export const peerWindow = 2048;

export class LlamaServerProcess {
    private constructor(
        readonly port: number,
        private readonly child: ChildProcess,
    ) {}

    /** @param name under which it tells its model; no path of this machine then gets into what it says */
    static async start(modelPath: string, name: string, more: readonly string[] = []): Promise<LlamaServerProcess> {
        const port = await freePort();
        const child = spawn(
            program,
            [
                ...["--model", path.basename(modelPath), "--alias", name, "--api-key", peerKey, "--offline"],
                ...["--host", "127.0.0.1", "--port", String(port), "--device", "none", "--slots"],
                ...["--ctx-size", String(peerWindow), "--parallel", "1", "--threads", "2", "--threads-batch", "2"],
                // It leaves room of one batch before it takes files beside a completion.
                ...["--batch-size", "512", ...more],
            ],
            {cwd: path.dirname(modelPath), stdio: ["ignore", "ignore", "pipe"], windowsHide: true},
        );
        let log = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-4000)));
        const server = new LlamaServerProcess(port, child);
        process.once("exit", () => child.kill("SIGKILL"));
        while ((await server.#get("/health").catch(() => undefined))?.status !== 200) {
            if (child.exitCode !== null) throw new Error(`llama-server ended before it answered:\n${log}`);
            await delay(50);
        }
        return server;
    }

    /** Whether it computes for nobody: what became of a request whose client went away. */
    async isIdle(): Promise<boolean> {
        const slots = (await (await this.#get("/slots")).json()) as {is_processing: boolean}[];
        return slots.every((slot) => !slot.is_processing);
    }

    async stop(): Promise<void> {
        if (this.child.exitCode !== null || this.child.signalCode !== null) return;
        const ended = once(this.child, "exit");
        // It keeps nothing that a kill could hurt.
        this.child.kill("SIGKILL");
        await ended;
    }

    #get(route: string): Promise<Response> {
        return fetch(`http://127.0.0.1:${this.port}${route}`, {
            headers: {authorization: `Bearer ${peerKey}`, connection: "close"},
        });
    }
}

async function freePort(): Promise<number> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const {port} = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}
