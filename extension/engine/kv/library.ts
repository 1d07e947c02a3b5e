/**
 * The segments of all known files: says under which identity a file part's rows are found, and brings them into
 * memory, from there, from disk, or by reading. The road of one file.
 */
import {replayHeader} from "../../core/layout/chat-layout.js";
import {cut} from "../../core/policy/cut.js";
import type {HeadProfile} from "../../core/policy/head-profile.js";
import {policyNeeds, type Policy} from "../../core/policy/policy.js";
import {refinementOf} from "../../core/policy/presets.js";
import type {ReadSource} from "../../protocol/engine.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {FileTiers} from "../file-tiers.js";
import type {Turn} from "../scheduler.js";
import {
    canonicalJson,
    contentHash,
    segmentIdentity,
    type IdentityFields,
    type SegmentIdentity,
} from "../store/identity.js";
import type {KnownWorkspace, PartTokens} from "../workspace/known-workspace.js";
import type {Reader, ReadJob, ReadRows} from "./reader.js";
import {rowFields, type RowFields} from "./row-fields.js";
import {flatten, Segment, type SegmentFacts} from "./segment.js";
import type {SegmentStore} from "./segment-store.js";

export interface LibraryOptions {
    reader: Reader;
    store: SegmentStore;
    tiers: FileTiers;
    modelHash: string;
    policy: Policy;
    /** Share of rows kept, unless a file has its own. */
    budget: number;
    placement: "parallel" | "sequential";
    tokenize: (text: string) => Uint32Array;
}

/** One part of a file that a question may attend. */
export interface PartName {
    workspace: KnownWorkspace;
    path: string;
    index: number;
}

export interface Fetched {
    segment: Segment;
    source: ReadSource;
    ms: number;
}

export interface FetchOptions {
    turn?: Turn | undefined;
    signal?: AbortSignal | undefined;
    /** Tokens of this part (of these parts) decoded so far. */
    onTokens?: ((nTokens: number) => void) | undefined;
    /** Reads even what is there already. */
    again?: boolean | undefined;
}

/** Under what a part's rows lie, and while there is no head profile, where that is another name. */
interface PartNames {
    fields: IdentityFields;
    identity: SegmentIdentity;
    uncut: SegmentIdentity | undefined;
}

export class Library {
    profile: HeadProfile | undefined;
    readonly #options: LibraryOptions;
    readonly #replayHeader: Uint32Array;
    #rowFields: Promise<RowFields> | undefined;
    /** Every question asks for the names of all files that it sees; a part with another text is another part. */
    readonly #names = new WeakMap<PartTokens, PartNames>();
    #profileHash: {profile: HeadProfile; hash: string} | undefined;

    constructor(options: LibraryOptions) {
        this.#options = options;
        this.#replayHeader = options.tokenize(replayHeader);
    }

    get replayHeader(): Uint32Array {
        return this.#replayHeader;
    }

