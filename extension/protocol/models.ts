/**
 * What is said about models before one is loaded: the catalogue, what a machine has, what fits, and the events of a
 * download. The extension reads these from the command line's JSON, so they are checked where they arrive.
 */
import * as z from "zod";

/** What decides the bytes of a token's KV rows. */
export const modelShape = z.strictObject({
    layers: z.int().positive(),
    kvHeads: z.int().positive(),
    headDim: z.int().positive(),
});
export type ModelShape = z.infer<typeof modelShape>;

const licence = z.strictObject({
    name: z.string().min(1),
    /** Whether it may be used for anything. */
    isOpen: z.boolean(),
    note: z.string().optional(),
});

export const speedClass = z.enum(["very fast", "fast", "medium", "slow", "very slow"]);

export const catalogueEntry = z.strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
    name: z.string().min(1),
    /** Names one file: `hf:USER/REPOSITORY/FILE.gguf`. */
    uri: z.string().regex(/^hf:[^/]+\/[^/]+\/.+\.gguf$/i),
    /** The name under which it is kept. */
    file: z.string().regex(/^[^/\\]+\.gguf$/i),
    licence,
    parameters: z.int().positive(),
    /** Of a mixture of experts: those that work on one token. */
    activeParameters: z.int().positive().optional(),
    quant: z.string().min(1),
    bytes: z.int().positive(),
    /** `bytes` is an estimate from parameters and quantisation. */
    isBytesAbout: z.literal(true).optional(),
    sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
    /** Whether it completes with the text behind the cursor in sight. */
    isFim: z.boolean(),
    /** Tokens. */
    window: z.int().positive(),
    shape: modelShape,
    speed: z.strictObject({
        /** In the catalogue: with all of it on a GPU. In a report: where this machine would run it. */
        class: speedClass,
        basis: z.enum(["measured", "expected"]),
        note: z.string().optional(),
    }),
    use: z.string().min(1),
});
export type CatalogueEntry = z.infer<typeof catalogueEntry>;

export const catalogue = z.strictObject({
    version: z.literal(1),
    about: z.string(),
    models: z.array(catalogueEntry),
    /** Well-known models that are not here on purpose. */
    leftOut: z.array(z.strictObject({name: z.string(), why: z.string()})),
});
export type Catalogue = z.infer<typeof catalogue>;

/** What there is to compute with. Bytes. */
export const machineFacts = z.strictObject({
    backend: z.string(),
    ram: z.strictObject({total: z.number(), free: z.number()}),
    /** Absent where the processor computes. */
    vram: z.strictObject({total: z.number(), free: z.number()}).optional(),
    /** Where downloads go, and what is free there. */
    disk: z.strictObject({folder: z.string(), free: z.number()}),
});
export type MachineFacts = z.infer<typeof machineFacts>;

export const modelFit = z.strictObject({
    /** `gpu`: all of it; `partly`: some layers stay on the processor, which is slow; `cpu`; `no`: not enough memory. */
    where: z.enum(["gpu", "partly", "cpu", "no"]),
    /** Memory for what is kept of files, beside the weights. */
    kvBytes: z.number(),
    /** Of one token with all its rows, in f16. */
    bytesPerToken: z.number(),
    /** Tokens of files that stay in memory, by the share of their rows that is kept. */
    residentTokens: z.strictObject({quarter: z.number(), eighth: z.number()}),
});
export type ModelFit = z.infer<typeof modelFit>;

/** One row of the table: a model of the catalogue, or a file that is here. */
export const modelChoice = z.strictObject({
    /** Of the catalogue. */
    id: z.string().optional(),
    name: z.string(),
    /** Set when it is on this disk. */
    path: z.string().optional(),
    /** Where it was found, for a person: `LM Studio`, `Ollama`... */
    source: z.string(),
    bytes: z.number(),
    isBytesAbout: z.literal(true).optional(),
    quant: z.string().optional(),
    licence: licence.optional(),
    isFim: z.boolean().optional(),
    window: z.number().optional(),
    speed: catalogueEntry.shape.speed.optional(),
    use: z.string().optional(),
    fit: modelFit.optional(),
    isRecommended: z.boolean(),
    /** Why it cannot be used. */
    reason: z.string().optional(),
});
export type ModelChoice = z.infer<typeof modelChoice>;

/** `kvasir models list` and `kvasir models advise`, with `--json`. */
export const modelsReport = z.strictObject({
    machine: machineFacts.optional(),
    models: z.array(modelChoice),
    /** The file that is used when none is named. */
    current: z.string().optional(),
});
export type ModelsReport = z.infer<typeof modelsReport>;

export const downloadProgress = z.strictObject({
    /** `checking` after the last byte: the checksum of gigabytes takes a while. */
    step: z.enum(["asking", "downloading", "checking"]),
    bytes: z.number(),
    /** 0 when the server does not say. */
    totalBytes: z.number(),
    bytesPerSecond: z.number().optional(),
    secondsLeft: z.number().optional(),
});
export type DownloadProgress = z.infer<typeof downloadProgress>;

/** `kvasir models get`, with `--json`. */
export const downloadReport = z.strictObject({
    path: z.string(),
    bytes: z.number(),
    /** How it is known to be whole: by a checksum from the catalogue or the server, or by its own header only. */
    checked: z.enum(["catalogue", "server", "header"]),
    /** It was here before; nothing was fetched. */
    wasThere: z.boolean(),
});
export type DownloadReport = z.infer<typeof downloadReport>;

/** `kvasir cuda`, with `--json`. */
export const cudaReport = z.strictObject({
    packages: z.array(z.object({name: z.string(), version: z.string(), integrity: z.string()})),
    /** On disk. */
    bytes: z.number(),
    isThere: z.boolean(),
});
export type CudaReport = z.infer<typeof cudaReport>;
