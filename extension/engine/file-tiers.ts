/**
 * Counts the files whose rows are in memory, those that are on disk only, and those that are refined, kept up to date by what changes instead of
 * by looking at everything. Knows identities that were asked for; a file nobody has looked at counts nowhere.
 */
import type {SegmentIdentity} from "./store/identity.js";

export interface TierLook {
    readonly isResident: (identity: SegmentIdentity) => boolean;
    readonly isStored: (identity: SegmentIdentity) => boolean;
    readonly isRefined: (identity: SegmentIdentity) => boolean;
}

interface Entry {
    key: string;
    /** Of its parts, as far as they are known. */
    identities: (SegmentIdentity | undefined)[];
    tier: "memory" | "disk" | undefined;
    isRefined: boolean;
}

export class FileTiers {
    readonly #look: TierLook;
    readonly #files = new Map<string, Entry>();
    readonly #holders = new Map<SegmentIdentity, Set<Entry>>();
    #nInMemory = 0;
    #nOnDisk = 0;
    #nRefined = 0;

    constructor(look: TierLook) {
        this.#look = look;
    }

    /** Files all of whose parts are in memory. */
    get nInMemory(): number {
        return this.#nInMemory;
    }

    /** Files all of whose parts are there, but not all in memory. */
    get nOnDisk(): number {
        return this.#nOnDisk;
    }

    /** Files all of whose parts have been scored again, wherever they are. */
    get nRefined(): number {
        return this.#nRefined;
    }

    /** Where all parts of this file are; undefined when some are nowhere, or nobody has looked. */
    tierOf(workspace: string, path: string): "memory" | "disk" | undefined {
        return this.#files.get(keyOf(workspace, path))?.tier;
    }

    /** This part of this file is found under that identity, from now on. */
    note(
        file: {workspace: string; path: string},
        part: {index: number; count: number},
        identity: SegmentIdentity,
    ): void {
        const key = keyOf(file.workspace, file.path);
        let entry = this.#files.get(key);
        if (entry?.identities.length !== part.count) {
            this.forget(file.workspace, file.path);
            entry = {
                key,
                identities: new Array<undefined>(part.count).fill(undefined),
                tier: undefined,
                isRefined: false,
            };
            this.#files.set(key, entry);
        }
        const before = entry.identities[part.index];
        if (before === identity) return;
        if (before !== undefined) this.#leave(before, entry);
        entry.identities[part.index] = identity;
        const holders = this.#holders.get(identity);
        if (holders === undefined) this.#holders.set(identity, new Set([entry]));
        else holders.add(entry);
        this.#count(entry);
    }

    /** The file has another text, another share or is gone. */
    forget(workspace: string, path: string): void {
        const entry = this.#files.get(keyOf(workspace, path));
        if (entry === undefined) return;
        for (const identity of entry.identities) if (identity !== undefined) this.#leave(identity, entry);
        entry.identities = [];
        this.#count(entry);
        this.#files.delete(entry.key);
    }

    forgetWorkspace(workspace: string): void {
        const prefix = keyOf(workspace, "");
        for (const key of [...this.#files.keys()])
            if (key.startsWith(prefix)) this.forget(workspace, key.slice(prefix.length));
    }

    /** A segment has come or gone, in memory or on disk. */
    changed(identity: SegmentIdentity): void {
        for (const entry of this.#holders.get(identity) ?? []) this.#count(entry);
    }

    #count(entry: Entry): void {
        const {isResident, isStored, isRefined} = this.#look;
        const {identities} = entry;
        const isThere = identities.length > 0 && !identities.includes(undefined);
        const all = identities as SegmentIdentity[];
        const tier = !isThere
            ? undefined
            : all.every(isResident)
              ? "memory"
              : all.every((identity) => isResident(identity) || isStored(identity))
                ? "disk"
                : undefined;
        const isAllRefined = tier !== undefined && all.every(isRefined);
        this.#nRefined += Number(isAllRefined) - Number(entry.isRefined);
        entry.isRefined = isAllRefined;
        if (tier === entry.tier) return;
        this.#nInMemory += Number(tier === "memory") - Number(entry.tier === "memory");
        this.#nOnDisk += Number(tier === "disk") - Number(entry.tier === "disk");
        entry.tier = tier;
    }

    #leave(identity: SegmentIdentity, entry: Entry): void {
        // A file may say the same thing twice: its other part stays.
        if (entry.identities.filter((one) => one === identity).length > 1) return;
        const holders = this.#holders.get(identity);
        holders?.delete(entry);
        if (holders?.size === 0) this.#holders.delete(identity);
    }
}

function keyOf(workspace: string, path: string): string {
    return `${workspace}\0${path}`;
}
