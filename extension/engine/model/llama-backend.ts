/**
 * llama.cpp in this process, one instance per backend for as long as the process lives: node-llama-cpp loses the logger
 * of the first when a second is made, and what disposing would free (the device's own state) comes back with the next
 * model anyway. Loaded when first asked for, since the import alone takes most of a second.
 */
import path from "node:path";
import type {Llama, LlamaLogLevel as LogLevel} from "node-llama-cpp";
import type {EngineSettings} from "../../protocol/engine.js";
import {KvasirError} from "../../protocol/errors.js";
import {renewCudaLinks} from "../models/cuda-library.js";
import {startProven} from "./proven-binary.js";

export type LlamaLog = (level: "error" | "warn" | "info", message: string) => void;

/** Memory that is left to others: node-llama-cpp's own rules. */
const vramPadding = (total: number): number => Math.floor(Math.min(total * 0.08, 1.6 * 2 ** 30));
const ramPadding = (total: number): number =>
    Math.floor(Math.min(total * 0.25, (process.platform === "linux" ? 1 : 6) * 2 ** 30));

const started = new Map<EngineSettings["gpu"], Promise<Llama>>();
let sink: LlamaLog | undefined;

/**
 * @param log where warnings and errors of llama.cpp go from now on
 * @param cacheDir remembers there which binary has worked on this machine
 * @throws KvasirError `model-unsupported` when this machine has no such backend
 */
export async function startLlama(
    gpu: EngineSettings["gpu"],
    log: LlamaLog | undefined,
    cacheDir?: string,
): Promise<Llama> {
    sink = log;
    let llama = started.get(gpu);
    if (llama === undefined) {
        llama = start(gpu, cacheDir && path.join(cacheDir, `llama-${gpu}.json`));
        started.set(gpu, llama);
        // A backend that failed is tried again: a driver may have come back.
        llama.catch(() => started.delete(gpu));
    }
    return llama;
}

async function start(gpu: EngineSettings["gpu"], proofFile: string | undefined): Promise<Llama> {
    renewCudaLinks();
    const library = await import("node-llama-cpp");
    const {getLlama, LlamaLogLevel, NoBinaryFoundError} = library;
    const functions = {
        logger: (level: LogLevel, message: string) => {
            const isError = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
            sink?.(isError ? "error" : "warn", message.trim());
        },
        vramPadding,
        ramPadding,
    };
    const find = () =>
        getLlama({
            gpu: gpu === "cpu" ? false : gpu,
            build: "never",
            skipDownload: true,
            progressLogs: false,
            logLevel: LlamaLogLevel.warn,
            ...functions,
        });
    try {
        return await startProven({library, gpu, proofFile, functions, find});
    } catch (error) {
        if (
            error instanceof NoBinaryFoundError ||
            /no .*binary|not available|not supported/i.test((error as Error).message)
        )
            throw new KvasirError("model-unsupported", `llama.cpp has no working ${gpu} backend on this machine.`, {
                fix: "Choose another with --gpu, for example --gpu cpu.",
                cause: error,
            });
        throw error;
    }
}
