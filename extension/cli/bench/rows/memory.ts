/**
 * Peak memory of a whole process that answers one question over 4k tokens of files, weights included: Kvasir's command
 * line against llama-server with a cache for just these tokens.
 */
import {spawn} from "node:child_process";
import {tmpdir} from "node:os";
import {mkdtemp, rm} from "node:fs/promises";
import path from "node:path";
import {setTimeout as delay} from "node:timers/promises";
import {KvasirError} from "../../../protocol/errors.js";
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import type {BenchLab} from "../bench-lab.js";
import {peakBytesOf} from "../peak-memory.js";
import {serverName} from "../peers.js";
import {absentAs, type RowGroup} from "../row-group.js";
import {question} from "./asking.js";

const nTokens = 4096;
const maxTokens = 8;
/** Between two looks at the process's peak, which only rises. */
const pollMs = 20;

export const memoryRows: RowGroup = {
    rows: [{name: "peak-memory-4k", unit: "bytes", kvasir: "kvasir", peer: "server", peerName: serverName}],
    async prepare(lab) {
        peakBytesOf(process.pid);
        const [files] = disjointSets(await lab.files(), 1, nTokens) as [TokenFile[]];
        // Fresh, so that its peak is that of this question.
        await lab.stopServer();
        const server = await lab.optional(() => lab.server(sumTokens(files)));
        return {
            sides: {
                kvasir: () => peakOfAsking(lab, files),
                server: async () => {
                    await server.peer!.ask(await lab.prompt(files, question), maxTokens);
                    return server.peer!.peakBytes();
                },
            },
            absent: absentAs("server", server),
            warmUp: false,
            isExact: true,
            dispose: () => undefined,
        };
    },
};

/** Runs `kvasir ask` on these files, nothing read before, and watches the process. */
async function peakOfAsking(lab: BenchLab, files: readonly TokenFile[]): Promise<number> {
    const {settings, repo, signal} = lab;
    const cacheDir = await mkdtemp(path.join(tmpdir(), "kvasir-bench-"));
    try {
        const child = spawn(
            process.execPath,
            [
                ...[process.argv[1]!, "ask", question, "--json", "--max-tokens", String(maxTokens)],
                ...["--model", settings.modelPath, "--gpu", settings.gpu, "--policy", settings.policy],
                ...["--budget", String(settings.budget), "--threads", String(settings.threads)],
                ...["--row-type", settings.rowType, "--cache-dir", cacheDir],
                ...["--context", ...files.map((file) => file.path)],
            ],
            {cwd: repo, env: {...process.env, npm_lifecycle_event: ""}, stdio: ["ignore", "ignore", "pipe"], signal},
        );
        let said = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-500)));
        let code: number | null | undefined;
        child.once("error", (error) => (said = error.message));
        child.once("close", (exitCode) => (code = exitCode ?? -1));
        let peak = 0;
        while (code === undefined) {
            if (child.exitCode === null && child.pid !== undefined) peak = Math.max(peak, peakOrNone(child.pid));
            await delay(pollMs);
        }
        signal.throwIfAborted();
        if (code !== 0) throw new KvasirError("internal", `the question did not end well: ${said.trim()}.`);
        return peak;
    } finally {
        await rm(cacheDir, {recursive: true, force: true});
    }
}

/** A process may end between two looks. */
function peakOrNone(pid: number): number {
    try {
        return peakBytesOf(pid);
    } catch {
        return 0;
    }
}
