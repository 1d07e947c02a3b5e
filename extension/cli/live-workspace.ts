/**
 * Owns a workspace's files as a long-running server knows them: before a question it looks at the folder again and sends
 * the engine what changed. No watcher: a scan looks at names and times only, and nothing is missed.
 */
import type {EngineApi, SourceFile} from "../protocol/engine.js";
import {fileMissing} from "../protocol/errors.js";
import {loadText} from "../engine/workspace/load-text.js";
import {scanWorkspace} from "../engine/workspace/scan.js";

/** Files opened at once: enough to hide the disk's latency. */
const nLoadsAtOnce = 16;
/** One message to the engine; it goes on with other work between two. */
const maxPortionCharacters = 1_000_000;
/** Requests that come together, as completions do, look once. */
const defaultFreshMs = 1_000;

interface Known {
    mtimeMs: number;
    sizeBytes: number;
    /** Undefined when it could not be read as text. */
    hasText: boolean;
}

export class LiveWorkspace {
    readonly root: string;
    readonly #engine: Pick<EngineApi, "updateWorkspace">;
    readonly #freshMs: number;
    #known = new Map<string, Known>();
    #looking: Promise<void> | undefined;
    #lookedMs = -Infinity;

    /** @param root absolute; also the workspace's name in the engine */
    constructor(root: string, engine: Pick<EngineApi, "updateWorkspace">, freshMs = defaultFreshMs) {
        this.root = root;
        this.#engine = engine;
        this.#freshMs = freshMs;
    }

    /** Workspace paths of the files that the engine has, in order. */
    get paths(): string[] {
        return [...this.#known].filter(([, {hasText}]) => hasText).map(([path]) => path);
    }

    /** The engine knows nothing any more (it was started anew): everything is sent again by the next look. */
    forget(): void {
        this.#known = new Map();
        this.#lookedMs = -Infinity;
    }

    /** Brings the engine up to date with the disk. Calls that come together share one look. */
    async refresh(signal?: AbortSignal): Promise<void> {
        if (performance.now() - this.#lookedMs < this.#freshMs) return;
        this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
        await this.#looking;
        signal?.throwIfAborted();
    }

    /**
     * The known files that names stand for; a folder stands for all files below it.
     * @throws KvasirError `file-missing` for a name that no file of the workspace has, secrets and ignored ones included
     */
    filesNamed(names: readonly string[]): string[] {
        const all = this.paths;
        return [
            ...new Set(
                names.flatMap((given) => {
                    const name = given
                        .replaceAll("\\", "/")
                        .replace(/^(\.\/)+/, "")
                        .replace(/\/+$/, "");
                    if (name === "." || name === "") return all;
                    const found = all.filter((path) => path === name || path.startsWith(`${name}/`));
                    if (found.length === 0) throw fileMissing(given);
                    return found;
                }),
            ),
        ];
    }

    async #look(): Promise<void> {
        const known = this.#known;
        const next = new Map<string, Known>();
        const changed: {path: string; absolutePath: string}[] = [];
        for await (const entry of scanWorkspace({root: this.root})) {
            if (entry.reason !== undefined) continue;
            const {path, absolutePath, mtimeMs, sizeBytes} = entry;
            const before = known.get(path);
            if (before?.mtimeMs === mtimeMs && before.sizeBytes === sizeBytes) next.set(path, before);
            else {
                next.set(path, {mtimeMs, sizeBytes, hasText: false});
                changed.push({path, absolutePath});
            }
        }
        const removed = new Set([...known.keys()].filter((path) => known.get(path)?.hasText && !next.has(path)));
        let portion: SourceFile[] = [];
        let size = 0;
        const send = async () => {
            await this.#engine.updateWorkspace({workspace: this.root, upsert: portion, remove: [...removed]});
            removed.clear();
            [portion, size] = [[], 0];
        };
        for (let start = 0; start < changed.length; start += nLoadsAtOnce) {
            const some = changed.slice(start, start + nLoadsAtOnce);
            const loaded = await Promise.all(some.map(({absolutePath, path}) => loadText(absolutePath, {path})));
            for (const [index, {path}] of some.entries()) {
                const result = loaded[index]!;
                const entry = next.get(path)!;
                if (result.reason !== undefined) {
                    if (known.get(path)?.hasText) removed.add(path);
                    continue;
                }
                entry.hasText = true;
                portion.push({path, text: result.text, mtimeMs: result.mtimeMs});
                size += result.text.length;
            }
            if (size >= maxPortionCharacters) await send();
        }
        if (portion.length > 0 || removed.size > 0) await send();
        // An engine that was lost meanwhile has been forgotten about: the next look sends everything.
        if (this.#known === known) {
            this.#known = next;
            this.#lookedMs = performance.now();
        }
    }
}
