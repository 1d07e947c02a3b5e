/**
 * llama.cpp in this process, one instance per backend for as long as the process lives: node-llama-cpp loses the logger
 * of the first when a second is made, and what disposing would free (the device's own state) comes back with the next
 * model anyway. Loaded when first asked for, since the import alone takes most of a second.
 */
import type {Llama} from "node-llama-cpp";
import type {EngineSettings} from "../../protocol/engine.js";
import {KvasirError} from "../../protocol/errors.js";

export type LlamaLog = (level: "error" | "warn" | "info", message: string) => void;

const started = new Map<EngineSettings["gpu"], Promise<Llama>>();
let sink: LlamaLog | undefined;

/**
 * @param log where warnings and errors of llama.cpp go from now on
 * @throws KvasirError `model-unsupported` when this machine has no such backend
 */
export async function startLlama(gpu: EngineSettings["gpu"], log: LlamaLog | undefined): Promise<Llama> {
    sink = log;
    let llama = started.get(gpu);
    if (llama === undefined) {
        llama = start(gpu);
        started.set(gpu, llama);
        // A backend that failed is tried again: a driver may have come back.
        llama.catch(() => started.delete(gpu));
    }
    return llama;
}

async function start(gpu: EngineSettings["gpu"]): Promise<Llama> {
    const {getLlama, LlamaLogLevel, NoBinaryFoundError} = await import("node-llama-cpp");
    try {
        return await getLlama({
            gpu: gpu === "cpu" ? false : gpu,
            build: "never",
            skipDownload: true,
            progressLogs: false,
            logLevel: LlamaLogLevel.warn,
            logger: (level, message) => {
                const isError = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
                sink?.(isError ? "error" : "warn", message.trim());
            },
        });
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
