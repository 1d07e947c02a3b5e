/**
 * Owns the asking of the command line about models: what there is, what fits, downloads. It is a process of its own, so
 * that neither the editor's nor the engine's process looks at files of gigabytes or uses the network.
 */
import {spawn} from "node:child_process";
import * as z from "zod";
import {KvasirError, type KvasirErrorCode, cancelled, internal} from "../../protocol/errors.js";
import {
    type CudaReport,
    type DownloadProgress,
    type DownloadReport,
    type ModelsReport,
    cudaReport,
    downloadProgress,
    downloadReport,
    modelsReport,
} from "../../protocol/models.js";
import {errorData} from "../../protocol/rpc-schemas.js";
import {engineEnvironment} from "../../client/start-engine.js";

export interface ModelTool {
    /** Catalogue and local models, with what fits. */
    advise(signal: AbortSignal): Promise<ModelsReport>;
    /** @param name an id of the catalogue or an address */
    download(
        name: string,
        onProgress: (progress: DownloadProgress) => void,
        signal: AbortSignal,
    ): Promise<DownloadReport>;
    /** llama.cpp for CUDA: what it would take; `add` fetches it. */
    cuda(add: boolean, signal: AbortSignal): Promise<CudaReport>;
}

export interface ModelToolOptions {
    /** What runs it: Node, or the editor itself. */
    executable: string;
    /** The command line's bundle, absolute. */
    script: string;
    /** Looked at anew with each call. */
    folders: () => readonly string[];
    gpu: () => string;
    /** Key of Hugging Face, when the user has given one. */
    env?: NodeJS.ProcessEnv;
}

export function createModelTool({executable, script, folders, gpu, env = process.env}: ModelToolOptions): ModelTool {
    async function run<T>(
        args: readonly string[],
        result: z.ZodType<T>,
        signal: AbortSignal,
        onLine: (line: string) => void = () => {},
    ): Promise<T> {
        if (signal.aborted) throw cancelled(args.join(" "));
        const child = spawn(executable, [script, ...args, "--json"], {
            env: engineEnvironment(env),
            stdio: ["ignore", "pipe", "pipe"],
            windowsHide: true,
        });
        // The first asks it to end in order; a download leaves what has come for the next try.
        const abort = () => child.kill("SIGTERM");
        signal.addEventListener("abort", abort, {once: true});
        let output = "";
        let rest = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
            const lines = (rest + text).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) onLine(line);
        });
        try {
            await new Promise<void>((done, fail) => {
                child.once("error", fail);
                child.once("close", () => done());
            });
        } catch (error) {
            throw internal(error);
        } finally {
            signal.removeEventListener("abort", abort);
        }
        if (signal.aborted) throw cancelled(args.join(" "));
        const answer = parsed(output);
        const failure = z.object({error: errorData}).safeParse(answer);
        if (failure.success)
            throw KvasirError.fromJSON({...failure.data.error, code: failure.data.error.code as KvasirErrorCode});
        const checked = result.safeParse(answer);
        if (!checked.success)
            throw internal(new Error(`the command line gave no answer to ${args.join(" ")}: ${rest}`));
        return checked.data;
    }

    return {
        advise: (signal) =>
            run(
                ["models", "advise", "--gpu", gpu(), ...folders().flatMap((folder) => ["--folder", folder])],
                modelsReport,
                signal,
            ),
        cuda: (add, signal) => run(["cuda", ...(add ? ["--add"] : [])], cudaReport, signal),
        download: (name, onProgress, signal) =>
            run(["models", "get", name, "--progress"], downloadReport, signal, (line) => {
                const progress = downloadProgress.safeParse(parsed(line));
                if (progress.success) onProgress(progress.data);
            }),
    };
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
