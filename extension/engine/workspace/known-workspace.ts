/**
 * What the engine knows of one workspace: its files' texts, how they are cut into parts, their tokens, and the index
 * that choosing works on. Derived from what the client sends; holds no rows.
 */
import type {SourceFile, WorkspaceUpdate} from "../../protocol/engine.js";
import {RepositoryIndex} from "../../core/choose/repository-index.js";
import {classifyText} from "../../core/files/classify.js";
import {hasSecret, isSecretPath} from "../../core/files/secrets.js";
import {splitFile} from "../../core/files/split.js";
import {tokenStartsByLine} from "../../core/files/token-starts.js";
import {fileHeader, fileText} from "../../core/layout/chat-layout.js";

export interface PartTokens {
    /** Header and text, as the model reads them. */
    tokens: Uint32Array;
    header: string;
    text: string;
    /** 1-based. */
    startLine: number;
}

export interface KnownSource extends SourceFile {
    hits: number;
    lastAttendedMs?: number;
    budget?: number;
}

/**
 * Parts are no longer than this even where the window allows more: a question attends parts, and the best match of a
 * question about a large file should fit its budget beside others.
 */
const maxPartTokens = 2048;

export class KnownWorkspace {
    readonly index = new RepositoryIndex();
    readonly files = new Map<string, KnownSource>();
    readonly skipped = new Map<string, string>();
    pinned: string[] = [];
    /** Open editors, the active one first. */
    open: readonly string[] = [];
    /** Whether its segments may be scored again while nothing else is to be done. */
    mayRefine = false;
    excluded = new Set<string>();
    /** Under which name its segments are listed on disk. */
    storedAs: string;
    /** Told of every file whose rows are now other ones, or not wanted any more. */
    onDidChange: (path: string) => void = () => {};
    #knownTokens = 0;
    #nAttended = 0;
    readonly #tokenize: (text: string) => Uint32Array;
    readonly #maxTokens: number;
    readonly #parts = new Map<string, PartTokens[]>();

    /** @param maxTokens of one part, header included: the layout's M */
    constructor(
        readonly name: string,
        tokenize: (text: string) => Uint32Array,
        maxTokens: number,
    ) {
        this.storedAs = name;
        this.#tokenize = tokenize;
        this.#maxTokens = Math.min(maxTokens, maxPartTokens);
        this.index.measure = (path) => void this.parts(path);
    }

    update({upsert = [], remove = [], budgets = {}, pinned, excluded, open, refine, storedAs}: WorkspaceUpdate): void {
        if (storedAs !== undefined) this.storedAs = storedAs;
        for (const path of remove) this.#forget(path);
        for (const file of upsert) this.#set(file);
        for (const [path, budget] of Object.entries(budgets)) {
            const file = this.files.get(path);
            if (file === undefined) continue;
            if (budget === null) delete file.budget;
            else file.budget = budget;
            this.onDidChange(path);
        }
        if (pinned) this.pinned = pinned;
        if (excluded) this.excluded = new Set(excluded);
        if (open) this.open = open;
        if (refine !== undefined) this.mayRefine = refine;
    }

    /** The file's parts as they are read, tokenised when first asked for. */
    parts(path: string): PartTokens[] {
        const known = this.#parts.get(path);
        if (known) return known;
        const file = this.files.get(path);
        if (file === undefined) return [];
        const parts = this.#counted(path, () => this.#split(path, file.text));
        this.#parts.set(path, parts);
        return parts;
    }

    isTokenised(path: string): boolean {
        return this.#parts.has(path);
    }

    /** Tokens of a file; an estimate until it has been tokenised. */
    tokensOf(path: string): number {
        const file = this.index.file(path);
        return file === undefined || file.reason !== undefined ? 0 : file.nTokens;
    }

    /** Tokens of all files, estimates included. */
    get knownTokens(): number {
        return this.#knownTokens;
    }

    /** Files that a question or a completion has seen. */
    get nAttended(): number {
        return this.#nAttended;
    }

    /** A question or a completion sees these files. */
    markAttended(paths: Iterable<string>): void {
        for (const path of paths) {
            const file = this.files.get(path);
            if (file === undefined) continue;
            if (file.lastAttendedMs === undefined) this.#nAttended++;
            file.hits++;
            file.lastAttendedMs = Date.now();
        }
    }

    /** Keeps the sum over all files while a change to one is made. */
    #counted<T>(path: string, change: () => T): T {
        const of = () => (this.files.has(path) ? this.tokensOf(path) : 0);
        const before = of();
        const result = change();
        this.#knownTokens += of() - before;
        return result;
    }

    #set(file: SourceFile): void {
        const before = this.files.get(file.path);
        if (before?.text === file.text) return;
        this.#counted(file.path, () => this.#setText(file, before));
        this.onDidChange(file.path);
    }

    #setText(file: SourceFile, before: KnownSource | undefined): void {
        const reason =
            isSecretPath(file.path) || hasSecret(file.text) ? "secret" : classifyText(file.path, file.text).reason;
        if (reason !== undefined) {
            this.#drop(file.path);
            this.skipped.set(file.path, reason);
            this.index.skip(file.path, reason);
            return;
        }
        this.skipped.delete(file.path);
        this.files.set(file.path, {hits: 0, ...before, ...file});
        this.#parts.delete(file.path);
        this.index.set(file.path, file.text);
    }

    #forget(path: string): void {
        this.#counted(path, () => this.#drop(path));
        this.onDidChange(path);
    }

    #drop(path: string): void {
        if (this.files.get(path)?.lastAttendedMs !== undefined) this.#nAttended--;
        this.files.delete(path);
        this.skipped.delete(path);
        this.#parts.delete(path);
        this.index.delete(path);
    }

    #split(path: string, text: string): PartTokens[] {
        const whole = this.#tokenize(fileText(path, text));
        if (whole.length <= this.#maxTokens) {
            this.index.set(path, text, whole.length);
            return [{tokens: whole, header: fileHeader(path), text, startLine: 1}];
        }
        // The header takes room, and tokens that join two lines are not seen by counting line by line.
        const starts = tokenStartsByLine(text, (line) => this.#tokenize(line).length);
        const longestHeader = this.#tokenize(fileText(path, "", {first: 2, last: 2})).length;
        const room = Math.max(16, this.#maxTokens - longestHeader - 16);
        const parts = splitFile(text, starts, {maxTokens: room}).map(({start, end, startLine, endLine}) => {
            const piece = text.slice(start, end);
            const lines = {first: startLine, last: endLine};
            const tokens = this.#tokenize(fileText(path, piece, lines));
            return {start, end, startLine, tokens, header: fileHeader(path, lines), text: piece};
        });
        this.index.set(
            path,
            text,
            parts.reduce((sum, {tokens}) => sum + tokens.length, 0),
            parts.map(({start, end, startLine, tokens}) => ({start, end, startLine, nTokens: tokens.length})),
        );
        return parts;
    }
}
