/**
 * Spares the trial that node-llama-cpp makes of a prebuilt binary in a process of its own before it loads it, once that
 * binary has worked on this machine: the engine is a process of its own already, and it has to be back soon after a crash.
 * The proof is taken away while the binary is loaded, so a binary that ends the process is tried again by the next one.
 */
import {readFile, readdir, rm, stat} from "node:fs/promises";
import {createRequire} from "node:module";
import {release} from "node:os";
import path from "node:path";
import type {Llama} from "node-llama-cpp";
import * as z from "zod";
import type {EngineSettings} from "../../protocol/engine.js";
import {modulesFolder} from "../models/cuda-library.js";
import {installedVersions} from "../native/addon.js";
import {writeFileAtomically} from "../store/write-file-atomically.js";

/** node-llama-cpp's own, of the very version that the addon is built for: what it makes a `Llama` from once a binary is found. */
interface CreateOptions {
    bindings: object;
    bindingPath: string;
    extBackendsPath?: string | undefined;
    buildType: string;
    buildMetadata: unknown;
    logger?: unknown;
    vramPadding?: unknown;
    ramPadding?: unknown;
}
export interface LlamaClass {
    _create: (options: CreateOptions) => Promise<Llama>;
}

const proofSchema = z.object({
    /** Whatever the trial could depend on. */
    circumstances: z.string(),
    options: z.looseObject({
        bindingPath: z.string(),
        buildType: z.literal("prebuilt"),
        buildMetadata: z.unknown(),
    }),
    gpu: z.union([z.literal(false), z.string()]),
});
type Proof = z.infer<typeof proofSchema>;

export interface ProvenOptions {
    library: {Llama: unknown};
    gpu: EngineSettings["gpu"];
    /** Where the proof is kept; without one every start makes the trial. */
    proofFile: string | undefined;
    /** Of functions, since a file cannot hold them. */
    functions: Required<Pick<CreateOptions, "logger" | "vramPadding" | "ramPadding">>;
    /** Finds, tries and loads a binary. */
    find: () => Promise<Llama>;
}

export async function startProven({library, gpu, proofFile, functions, find}: ProvenOptions): Promise<Llama> {
    const {Llama: made} = library as {Llama: Partial<LlamaClass>};
    if (proofFile === undefined || typeof made._create !== "function") return find();
    const proof = await readProof(proofFile);
    await rm(proofFile, {force: true}).catch(() => undefined);
    if (proof !== undefined && proof.circumstances === (await circumstancesOf(gpu, proof.options.bindingPath))) {
        const llama = await load(made as LlamaClass, proof, functions).catch(() => undefined);
        if (llama?.gpu === proof.gpu) {
            await writeProof(proofFile, proof);
            return llama;
        }
        await llama?.dispose();
    }
    const {llama, options} = await watched(made as LlamaClass, find);
    const found = proofSchema.safeParse({
        circumstances: options && (await circumstancesOf(gpu, options.bindingPath)),
        options: options && {...options, bindings: undefined, ...nothing(functions)},
        gpu: llama.gpu,
    });
    if (found.success) await writeProof(proofFile, found.data);
    return llama;
}

/** The binary as `find` has found it, without a trial. */
function load(made: LlamaClass, {options}: Proof, functions: ProvenOptions["functions"]): Promise<Llama> {
    const require = createRequire(import.meta.url);
    const bindings = require(options.bindingPath) as object;
    return made._create({...options, ...functions, bindings});
}

/** What `find` has made its Llama from; the last try is the one that worked. */
async function watched(made: LlamaClass, find: () => Promise<Llama>) {
    const create = made._create;
    let options: CreateOptions | undefined;
    made._create = (given) => {
        options = given;
        return create.call(made, given);
    };
    try {
        return {llama: await find(), options};
    } finally {
        made._create = create;
    }
}

function nothing(functions: object): Record<string, undefined> {
    return Object.fromEntries(Object.keys(functions).map((name) => [name, undefined]));
}

async function circumstancesOf(gpu: EngineSettings["gpu"], bindingPath: string): Promise<string> {
    const {nodeLlamaCpp, llamaRelease} = installedVersions();
    const {size, mtimeMs} = await stat(bindingPath).catch(() => ({size: 0, mtimeMs: 0}));
    const node = `${process.versions.modules} ${process.platform}-${process.arch}`;
    // One that was added since may be better.
    const builds = await readdir(path.join(modulesFolder(), "@node-llama-cpp")).catch(() => []);
    return [gpu, nodeLlamaCpp, llamaRelease, node, release(), bindingPath, size, mtimeMs, ...builds.sort()].join(" ");
}

async function readProof(file: string): Promise<Proof | undefined> {
    try {
        return proofSchema.parse(JSON.parse(await readFile(file, "utf8")));
    } catch {
        return undefined;
    }
}

/** One that cannot be written costs the next start its trial, nothing else. */
async function writeProof(file: string, proof: Proof): Promise<void> {
    await writeFileAtomically(file, (handle) => handle.writeFile(JSON.stringify(proof)), {isDurable: false}).catch(
        () => undefined,
    );
}
