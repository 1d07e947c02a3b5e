/**
 * Owns what is known of a workspace's files without a model: texts, sizes in tokens, parts, imports,
 * declared names, the words in them. It is kept up to date file by file, and answers depend on the files
 * alone, not on the order in which they came. Texts are held by reference.
 */
import type {SkipReason} from "../files/skip-reason.js";
import {SearchIndex} from "./bm25.js";
import {scanDeclarations} from "./declarations.js";
import {ImportGraph} from "./import-graph.js";
import type {PathIndex} from "./path-index.js";

/** A piece of a file that can be attended without the others. Offsets are UTF-16 units of the file's text. */
export interface KnownPart {
    start: number;
    end: number;
    /** 1-based. */
    startLine: number;
    nTokens: number;
}

export type KnownFile =
    | {
          path: string;
          reason?: undefined;
          text: string;
          nTokens: number;
          isEstimated: boolean;
          parts: readonly KnownPart[];
      }
    | {path: string; reason: SkipReason};

/** Characters of code per token, on the low side: an estimate must not promise room that is not there. */
const charactersPerToken = 3;

/** A size to plan with until a tokenizer has seen the text. */
export function estimateTokens(text: string): number {
    return Math.ceil(text.length / charactersPerToken);
}

export class RepositoryIndex {
    readonly imports = new ImportGraph();
    readonly search = new SearchIndex();
    /**
     * Called when a choice hangs on the size of a file that was only estimated: tokenises the file and calls `set`
     * with its tokens and parts. Without it estimates are taken for sizes, and long files cannot be seen in parts.
     */
    measure: ((path: string) => void) | undefined;
    readonly #files = new Map<string, KnownFile>();
    // Made when a question needs them, gone with the file's entry.
    readonly #parts = new WeakMap<KnownFile, SearchIndex>();
    readonly #declared = new Map<string, Map<string, boolean>>();
    readonly #namesOf = new Map<string, readonly string[]>();

    get paths(): PathIndex {
        return this.imports.paths;
    }

    /**
     * Adds a readable file or replaces its text.
     * @param nTokens the file's tokens, header included; an estimate when left out
     * @param parts where the file is cut when it is longer than a segment may be; none for a file in one piece
     */
    set(path: string, text: string, nTokens?: number, parts: readonly KnownPart[] = []): void {
        const before = this.#files.get(path);
        const isSame = before?.reason === undefined && before?.text === text;
        if (isSame && nTokens === undefined) return;
        const isEstimated = nTokens === undefined;
        this.#files.set(path, {path, text, nTokens: nTokens ?? estimateTokens(text), isEstimated, parts});
        // Sizes change when a tokenizer has seen the file; its words do not.
        if (isSame) return;
        this.imports.set(path, text);
        const declarations = scanDeclarations(path, text);
        this.#forgetNames(path);
        this.#namesOf.set(
            path,
            declarations.map(({name}) => name),
        );
        for (const {name, isExported} of declarations) {
            const files = this.#declared.get(name) ?? new Map<string, boolean>();
            files.set(path, isExported);
            this.#declared.set(name, files);
        }
        this.search.set(
            path,
            text,
            declarations.map(({name}) => name),
        );
    }

    /** Adds a file that is known but not read: it can be named, and is then left out with its reason. */
    skip(path: string, reason: SkipReason): void {
        this.delete(path);
        this.#files.set(path, {path, reason});
        this.paths.add(path);
    }

    delete(path: string): void {
        this.#files.delete(path);
        this.imports.delete(path);
        this.search.delete(path);
        this.#forgetNames(path);
    }

    file(path: string): KnownFile | undefined {
        return this.#files.get(path);
    }

    /** The file with its true size, where `measure` can tell it. */
    measured(path: string): KnownFile | undefined {
        const file = this.#files.get(path);
        if (file?.reason === undefined && file?.isEstimated === true) this.measure?.(path);
        return this.#files.get(path);
    }

    /** The words of a file's parts, under the parts' indices as paths: for choosing among them. Undefined for a file in one piece. */
    partsOf(path: string): SearchIndex | undefined {
        const file = this.#files.get(path);
        if (file === undefined || file.reason !== undefined || file.parts.length < 2) return undefined;
        const cached = this.#parts.get(file);
        if (cached !== undefined) return cached;
        const index = new SearchIndex();
        file.parts.forEach(({start, end}, i) => {
            const text = file.text.slice(start, end);
            index.set(
                String(i),
                text,
                scanDeclarations(path, text).map(({name}) => name),
            );
        });
        this.#parts.set(file, index);
        return index;
    }

    /** Files that declare a name, those that export it first, then by path. */
    declaring(name: string): string[] {
        const files = [...(this.#declared.get(name) ?? [])];
        return files.sort(([a, isA], [b, isB]) => Number(isB) - Number(isA) || (a < b ? -1 : 1)).map(([path]) => path);
    }

    #forgetNames(path: string): void {
        for (const name of this.#namesOf.get(path) ?? []) {
            const files = this.#declared.get(name);
            files?.delete(path);
            if (files?.size === 0) this.#declared.delete(name);
        }
        this.#namesOf.delete(path);
    }
}
