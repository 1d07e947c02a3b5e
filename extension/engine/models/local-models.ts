/**
 * Finds the GGUF files that are on this machine already: Kvasir's own, and those of other tools, whose folders are
 * looked at by name and never written to.
 */
import {readFile, readdir, realpath, stat} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {z} from "zod";
import {partsOf} from "../store/model-hash.js";

export interface LocalModel {
    /** For a person. */
    name: string;
    /** Its only or first file. */
    path: string;
    /** Of all its parts. */
    bytes: number;
    source: string;
}

export interface ModelPlaces {
    own: string;
    /** Named by the user. */
    folders?: readonly string[];
    home?: string;
    env?: NodeJS.ProcessEnv;
}

/** Deep enough for USER/REPOSITORY/FILE and the snapshots of the Hugging Face cache. */
const maxDepth = 5;
const maxFiles = 500;

/** In the order of the places; a file that several names lead to counts once. Folders that cannot be read count as empty. */
export async function findLocalModels(places: ModelPlaces): Promise<LocalModel[]> {
    const found: LocalModel[] = [];
    const seen = new Set<string>();
    const add = async (file: string, source: string, name?: string): Promise<void> => {
        if (found.length >= maxFiles) return;
        try {
            const real = await realpath(file);
            if (seen.has(real)) return;
            const sizes = await Promise.all(partsOf(file).map((part) => stat(part)));
            if (!sizes.every((size) => size.isFile())) return;
            seen.add(real);
            const bytes = sizes.reduce((sum, {size}) => sum + size, 0);
            found.push({
                name: name ?? path.basename(file).replace(/(-00001-of-\d{5})?\.gguf$/i, ""),
                path: file,
                bytes,
                source,
            });
        } catch {
            // Gone meanwhile, or a part is missing: it cannot be used.
        }
    };
    for (const {folder, source} of placesOf(places)) {
        for (const file of await ggufFilesIn(folder)) await add(file, source);
    }
    for (const folder of ollamaFolders(places)) {
        for (const {file, name} of await ollamaModels(folder)) await add(file, "Ollama", name);
    }
    return found;
}

function placesOf({
    own,
    folders = [],
    home = os.homedir(),
    env = process.env,
}: ModelPlaces): {folder: string; source: string}[] {
    const cache = env.XDG_CACHE_HOME ?? path.join(home, ".cache");
    const huggingFace = env.HF_HUB_CACHE ?? path.join(env.HF_HOME ?? path.join(cache, "huggingface"), "hub");
    return [
        {folder: own, source: "Kvasir"},
        ...folders.map((folder) => ({folder, source: folder})),
        {folder: path.join(home, ".lmstudio/models"), source: "LM Studio"},
        {folder: path.join(home, ".cache/lm-studio/models"), source: "LM Studio"},
        {folder: huggingFace, source: "Hugging Face"},
        {folder: env.LLAMA_CACHE ?? path.join(cache, "llama.cpp"), source: "llama.cpp"},
        {folder: path.join(home, ".node-llama-cpp/models"), source: "node-llama-cpp"},
    ];
}

/** Sorted. Of a model in parts the first; no projectors of images and no adapters, which are not models. */
async function ggufFilesIn(folder: string, depth = 0): Promise<string[]> {
    const entries = await readdir(folder, {withFileTypes: true}).catch(() => []);
    const files: string[] = [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) {
            // Unfinished downloads, blobs that the snapshots link to, `.locks`.
            const isHidden = entry.name.startsWith(".") || entry.name === "blobs";
            if (depth < maxDepth && !isHidden) files.push(...(await ggufFilesIn(file, depth + 1)));
        } else if (isModelName(entry.name)) files.push(file);
    }
    return files;
}

export function isModelName(name: string): boolean {
    const isLaterPart = /-(?!0*1-of-)\d+-of-\d+\.gguf$/i.test(name);
    return /\.gguf$/i.test(name) && !isLaterPart && !/mmproj|lora|adapter/i.test(name);
}

function ollamaFolders({home = os.homedir(), env = process.env}: ModelPlaces): string[] {
    return env.OLLAMA_MODELS
        ? [env.OLLAMA_MODELS]
        : [path.join(home, ".ollama/models"), "/usr/share/ollama/.ollama/models"];
}

/** What Ollama pulls: a manifest names the blobs of a model by their digest; one of them is the GGUF. */
const manifestSchema = z.object({layers: z.array(z.object({mediaType: z.string(), digest: z.string()}))});
const ggufLayer = "application/vnd.ollama.image.model";

async function ollamaModels(folder: string): Promise<{file: string; name: string}[]> {
    const manifests = path.join(folder, "manifests");
    const names = await readdir(manifests, {recursive: true, withFileTypes: true}).catch(() => []);
    const models: {file: string; name: string}[] = [];
    for (const entry of names.filter((each) => each.isFile()).slice(0, maxFiles)) {
        const manifest = path.join(entry.parentPath, entry.name);
        try {
            const {layers} = manifestSchema.parse(JSON.parse(await readFile(manifest, "utf8")));
            const digest = layers.find(({mediaType}) => mediaType === ggufLayer)?.digest;
            // The digest becomes a path, so it must be one.
            const hex = /^sha256:([0-9a-f]{64})$/.exec(digest ?? "")?.[1];
            if (hex === undefined) continue;
            // registry.ollama.ai/library/qwen2.5-coder/7b: people know it as qwen2.5-coder:7b.
            const parts = path.relative(manifests, manifest).split(path.sep).slice(1);
            const tag = parts.pop() ?? "";
            const name = `${parts.filter((part) => part !== "library").join("/")}:${tag}`;
            models.push({file: path.join(folder, "blobs", `sha256-${hex}`), name});
        } catch {
            // No manifest of ours to repair: one that cannot be read names no model.
        }
    }
    return models;
}
