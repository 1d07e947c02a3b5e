/**
 * What fits into a machine, from sizes alone and before anything is downloaded: where the weights go, and how many
 * tokens of files stay in memory beside them. The same limits hold when the model is loaded (engine/loaded-engine.ts).
 */
import {
    type CatalogueEntry,
    type MachineFacts,
    type ModelFit,
    type ModelShape,
    speedClass,
} from "../../protocol/models.js";

const mib = 2 ** 20;
const gib = 2 ** 30;

/** The desktop and llama.cpp's own buffers need some VRAM; the editor and its language servers need some RAM. */
const vramReserve = 512 * mib;
const ramReserve = gib;
const minKvBytes = 256 * mib;
const maxKvBytesOnCpu = 8 * gib;

/** Beside the files: the copy of the attended ones that a question sees (cut like them), and whole rows that live. */
const attendedTokens = 8192;
const wholeTokens = 6144;

/** KV rows of one token in f16, all heads: K and V, two bytes each. */
export function bytesPerToken({layers, kvHeads, headDim}: ModelShape): number {
    return 2 * layers * kvHeads * headDim * 2;
}

/**
 * The limit of all KV memory when none is set.
 * @param free bytes: on a GPU what is free there with the weights loaded, else what is free of the RAM
 */
export function kvLimitBytes(free: number, isGpu: boolean): number {
    return isGpu
        ? Math.max(minKvBytes, Math.floor((free - vramReserve) * 0.8))
        : Math.max(minKvBytes, Math.min(maxKvBytesOnCpu, Math.floor(free / 3)));
}

/** @param weightsBytes of the file, or of all parts of it */
export function fitOf(
    weightsBytes: number,
    shape: ModelShape,
    {ram, vram}: Pick<MachineFacts, "ram" | "vram">,
): ModelFit {
    const perToken = bytesPerToken(shape);
    const fit = (where: ModelFit["where"], kvBytes: number): ModelFit => ({
        where,
        kvBytes,
        bytesPerToken: perToken,
        residentTokens: {
            quarter: residentTokens(kvBytes, perToken, 0.25),
            eighth: residentTokens(kvBytes, perToken, 0.125),
        },
    });
    if (vram !== undefined) {
        const left = vram.free - weightsBytes;
        if (left - vramReserve >= minKvBytes) return fit("gpu", kvLimitBytes(left, true));
        if (weightsBytes + ramReserve <= vram.free + ram.free) return fit("partly", minKvBytes);
        return fit("no", 0);
    }
    const left = ram.free - weightsBytes - ramReserve;
    if (left < minKvBytes) return fit("no", 0);
    return fit("cpu", Math.min(kvLimitBytes(ram.free, false), left));
}

function residentTokens(kvBytes: number, perToken: number, share: number): number {
    const forFiles = kvBytes / perToken - attendedTokens * share - wholeTokens;
    return Math.max(0, Math.floor(forFiles / share));
}

/** A processor is about two classes slower than a GPU that holds all of the model; what was measured was measured on one. */
export function speedOn(speed: CatalogueEntry["speed"], where: ModelFit["where"]): CatalogueEntry["speed"] {
    if (where === "gpu" || speed.basis === "measured") return speed;
    const classes = speedClass.options;
    const slower = Math.min(classes.length - 1, classes.indexOf(speed.class) + 2);
    return {...speed, class: classes[slower]!};
}

/** Slower than this nobody waits for on a processor: parameters that work on each token. */
const maxActiveOnCpu = 4e9;
/** A repository of some size, kept to a quarter. */
const minTokens = 64 * 1024;

/**
 * The model to begin with: free to use, made for completing too, the largest that leaves room: for a repository, and on a
 * processor for everything else that wants the RAM.
 */
export function recommended(
    models: readonly {entry: CatalogueEntry; fit: ModelFit}[],
    {ram}: Pick<MachineFacts, "ram">,
): CatalogueEntry | undefined {
    return models
        .filter(({entry, fit}) => {
            const isQuick =
                fit.where === "gpu" ||
                (fit.where === "cpu" &&
                    (entry.activeParameters ?? entry.parameters) <= maxActiveOnCpu &&
                    entry.bytes <= ram.free / 2);
            return entry.licence.isOpen && entry.isFim && isQuick && fit.residentTokens.quarter >= minTokens;
        })
        .sort((a, b) => b.entry.parameters - a.entry.parameters)[0]?.entry;
}
