/** What of this machine and installation works, and what to do about what does not. Loads nothing that is not needed. */
import {access, constants, mkdir, statfs} from "node:fs/promises";
import {availableParallelism, cpus, freemem, totalmem} from "node:os";
import type {DoctorCheck, DoctorReport, EngineSettings} from "../protocol/engine.js";
import {type KvasirError, toKvasirError} from "../protocol/errors.js";
import {cudaHint} from "./models/cuda-library.js";
import type {LoadedEngine} from "./loaded-engine.js";
import {installedVersions} from "./native/addon.js";

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** @param writeProblem why the last segment could not be written */
export async function doctor(
    settings: EngineSettings,
    load: () => Promise<LoadedEngine>,
    writeProblem?: KvasirError,
): Promise<DoctorReport> {
    const checks: DoctorCheck[] = [machineCheck()];
    const versions = installedVersions();
    checks.push({
        id: "node-llama-cpp",
        ok: true,
        detail: `${versions.nodeLlamaCpp} with llama.cpp ${versions.llamaRelease}`,
    });
    checks.push(await cacheCheck(settings.cacheDir, writeProblem));
    let engine: LoadedEngine | undefined;
    try {
        engine = await load();
    } catch (error) {
        const {code, message, fix} = toKvasirError(error);
        const id = code.startsWith("addon") ? "addon" : "model";
        checks.push({id, ok: false, detail: `${code}: ${message}`, ...(fix === undefined ? {} : {fix})});
    }
    if (engine) checks.push(...(await engineChecks(engine)));
    const info = engine?.info;
    return {
        ok: checks.every(({ok}) => ok),
        checks,
        engine: {
            backend: engine?.model.backend ?? "none",
            addon: engine
                ? `${process.platform}-${process.arch}, for node-llama-cpp ${engine.model.addon.nodeLlamaCppVersion}`
                : "not loaded",
            llamaRelease: versions.llamaRelease,
        },
        model: {
            path: info?.path ?? settings.modelPath,
            architecture: info?.architecture ?? "",
            layers: info?.layers ?? 0,
            kvHeads: info?.kvHeads ?? 0,
            headDim: info?.headDim ?? 0,
            window: info?.window ?? 0,
            supported: info?.supported ?? false,
            ...(info?.reason === undefined ? {} : {reason: info.reason}),
        },
    };
}

function machineCheck(): DoctorCheck {
    const cpu = cpus()[0]?.model.trim() ?? "unknown CPU";
    return {
        id: "machine",
        ok: true,
        detail: `${cpu}, ${availableParallelism()} cores, ${gib(totalmem())} RAM (${gib(freemem())} free), Node ${process.versions.node}`,
    };
}

async function cacheCheck(folder: string, problem: KvasirError | undefined): Promise<DoctorCheck> {
    if (problem !== undefined) {
        const {message, fix} = problem.toJSON();
        return {id: "cache", ok: false, detail: message, ...(fix === undefined ? {} : {fix})};
    }
    try {
        await mkdir(folder, {recursive: true, mode: 0o700});
        await access(folder, constants.W_OK);
        const {bavail, bsize} = await statfs(folder);
        return {id: "cache", ok: true, detail: `${folder}, ${gib(bavail * bsize)} free`};
    } catch (error) {
        return {
            id: "cache",
            ok: false,
            detail: `${folder} cannot be written: ${(error as Error).message}`,
            fix: "Give a folder of your own with --cache-dir.",
        };
    }
}

async function engineChecks(engine: LoadedEngine): Promise<DoctorCheck[]> {
    const {model, context, profile} = engine;
    const {usedBytes, limitBytes} = context.memory();
    const checks: DoctorCheck[] = [
        {
            id: "addon",
            ok: true,
            detail: `tied to ${model.backend}; rows on ${context.shape.devices.map(({name}) => name).join(", ")}`,
        },
        await gpuCheck(engine),
        {
            id: "model",
            ok: true,
            detail: `${model.description.description}, window ${model.description.window}, ${gib(model.description.bytes)}`,
        },
        {id: "kv", ok: true, detail: `${gib(usedBytes)} of ${gib(limitBytes)} in use, rows in ${context.rowType}`},
    ];
    checks.push(
        profile
            ? {id: "head-profile", ok: true, detail: `${profile.origin}, ${profile.path}`}
            : {
                  id: "head-profile",
                  ok: true,
                  detail: "none for this model yet: files are kept whole until it is measured",
                  fix: "Run `kvasir calibrate` in a repository.",
              },
    );
    return checks;
}

async function gpuCheck({model, settings}: LoadedEngine): Promise<DoctorCheck> {
    const hint = cudaHint(model.backend);
    const fix = hint === undefined ? {} : {fix: hint};
    if (model.llama.gpu === false) return {id: "gpu", ok: true, detail: "none in use", ...fix};
    const vram = await model.vram();
    if (vram === undefined)
        return {
            id: "gpu",
            // Whoever asked for a backend by name should hear that it does nothing.
            ok: settings.gpu === "auto",
            detail: `${model.backend} finds no device: everything runs on the CPU`,
            fix: "Install the driver of the GPU, or use --gpu cpu.",
        };
    const names = await model.llama.getGpuDeviceNames();
    return {
        id: "gpu",
        ok: true,
        detail: `${model.backend}, ${names.join(", ")}: ${gib(vram.free)} of ${gib(vram.total)} VRAM free`,
        ...fix,
    };
}
