/**
 * Owns the walk over a workspace: which files there are, and for the others why they are left out. It
 * looks at names and sizes only; load-text.ts opens what it finds. Must not know segments or models.
 */
import type {Dirent, Stats} from "node:fs";
import {lstat, readdir, readFile, realpath} from "node:fs/promises";
import {dirname, join, resolve} from "node:path";
import {classifyPath, defaultFileLimits, type FileLimits} from "../../core/files/classify.js";
import {ignoreFileNames, IgnoreRules, type IgnoreRulesOptions} from "../../core/files/ignore-rules.js";
import {baseNameOf, foldersAbove, joinPath, normaliseRelative, relativeTo, toPosix} from "../../core/files/paths.js";
import type {SkipReason} from "../../core/files/skip-reason.js";
import {skipReasonOfError} from "./file-error.js";

/** A file that may be read. */
export interface ScannedFile {
    /** Workspace-relative POSIX path; as given (with forward slashes) for a file outside the workspace. */
    path: string;
    absolutePath: string;
    sizeBytes: number;
    mtimeMs: number;
    reason?: undefined;
}

/** A file, or a whole folder (its path then ends with a slash), that is not read. */
export interface SkippedPath {
    path: string;
    absolutePath: string;
    reason: SkipReason;
}

export type ScanEntry = ScannedFile | SkippedPath;

export interface ScanOptions {
    /** The workspace folder, absolute. */
    root: string;
    /**
     * Files and folders to scan, absolute or relative to `root`; by default the root. A file named here is
     * read even when a rule ignores it, and so is what lies in a folder named here; secrets never are.
     */
    paths?: readonly string[];
    limits?: FileLimits;
    ignore?: IgnoreRulesOptions;
    /** Checked between folders; the iteration then throws the signal's reason. */
    signal?: AbortSignal;
}

const isWindows = process.platform === "win32";
/** The file systems of these platforms take `A` and `a` for one name by default, and so does git there. */
const ignoresCase = isWindows || process.platform === "darwin";
/** Files of one folder whose sizes are asked for at once: enough to hide the disk's latency, few enough for any file limit. */
const nStatsAtOnce = 64;

/**
 * Walks files in the order of their paths (by UTF-16 code unit, a folder's files where the folder sorts).
 * Every path is yielded at most once. Folders that are ignored are yielded once and not entered, `.git` is
 * not mentioned at all. Nothing throws but an abort: what cannot be looked at is yielded with its reason.
 */
export async function* scanWorkspace({
    root,
    paths = ["."],
    limits = defaultFileLimits,
    ignore = {},
    signal,
}: ScanOptions): AsyncGenerator<ScanEntry, void, undefined> {
    const absoluteRoot = resolve(root);
    const walk = new Walk(absoluteRoot, limits, {ignoreCase: ignoresCase, ...ignore}, signal);
    const targets = await Promise.all(paths.map((given) => lookUp(absoluteRoot, given)));
    // Named files are theirs before a folder that ignores them is walked.
    for (const target of targets) if (target.stats?.isDirectory() !== true) walk.named.add(target.absolutePath);
    const done = new Set<string>();
    for (const target of targets) {
        signal?.throwIfAborted();
        if (target.stats?.isDirectory()) {
            yield* walk.folder(target.path, target.absolutePath, await walk.rulesAt(target));
        } else if (!done.has(target.absolutePath)) {
            done.add(target.absolutePath);
            yield target.stats === undefined
                ? {path: target.path, absolutePath: target.absolutePath, reason: target.reason ?? "missing"}
                : entryOf(target.path, target.absolutePath, target.stats, limits);
        }
    }
}

interface Target {
    path: string;
    absolutePath: string;
    stats?: Stats;
    reason?: SkipReason;
}

async function lookUp(root: string, given: string): Promise<Target> {
    const absolutePath = resolve(root, given);
    const path = relativeTo(root, absolutePath, isWindows) ?? toPosix(given, isWindows).replace(/(?<=.)\/$/, "");
    try {
        let stats = await lstat(absolutePath);
        // The workspace itself may be reached through a link; nothing below it is.
        if (path === "" && stats.isSymbolicLink()) stats = await lstat(await realpath(absolutePath));
        return {path, absolutePath, stats};
    } catch (error) {
        return {path, absolutePath, reason: skipReasonOfError(error)};
    }
}

/** Rules speak of paths relative to `base`, which is the repository above the workspace, the workspace, or a folder named on its own. */
interface RulesAt {
    rules: IgnoreRules;
    base: string;
}

class Walk {
    /** Absolute paths that were named one by one. */
    readonly named = new Set<string>();
    readonly #seen = new Set<string>();

    constructor(
        readonly root: string,
        readonly limits: FileLimits,
        readonly ignore: IgnoreRulesOptions,
        readonly signal: AbortSignal | undefined,
    ) {}

