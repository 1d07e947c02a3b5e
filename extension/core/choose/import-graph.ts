/**
 * Owns which known file imports which: texts are scanned as they come, imports are resolved when asked for,
 * so that adding a file to the list needs no pass over the others.
 */
import {PathIndex} from "./path-index.js";
import {resolveImport} from "./resolve-import.js";
import {type ImportReference, scanImports} from "./scan-imports.js";

export class ImportGraph {
    readonly paths: PathIndex;
    readonly #references = new Map<string, readonly ImportReference[]>();
    readonly #resolved = new Map<string, {version: number; imports: readonly string[]}>();

    constructor(paths: PathIndex = new PathIndex()) {
        this.paths = paths;
    }

    /** Adds a file or replaces its text. Unreadable files may be in `paths` without a text: they import nothing. */
    set(path: string, text: string): void {
        this.paths.add(path);
        this.#references.set(path, scanImports(path, text));
        this.#resolved.delete(path);
    }

    delete(path: string): void {
        this.paths.delete(path);
        this.#references.delete(path);
        this.#resolved.delete(path);
    }

    /** The known files that a file imports, in the order of its imports. */
    importsOf(path: string): readonly string[] {
        const resolved = this.#resolved.get(path);
        if (resolved?.version === this.paths.version) return resolved.imports;
        const references = this.#references.get(path) ?? [];
        const imports = [...new Set(references.flatMap((reference) => resolveImport(path, reference, this.paths)))];
        this.#resolved.set(path, {version: this.paths.version, imports});
        return imports;
    }
}
