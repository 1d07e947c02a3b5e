/** One engine for one command: made, loaded with progress, and always disposed of. */
import type {EngineApi, EngineSettings, ModelInfo} from "../protocol/engine.js";
import {checkModelExists} from "./common-flags.js";
import type {CommandContext} from "./command-context.js";
import {ProgressLine} from "./output/progress-line.js";

/**
 * @param work is given the loaded engine
 * @throws KvasirError `model-missing` before anything is started; what the engine and the work throw
 */
export async function withLoadedEngine<T>(
    context: CommandContext,
    settings: EngineSettings,
    work: (engine: EngineApi, progress: ProgressLine, model: ModelInfo) => Promise<T>,
): Promise<T> {
    checkModelExists(settings);
    return withEngine(context, settings, async (engine, progress) => {
        const {signal} = context.interrupt;
        const model = await engine.load((share) => progress.showShare("loading the model", share), signal);
        return work(engine, progress, model);
    });
}

/** Like withLoadedEngine, without loading the model: for commands that look at the store or at the machine. */
export async function withEngine<T>(
    context: CommandContext,
    settings: EngineSettings,
    work: (engine: EngineApi, progress: ProgressLine) => Promise<T>,
): Promise<T> {
    const progress = new ProgressLine(context.terminal);
    try {
        const engine = await context.createEngine(settings);
        try {
            context.interrupt.signal.throwIfAborted();
            return await work(engine, progress);
        } finally {
            progress.clear();
            await engine.dispose();
        }
    } finally {
        progress.clear();
    }
}
