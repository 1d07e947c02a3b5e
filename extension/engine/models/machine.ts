/** What this machine has to run a model with. */
import {mkdir, statfs} from "node:fs/promises";
import {freemem, totalmem} from "node:os";
import type {EngineSettings} from "../../protocol/engine.js";
import type {MachineFacts} from "../../protocol/models.js";
import {startLlama} from "../model/llama-backend.js";

/** @param folder where downloads go */
export async function machineOf(gpu: EngineSettings["gpu"], folder: string): Promise<MachineFacts> {
    const llama = await startLlama(gpu, undefined);
    const vram = llama.gpu === false ? undefined : await llama.getVramState();
    return {
        backend: llama.gpu === false ? "cpu" : llama.gpu,
        ram: {total: totalmem(), free: freemem()},
        // A backend without a device has none, and leaves the work to the processor.
        ...(vram === undefined || vram.total === 0 ? {} : {vram: {total: vram.total, free: vram.free}}),
        disk: {folder, free: await freeBytes(folder)},
    };
}

/** Bytes that this user may still write there; the folder is made. */
export async function freeBytes(folder: string): Promise<number> {
    await mkdir(folder, {recursive: true});
    const {bavail, bsize} = await statfs(folder);
    return bavail * bsize;
}
