/**
 * Owns the memory of what was being read when an engine process died. A text that was there three times is left out
 * until it changes. Holds paths and hashes, never text; a process that ends in order leaves no suspect.
 */
import {createHash} from "node:crypto";
import {readFileSync, rmSync, writeFileSync} from "node:fs";
import path from "node:path";
import * as z from "zod";

/** Once may be chance and twice bad luck (the machine ran out of memory for another reason). */
const maxCrashes = 3;
/** Older ones are forgotten first. */
const maxRemembered = 200;

const recordSchema = z.array(z.strictObject({key: z.string(), path: z.string(), nCrashes: z.int().positive()}));
const suspectSchema = z.strictObject({key: z.string(), path: z.string()});
type Suspect = z.infer<typeof suspectSchema>;

/** A text in its place: an edited file is another suspect. */
export function suspectOf(file: string, text: string): Suspect {
    return {key: createHash("sha256").update(file).update("\0").update(text).digest("hex").slice(0, 32), path: file};
}

export class CrashRecord {
    readonly #recordFile: string;
    readonly #suspectFile: string;
    readonly #crashes: Map<string, {path: string; nCrashes: number}>;
    #current: string | undefined;
    /** What the last process was reading when it died, and how often that was so; undefined when it ended in order. */
    readonly died: {path: string; nCrashes: number} | undefined;

    /** Looks at what the last process in this folder left behind: whoever was being read then gets one crash more. */
    constructor(folder: string) {
        this.#recordFile = path.join(folder, "crashes.json");
        this.#suspectFile = path.join(folder, "reading.json");
        const record = readJson(this.#recordFile, recordSchema) ?? [];
        this.#crashes = new Map(record.map(({key, ...crash}) => [key, crash]));
        const suspect = readJson(this.#suspectFile, suspectSchema);
        if (suspect === undefined) return;
        const nBefore = this.#crashes.get(suspect.key)?.nCrashes ?? 0;
        // Put behind the others: the newest are kept longest.
        this.#crashes.delete(suspect.key);
        this.died = {path: suspect.path, nCrashes: nBefore + 1};
        this.#crashes.set(suspect.key, this.died);
        this.#save();
        rmSync(this.#suspectFile, {force: true});
    }

    isQuarantined({key}: Suspect): boolean {
        return (this.#crashes.get(key)?.nCrashes ?? 0) >= maxCrashes;
    }

    /** Paths of the texts that are left out. */
    quarantined(): string[] {
        return [...this.#crashes.values()].filter(({nCrashes}) => nCrashes >= maxCrashes).map(({path: file}) => file);
    }

    /** From now on a crash is this text's. Written at once: there is no later in a crash. */
    begin(suspect: Suspect): void {
        if (this.#current === suspect.key) return;
        this.#current = suspect.key;
        write(this.#suspectFile, suspect);
    }

    /** Nothing is being read; what was read came through, so its earlier crashes were not its own. */
    end(isThrough: boolean): void {
        if (this.#current === undefined) return;
        if (isThrough && this.#crashes.delete(this.#current)) this.#save();
        this.#current = undefined;
        rmSync(this.#suspectFile, {force: true});
    }

    #save(): void {
        const all = [...this.#crashes].map(([key, crash]) => ({key, ...crash}));
        write(this.#recordFile, all.slice(-maxRemembered));
    }
}

/** A record that cannot be written (a full disk) is no reason not to read. */
function write(file: string, value: unknown): void {
    try {
        writeFileSync(file, JSON.stringify(value), {mode: 0o600});
    } catch {
        // The next crash is not counted, nothing else.
    }
}

/** Undefined when there is none, or one that was cut short in the very crash. */
function readJson<S extends z.ZodType>(file: string, schema: S): z.infer<S> | undefined {
    try {
        return schema.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch {
        return undefined;
    }
}
