/**
 * Owns the memory of what was being read or scored again when an engine process died. A text that was there three times
 * is left out, or stays as it was read, until it changes. Holds paths and hashes, never text; a process that ends in order
 * leaves no suspect.
 */
import {createHash} from "node:crypto";
import {readFileSync, rmSync, writeFileSync} from "node:fs";
import path from "node:path";
import * as z from "zod";
import type {RefineWatch} from "../refining.js";

/** Once may be chance and twice bad luck (the machine ran out of memory for another reason). */
const maxCrashes = 3;
/** Older ones are forgotten first. */
const maxRemembered = 200;

const suspectSchema = z.strictObject({
    key: z.string(),
    path: z.string(),
    /** It was scored again; else it was being read. */
    isRefining: z.boolean().optional(),
});
const crashSchema = suspectSchema.extend({nCrashes: z.int().positive()});
const recordSchema = z.array(crashSchema);
export type Suspect = z.infer<typeof suspectSchema>;

/** A text in its place: an edited file is another suspect. */
export function suspectOf(file: string, text: string): Suspect {
    return {key: createHash("sha256").update(file).update("\0").update(text).digest("hex").slice(0, 32), path: file};
}

/** The same text while it is scored again: to come through a read says nothing about that. */
export function refining({key, path: file}: Suspect): Suspect {
    return {key: `${key}-refining`, path: file, isRefining: true};
}

export class CrashRecord implements RefineWatch {
    readonly #recordFile: string;
    readonly #suspectFile: string;
    readonly #crashes: Map<string, z.infer<typeof crashSchema>>;
    #current: string | undefined;
    /** What the last process was at when it died, and how often that was so; undefined when it ended in order. */
    readonly died: z.infer<typeof crashSchema> | undefined;

    /** Looks at what the last process in this folder left behind: whoever was being read then gets one crash more. */
    constructor(folder: string) {
        this.#recordFile = path.join(folder, "crashes.json");
        this.#suspectFile = path.join(folder, "reading.json");
        const record = readJson(this.#recordFile, recordSchema) ?? [];
        this.#crashes = new Map(record.map((crash) => [crash.key, crash]));
        const suspect = readJson(this.#suspectFile, suspectSchema);
        if (suspect === undefined) return;
        const nBefore = this.#crashes.get(suspect.key)?.nCrashes ?? 0;
        // Put behind the others: the newest are kept longest.
        this.#crashes.delete(suspect.key);
        this.died = {...suspect, nCrashes: nBefore + 1};
        this.#crashes.set(suspect.key, this.died);
        this.#save();
        rmSync(this.#suspectFile, {force: true});
    }

    isQuarantined({key}: Suspect): boolean {
        return (this.#crashes.get(key)?.nCrashes ?? 0) >= maxCrashes;
    }

    /** Paths of the texts that are left out. */
    quarantined(): string[] {
        return [...this.#crashes.values()]
            .filter(({nCrashes, isRefining}) => nCrashes >= maxCrashes && isRefining !== true)
            .map(({path: file}) => file);
    }

    /** From now on a crash is this text's. Written at once: there is no later in a crash. */
    begin(suspect: Suspect): void {
        if (this.#current === suspect.key) return;
        this.#current = suspect.key;
        write(this.#suspectFile, suspect);
    }

    /**
     * It is not at work any more, unless another is by now.
     * @param isThrough whether it was finished: then its earlier crashes were not its own
     */
    end({key}: Suspect, isThrough: boolean): void {
        if (isThrough && this.#crashes.delete(key)) this.#save();
        if (this.#current !== key) return;
        this.#current = undefined;
        rmSync(this.#suspectFile, {force: true});
    }

    isRefinable({path: file, text}: {path: string; text: string}): boolean {
        return !this.isQuarantined(refining(suspectOf(file, text)));
    }

    beginRefining({path: file, text}: {path: string; text: string}): (isThrough: boolean) => void {
        const suspect = refining(suspectOf(file, text));
        this.begin(suspect);
        return (isThrough) => this.end(suspect, isThrough);
    }

    #save(): void {
        write(this.#recordFile, [...this.#crashes.values()].slice(-maxRemembered));
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
