/** Reads files of a workspace into segments, one part after another, and reports what each cost. */
import {readingOrder} from "../core/choose/reading-order.js";
import type {AttendedFile, ReadFileReport, ReadProgress, ReadReport, ReadSource} from "../protocol/engine.js";
import type {Fetched, FetchOptions} from "./kv/library.js";
import {maxTogether} from "./kv/reader.js";
import type {Segment} from "./kv/segment.js";
import type {LoadedEngine} from "./loaded-engine.js";
import type {Turn} from "./scheduler.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

export interface ReadOptions {
    turn: Turn;
    signal?: AbortSignal | undefined;
    /** Read first, with what they import. */
    near?: readonly string[] | undefined;
    again?: boolean | undefined;
    onProgress?: ((progress: ReadProgress) => void) | undefined;
}

/** A file part by name, with what it is wanted for. */
export interface WantedPart {
    path: string;
    index: number;
}

export class Reading {
    readonly #progress: ReadProgress;
    readonly #sizes: readonly (() => number)[];
    readonly #start = performance.now();
    /** Files that the progress counts: one that is there already costs nothing to wait for. */
    readonly #counted: ReadonlySet<string>;
    #tokensRead = 0;

    constructor(
        private readonly engine: LoadedEngine,
        private readonly workspace: KnownWorkspace,
        private readonly options: ReadOptions,
        /** What will be read in all. Sizes are asked for again and again: estimates become counts. */
        wanted: readonly {path: string; nTokens: () => number}[],
    ) {
        const counted = wanted.filter(
            ({path}) => options.again === true || engine.tiers.tierOf(workspace.name, path) === undefined,
        );
        this.#counted = new Set(counted.map(({path}) => path));
        this.#sizes = counted.map(({nTokens}) => nTokens);
        this.#progress = {
            filesDone: 0,
            filesTotal: this.#counted.size,
            tokensDone: 0,
            tokensTotal: this.#nTokens(),
        };
    }

    /**
     * @param signal ends this read alone, where that of the options ends all
     * @throws KvasirError of Library.fetch
     */
    async part(part: WantedPart, signal = this.options.signal): Promise<Fetched> {
        return this.#fetch([part], (options) =>
            this.engine.library.fetch({workspace: this.workspace, ...part}, {...options, signal}).then((one) => [one]),
        ).then(([fetched]) => fetched!);
    }

    /** Parts of one pack (see packsOf), read in one batch as far as they have to be. @throws KvasirError of Library.fetchTogether */
    async pack(parts: readonly WantedPart[]): Promise<Fetched[]> {
        const {workspace} = this;
        const names = parts.map((part) => ({workspace, ...part}));
        return this.#fetch(parts, (options) => this.engine.library.fetchTogether(names, options));
    }

    async #fetch(
        parts: readonly WantedPart[],
        fetch: (options: FetchOptions) => Promise<Fetched[]>,
    ): Promise<Fetched[]> {
        const {turn, signal, again} = this.options;
        const before = this.#progress.tokensDone;
        const first = parts.find(({path}) => this.#counted.has(path));
        if (first !== undefined) this.#progress.path = first.path;
        this.#progress.tokensTotal = this.#nTokens();
        const onProgress = first === undefined ? undefined : this.options.onProgress;
        onProgress?.({...this.#progress});
        const onTokens = (nTokens: number) => {
            this.#progress.tokensDone = before + nTokens;
            this.#estimate();
            onProgress?.({...this.#progress});
        };
        const fetched = await fetch({turn, signal, again, onTokens});
        this.#progress.tokensDone = before;
        for (const {segment, source} of fetched) {
            if (source === "read") this.#tokensRead += segment.nTokens;
            const {part, path} = segment.facts;
            if (!this.#counted.has(path)) continue;
            this.#progress.tokensDone += segment.nTokens;
            if (part.index === part.count - 1) this.#progress.filesDone++;
        }
        this.#estimate();
        onProgress?.({...this.#progress});
        return fetched;
    }

    #nTokens(): number {
        return this.#sizes.reduce((sum, nTokens) => sum + nTokens(), 0);
    }

    #estimate(): void {
        const {tokensDone, tokensTotal} = this.#progress;
        const seconds = (performance.now() - this.#start) / 1000;
        if (tokensDone > 0) this.#progress.secondsLeft = ((tokensTotal - tokensDone) * seconds) / tokensDone;
    }

    get tokensRead(): number {
        return this.#tokensRead;
    }
}

/** All parts of the named files, in order, each file tokenised when its turn comes. */
export function* partsOf(workspace: KnownWorkspace, paths: Iterable<string>): Generator<WantedPart> {
    for (const path of paths) for (const index of workspace.parts(path).keys()) yield {path, index};
}

function tokensIn(workspace: KnownWorkspace, {path, index}: WantedPart): number {
    return workspace.parts(path)[index]?.tokens.length ?? 0;
}

/**
 * Neighbouring parts that fit one batch together, so that many small files do not cost as many batches that are hardly
 * filled. The order stays; a part that fills a batch alone is a pack of its own. No part is asked for before a pack needs it.
 */
export function* packsOf<Part>(
    parts: Iterable<Part>,
    sizeOf: (part: Part) => number,
    {maxParts, maxTokens}: {maxParts: number; maxTokens: number},
): Generator<Part[]> {
    let pack: Part[] = [];
    let room = 0;
    for (const part of parts) {
        const size = sizeOf(part);
        if (pack.length === maxParts || size > room) {
            if (pack.length > 0) yield pack;
            pack = [];
            room = maxTokens;
        }
        pack.push(part);
        room -= size;
    }
    if (pack.length > 0) yield pack;
}

/** Of all KV memory what regions of parts that are being read may take: nothing that is kept should have to go for them. */
const readingShare = 1 / 8;

/** How many parts may be read together: each has regions of its own, with the prefix and room for two blocks of rows. */
function partsWithin({context, prefix}: LoadedEngine): number {
    const bytes = (prefix.nTokens + 2 * 256) * context.bytesPerToken;
    return Math.max(1, Math.min(maxTogether, Math.floor((context.memory().limitBytes * readingShare) / bytes)));
}

export async function readFiles(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    paths: readonly string[] | undefined,
    options: ReadOptions,
): Promise<ReadReport> {
    const start = performance.now();
    const known = (paths ?? [...workspace.files.keys()]).filter((path) => workspace.files.has(path));
    const order = readingOrder(known, options.near ?? [], (path) => workspace.index.imports.importsOf(path));
    const sizes = order.map((path) => ({path, nTokens: () => workspace.tokensOf(path)}));
    const reading = new Reading(engine, workspace, options, sizes);
    const files = new Map<string, ReadFileReport>();
    const limits = {maxParts: partsWithin(engine), maxTokens: engine.context.nBatch};
    for (const pack of packsOf(partsOf(workspace, order), (part) => tokensIn(workspace, part), limits)) {
        const fetched = pack.length === 1 ? [await reading.part(pack[0]!)] : await reading.pack(pack);
        for (const {segment, source, ms} of fetched) add(files, segment.facts.path, engine, segment, source, ms);
        await options.turn.share();
    }
    const reports = [...files.values()];
    const total = (pick: (file: ReadFileReport) => number) => reports.reduce((sum, file) => sum + pick(file), 0);
    const asked = new Set(paths ?? workspace.skipped.keys());
    return {
        files: reports,
        skipped: [...workspace.skipped].filter(([path]) => asked.has(path)).map(([path, reason]) => ({path, reason})),
        totals: {
            tokens: total(({tokens}) => tokens),
            bytes: total(({bytes}) => bytes),
            fullBytes: total(({fullBytes}) => fullBytes),
            ms: performance.now() - start,
        },
    };
}

function add(
    files: Map<string, ReadFileReport>,
    path: string,
    {context}: LoadedEngine,
    segment: Segment,
    source: ReadSource,
    ms: number,
): void {
    const file = files.get(path) ?? {
        path,
        tokens: 0,
        keptRows: 0,
        bytes: 0,
        fullBytes: 0,
        source,
        ms: 0,
        refined: true,
    };
    file.tokens += segment.nTokens;
    file.keptRows += segment.keptRows;
    file.bytes += segment.bytes;
    file.fullBytes += segment.nTokens * context.fullBytesPerToken;
    // A file is only "from memory" when all of it was.
    if (source === "read" || (source === "disk" && file.source === "memory")) file.source = source;
    file.ms += ms;
    // As a whole too: one part as it was read makes the file that.
    file.refined &&= segment.facts.generation > 0;
    files.set(path, file);
}

/** Attended files for a report, from their parts. */
export function attendedFiles(
    parts: readonly {path: string; why: AttendedFile["why"]; detail: string; segment: Segment}[],
): AttendedFile[] {
    const files = new Map<string, AttendedFile>();
    for (const {path, why, detail, segment} of parts) {
        const file = files.get(path) ?? {path, tokens: 0, keptRows: 0, why, detail};
        file.tokens += segment.nTokens;
        file.keptRows += segment.keptRows;
        files.set(path, file);
    }
    return [...files.values()];
}