    /** True while the policy shares by a head profile and there is none: segments stay uncut. */
    get waitsForProfile(): boolean {
        return policyNeeds(this.#options.policy).profile && this.profile === undefined;
    }

    async identity(name: PartName): Promise<SegmentIdentity> {
        return (await this.#noted(name)).identity;
    }

    budgetOf(workspace: KnownWorkspace, path: string): number {
        return workspace.files.get(path)?.budget ?? this.#options.budget;
    }

    /** Resident or on disk, without reading. */
    async find(name: PartName): Promise<"memory" | "disk" | undefined> {
        const {store} = this.#options;
        const {identity: asCut, uncut} = await this.#noted(name);
        for (const identity of [asCut, uncut]) {
            if (identity === undefined) continue;
            if (store.isInMemory(identity)) return "memory";
            if (await store.isOnDisk(identity)) return "disk";
        }
        return undefined;
    }

    /**
     * Brings the part's rows into memory.
     * @throws KvasirError `kv-limit`, `out-of-memory`, `cancelled`
     */
    async fetch(name: PartName, options: FetchOptions = {}): Promise<Fetched> {
        const start = performance.now();
        const named = await this.#noted(name);
        const {fields, identity} = named;
        const there = options.again === true ? undefined : await this.#there(name, named);
        if (there) return {...there, ms: performance.now() - start};
        const job = this.#job(name, this.#options.policy, options);
        const segment = this.#segment(name, {identity, generation: 0}, job, await this.#options.reader.read(job));
        return {segment: await this.#inForce(name, fields, segment), source: "read", ms: performance.now() - start};
    }

    /**
     * The same for several short parts: those that have to be read share one batch, and its time evenly.
     * @param names at most `maxTogether`, of a batch's tokens in all
     * @throws KvasirError `kv-limit`, `out-of-memory`, `cancelled`; then none of them was read
     */
    async fetchTogether(names: readonly PartName[], options: FetchOptions = {}): Promise<Fetched[]> {
        const {policy} = this.#options;
        const fetched: (Fetched | undefined)[] = [];
        const unread: {i: number; name: PartName; fields: IdentityFields; identity: SegmentIdentity}[] = [];
        for (const [i, name] of names.entries()) {
            const startOfPart = performance.now();
            const named = await this.#noted(name);
            const {fields, identity} = named;
            const there = options.again === true ? undefined : await this.#there(name, named);
            fetched.push(there && {...there, ms: performance.now() - startOfPart});
            if (there === undefined) unread.push({i, name, fields, identity});
        }
        const startOfRead = performance.now();
        const nTokens = unread.reduce((sum, {name}) => sum + this.#part(name).tokens.length, 0);
        const jobs = unread.map(({name}) => this.#job(name, policy, options, nTokens));
        const rows = jobs.length === 0 ? [] : await this.#readAll(jobs);
        const ms = (performance.now() - startOfRead) / Math.max(1, unread.length);
        const segments = unread.map(({name, identity}, at) =>
            this.#segment(name, {identity, generation: 0}, jobs[at]!, rows[at]!),
        );
        for (const [at, {i, name, fields}] of unread.entries())
            fetched[i] = {segment: await this.#inForce(name, fields, segments[at]!), source: "read", ms};
        return fetched.map((one) => one!);
    }

    /** Together, or one after another where there is not the memory for that. */
    async #readAll(jobs: readonly ReadJob[]): Promise<ReadRows[]> {
        const {reader} = this.#options;
        try {
            return await reader.readTogether(jobs);
        } catch (error) {
            if (!isKvasirError(error, "kv-limit") && !isKvasirError(error, "out-of-memory")) throw error;
        }
        const rows: ReadRows[] = [];
        for (const job of jobs) rows.push(await reader.read(job));
        return rows;
    }

    /** Puts what was just read into the store; where refined rows of it are known, those stay. */
    async #inForce(name: PartName, fields: IdentityFields, segment: Segment): Promise<Segment> {
        const {store} = this.#options;
        const refined = (store.generationOf(segment.facts.identity) ?? 0) > 0 ? await this.load(name) : undefined;
        if (refined !== undefined) {
            segment.dispose();
            return refined;
        }
        store.put(segment, {fields, workspace: name.workspace.storedAs});
        return segment;
    }

    /** In memory, on disk, or waiting to be cut: without reading. */
    async #there(
        name: PartName,
        {identity, uncut}: PartNames,
    ): Promise<Pick<Fetched, "segment" | "source"> | undefined> {
        const {store} = this.#options;
        const resident = store.get(identity);
        if (resident) return {segment: resident, source: "memory"};
        const source = store.isInMemory(identity) ? "memory" : "disk";
        const stored = await store.load(identity);
        if (stored) return {segment: stored, source};
        const waiting = await this.#cutStored(name, uncut);
        return waiting && {segment: waiting, source: "disk"};
    }

    /** Whether segments of this policy and budget have something to gain from being scored again. */
    canRefine({workspace, path}: Pick<PartName, "workspace" | "path">): boolean {
        return (
            refinementOf(this.#options.policy) !== undefined &&
            !this.waitsForProfile &&
            this.budgetOf(workspace, path) < 1
        );
    }

    /** 0 as read, 1 as refined; undefined when the part has not been read. */
    async generation(name: PartName): Promise<number | undefined> {
        return this.#options.store.generationOf(await this.identity(name));
    }

    /**
     * Scores a part that has been read again, with replay rows, and puts the better rows in the place of the others:
     * the same identity, the next generation, the same bytes. Needs a read and a replay, since only kept rows are there.
     * @returns the segment in force; undefined when the part has not been read, or has nothing to gain
     * @throws KvasirError `kv-limit`, `out-of-memory`, `cancelled`
     */
    async refine(name: PartName, options: FetchOptions = {}): Promise<Segment | undefined> {
        const {store} = this.#options;
        const policy = refinementOf(this.#options.policy);
        if (policy === undefined || !this.canRefine(name)) return undefined;
        const {fields, identity} = await this.#noted(name);
        const generation = store.generationOf(identity);
        if (generation === undefined) return undefined;
        if (generation > 0) return this.load(name);
        // Another process has done it.
        if (store.isBetterStored(identity)) return store.loadStored(identity);
        const job = this.#job(name, policy, options);
        const rows = await this.#options.reader.read(job);
        const segment = this.#segment(name, {identity, generation: generation + 1}, job, rows);
        // Edited, dropped or measured anew meanwhile: nobody asks for these rows any more.
        if ((await this.#currentIdentity(name)) !== identity || store.generationOf(identity) === undefined) {
            segment.dispose();
            return undefined;
        }
        store.replace(segment, {fields, workspace: name.workspace.storedAs});
        return segment;
    }

    /** There without reading, but not on the device yet. */
    async isWaiting(name: PartName): Promise<boolean> {
        const found = await this.find(name);
        return found !== undefined && !this.#options.store.isResident(await this.identity(name));
    }

    /** Brings the part's rows from disk into memory, if they are there. Nothing is read. */
    async load(name: PartName): Promise<Segment | undefined> {
        const {identity, uncut} = await this.#noted(name);
        const {store} = this.#options;
        return store.peek(identity) ?? (await store.load(identity)) ?? (await this.#cutStored(name, uncut));
    }

    /** Cuts a segment that was kept whole until a head profile was known, from the scores of its read. */
    async cutNow(name: PartName, uncut: Segment): Promise<Segment> {
        const {reader, store, policy} = this.#options;
        const {evidence, nTokens} = uncut.facts;
        const {fields, identity} = await this.#named(name);
        const keep = cut({
            policy,
            budget: this.budgetOf(name.workspace, name.path),
            profile: this.profile,
            nTokens,
            shape: reader.context.cutShape,
            ...evidence,
        });
        const {counts, rows} = flatten(reader.context.overAllLayers(keep));
        const native = await reader.context.withRoom(() => uncut.native.select(counts, rows));
        const segment = new Segment(native, {
            ...uncut.facts,
            identity,
            keep: reader.context.overAllLayers(keep),
            evidence: undefined,
        });
        store.put(segment, {fields, workspace: name.workspace.storedAs, replaces: uncut.facts.identity});
        return segment;
    }

    /** A part that was read before the head profile was known, cut by it now; undefined when there is none. */
    async #cutStored(name: PartName, identity: SegmentIdentity | undefined): Promise<Segment | undefined> {
        const {store} = this.#options;
        if (identity === undefined) return undefined;
        const uncut = store.get(identity) ?? (await store.load(identity));
        if (uncut?.facts.evidence === undefined) return undefined;
        const pin = store.pin(identity);
        try {
            return await this.cutNow(name, uncut);
        } finally {
            pin?.release();
            store.drop(identity);
        }
    }

    /** What names the rows of a file part: everything that changes them, and nothing else. */
    async #named(name: PartName): Promise<PartNames> {
        const {reader, modelHash, policy, placement} = this.#options;
        const part = this.#part(name);
        const isCut = policy.evidence.kind !== "none";
        const headProfileHash = isCut ? await this.#hashOfProfile() : null;
        const budget = isCut ? this.budgetOf(name.workspace, name.path) : 1;
        const known = this.#names.get(part);
        if (known?.fields.headProfileHash === headProfileHash && known.fields.budget === budget) return known;
        this.#rowFields ??= rowFields(reader.context, reader.prefix, {modelHash, placement});
        const fields: IdentityFields = {
            ...(await this.#rowFields),
            policy: policy as unknown as IdentityFields["policy"],
            headProfileHash,
            budget,
            pathHeader: part.header,
            contentHash: await contentHash(part.text),
        };
        const names = {
            fields,
            identity: await segmentIdentity(fields),
            uncut: headProfileHash === null ? undefined : await segmentIdentity({...fields, headProfileHash: null}),
        };
        this.#names.set(part, names);
        return names;
    }

    async #noted(name: PartName): Promise<PartNames> {
        const names = await this.#named(name);
        const {workspace, path, index} = name;
        this.#options.tiers.note(
            {workspace: workspace.name, path},
            {index, count: workspace.parts(path).length},
            names.identity,
        );
        return names;
    }

    /** Undefined when the part is no more. */
    async #currentIdentity(name: PartName): Promise<SegmentIdentity | undefined> {
        return name.workspace.parts(name.path)[name.index] && (await this.#named(name)).identity;
    }

    /** @param nShown what progress counts to: the tokens of all that are read with it */
    #job(name: PartName, policy: Policy, {turn, signal, onTokens}: FetchOptions, nShown?: number): ReadJob {
        const {tokens} = this.#part(name);
        return {
            tokens,
            policy,
            budget: this.budgetOf(name.workspace, name.path),
            profile: this.profile,
            replayHeader: this.#replayHeader,
            signal,
            onBatch: async (nTokens, nTotal) => {
                onTokens?.(Math.floor(((nShown ?? tokens.length) * nTokens) / nTotal));
                await turn?.yield();
            },
        };
    }

    #segment(
        {workspace, path, index}: PartName,
        facts: Pick<SegmentFacts, "identity" | "generation">,
        {tokens}: ReadJob,
        {native, keep, evidence}: ReadRows,
    ): Segment {
        const part = {index, count: workspace.parts(path).length};
        return new Segment(native, {...facts, path, part, nTokens: tokens.length, keep, evidence});
    }

    #part({workspace, path, index}: PartName): PartTokens {
        const part = workspace.parts(path)[index];
        if (part === undefined) throw new Error(`${path} has no part ${index}`);
        return part;
    }

    async #hashOfProfile(): Promise<string | null> {
        if (this.profile === undefined || !policyNeeds(this.#options.policy).profile) return null;
        if (this.#profileHash?.profile !== this.profile)
            this.#profileHash = {profile: this.profile, hash: await contentHash(canonicalJson(this.profile))};
        return this.#profileHash.hash;
    }
}