    /**
     * The rules that hold in a folder, its own ignore files not yet among them. Rules above a folder that
     * was named although they ignore it do not count: naming it is asking for its files.
     */
    async rulesAt({absolutePath}: Target): Promise<RulesAt> {
        const base =
            (await repositoryAbove(absolutePath)) ??
            (relativeTo(this.root, absolutePath, isWindows) === undefined ? absolutePath : this.root);
        let rules = IgnoreRules.create(this.ignore);
        const path = relativeTo(base, absolutePath, isWindows) ?? "";
        rules = rules.within("", await excludesOfRepository(base));
        for (const folder of path === "" ? [] : [...foldersAbove(path).slice(1), path]) {
            rules = rules.within(folderBefore(folder), await ignoreTexts(join(base, folderBefore(folder))));
            if (rules.ignores(folder, true)) return {rules: IgnoreRules.create(this.ignore), base: absolutePath};
        }
        return {rules, base};
    }

    async *folder(
        path: string,
        absolutePath: string,
        {rules: outer, base}: RulesAt,
    ): AsyncGenerator<ScanEntry, void, undefined> {
        this.signal?.throwIfAborted();
        if (this.#seen.has(absolutePath)) return;
        this.#seen.add(absolutePath);
        let entries: Dirent[];
        try {
            entries = await readdir(absolutePath, {withFileTypes: true});
        } catch (error) {
            yield {path: `${path}/`, absolutePath, reason: skipReasonOfError(error)};
            return;
        }
        entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
        const basePath = relativeTo(base, absolutePath, isWindows) ?? "";
        const texts = entries.some((entry) => isIgnoreFile(entry.name)) ? await ignoreTexts(absolutePath) : [];
        const rules = outer.within(basePath, texts);
        const stats = this.#statsOf(
            absolutePath,
            entries.filter((entry) => !entry.isDirectory() && !rules.ignores(joinPath(basePath, entry.name), false)),
        );
        for (const entry of entries) {
            const entryPath = joinPath(path, entry.name);
            const entryAbsolute = join(absolutePath, entry.name);
            if (entry.name === ".git" || this.named.has(entryAbsolute) || this.#seen.has(entryAbsolute)) continue;
            const isFolder = entry.isDirectory();
            if (rules.ignores(joinPath(basePath, entry.name), isFolder)) {
                yield {path: isFolder ? `${entryPath}/` : entryPath, absolutePath: entryAbsolute, reason: "excluded"};
            } else if (isFolder) {
                yield* this.folder(entryPath, entryAbsolute, {rules, base});
            } else {
                this.#seen.add(entryAbsolute);
                const found = await stats(entry.name);
                yield "reason" in found
                    ? {path: entryPath, absolutePath: entryAbsolute, reason: found.reason}
                    : entryOf(entryPath, entryAbsolute, found.stats, this.limits);
            }
        }
    }

    /** Sizes of a folder's files, asked for a few dozen at a time as the walk gets to them. */
    #statsOf(folder: string, entries: readonly Dirent[]) {
        const pending = new Map<string, Promise<{stats: Stats} | {reason: SkipReason}>>();
        let nAsked = 0;
        return (name: string) => {
            for (; !pending.has(name) && nAsked < entries.length; nAsked += nStatsAtOnce) {
                for (const entry of entries.slice(nAsked, nAsked + nStatsAtOnce)) {
                    const asked = lstat(join(folder, entry.name)).then(
                        (stats) => ({stats}),
                        (error: unknown) => ({reason: skipReasonOfError(error)}),
                    );
                    pending.set(entry.name, asked);
                }
            }
            return pending.get(name)!;
        };
    }
}

function entryOf(path: string, absolutePath: string, stats: Stats, limits: FileLimits): ScanEntry {
    const isSymbolicLink = stats.isSymbolicLink();
    if (!isSymbolicLink && !stats.isFile()) return {path, absolutePath, reason: "not-a-file"};
    const reason = classifyPath(path, {sizeBytes: stats.size, isSymbolicLink}, limits);
    return reason === undefined
        ? {path, absolutePath, sizeBytes: stats.size, mtimeMs: stats.mtimeMs}
        : {path, absolutePath, reason};
}

function isIgnoreFile(name: string): boolean {
    return (ignoreFileNames as readonly string[]).includes(name);
}

/** The texts of a folder's ignore files, weaker first. One that is a link or cannot be read has no rules. */
async function ignoreTexts(folder: string): Promise<string[]> {
    const texts = await Promise.all(
        ignoreFileNames.map((name) => readFile(join(folder, name), "utf8").catch(() => "")),
    );
    return texts.filter((text) => text !== "");
}

/** `.git/info/exclude`: a person's own rules for a repository, weaker than every ignore file in it. */
async function excludesOfRepository(folder: string): Promise<string[]> {
    const text = await readFile(join(folder, ".git", "info", "exclude"), "utf8").catch(() => "");
    return text === "" ? [] : [text];
}

/** The nearest folder at or above this one that holds `.git`. */
async function repositoryAbove(folder: string): Promise<string | undefined> {
    for (let above = folder; ; above = dirname(above)) {
        const hasGit = await lstat(join(above, ".git")).then(
            () => true,
            () => false,
        );
        if (hasGit) return above;
        if (dirname(above) === above) return undefined;
    }
}

function folderBefore(path: string): string {
    return normaliseRelative(path.slice(0, Math.max(0, path.length - baseNameOf(path).length - 1))) ?? "";
}
