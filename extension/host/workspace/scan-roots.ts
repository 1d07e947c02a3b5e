/**
 * Owns the walk over the folders of a workspace: which files may be read, and for the others why not. Looks at names and
 * sizes only. The rules are those of core/files; where the files lie is file-source.ts's business.
 */
import * as vscode from "vscode";
import {type FileLimits, classifyPath} from "../../core/files/classify.js";
import {IgnoreRules, ignoreFileNames} from "../../core/files/ignore-rules.js";
import {baseNameOf, foldersAbove, joinPath} from "../../core/files/paths.js";
import type {SkipReason} from "../../core/files/skip-reason.js";
import type {Root} from "./folder-paths.js";
import {type FileSource, sourceOf} from "./file-source.js";

export interface ScanRules {
    /** Ignore patterns of the user, weaker than any ignore file. */
    patterns: readonly string[];
    limits: FileLimits;
}

export interface FoundFile {
    path: string;
    mtimeMs: number;
}

export interface SkippedPath {
    path: string;
    reason: SkipReason;
}

export interface ScanResult {
    files: FoundFile[];
    skipped: SkippedPath[];
}

const ignoresCase = process.platform === "win32" || process.platform === "darwin";
/** Enough to hide the disk's latency, few enough for any limit of open files. */
const nAtOnce = 64;

/** Every file below the roots. Stops early, with what it has, when the signal says so. */
export async function scanRoots(roots: readonly Root[], rules: ScanRules, signal: AbortSignal): Promise<ScanResult> {
    const result: ScanResult = {files: [], skipped: []};
    for (const root of roots) {
        const scan = new RootScan(root, rules, signal, result);
        await scan.folder("", await scan.rulesAbove());
    }
    return result;
}

/** A change of this file may change what is read of all others. */
export function holdsRules(path: string): boolean {
    return (ignoreFileNames as readonly string[]).includes(baseNameOf(path));
}

/** The same question for one path, as the whole walk would answer it: undefined when it may be read. */
export async function whySkipped(
    root: Root,
    pathInRoot: string,
    rules: ScanRules,
): Promise<{reason: SkipReason} | {mtimeMs: number} | "folder"> {
    const scan = new RootScan(root, rules, new AbortController().signal, {files: [], skipped: []});
    let inForce = await scan.rulesAbove();
    const folders = foldersAbove(pathInRoot);
    for (const folder of folders) {
        if (folder !== "" && (folder.endsWith("/.git") || folder === ".git" || inForce.ignores(folder, true))) {
            return {reason: "excluded"};
        }
        inForce = inForce.within(folder, await scan.ignoreTexts(folder));
    }
    const found = await scan.source.stat(scan.uri(pathInRoot));
    if (found === undefined) return {reason: "missing"};
    if (inForce.ignores(pathInRoot, found.kind === "folder")) return {reason: "excluded"};
    if (found.kind === "folder") return "folder";
    if (found.kind === "other") return {reason: "not-a-file"};
    const facts = {sizeBytes: found.sizeBytes, isSymbolicLink: found.kind === "link"};
    const reason = classifyPath(root.prefix + pathInRoot, facts, rules.limits);
    return reason === undefined ? {mtimeMs: found.mtimeMs} : {reason};
}

class RootScan {
    readonly source: FileSource;

    constructor(
        readonly root: Root,
        readonly rules: ScanRules,
        readonly signal: AbortSignal,
        readonly result: ScanResult,
    ) {
        this.source = sourceOf(root.uri);
    }

    uri(path: string): vscode.Uri {
        return path === "" ? this.root.uri : vscode.Uri.joinPath(this.root.uri, ...path.split("/"));
    }

    /** The built-in rules, the user's, and a person's own rules for this repository. */
    async rulesAbove(): Promise<IgnoreRules> {
        const rules = IgnoreRules.create({extra: this.rules.patterns, ignoreCase: ignoresCase});
        const own = await this.#text(".git/info/exclude");
        return own === "" ? rules : rules.within("", [own]);
    }

    async ignoreTexts(folder: string): Promise<string[]> {
        const texts = await Promise.all(ignoreFileNames.map((name) => this.#text(joinPath(folder, name))));
        return texts.filter((text) => text !== "");
    }

    async folder(path: string, outer: IgnoreRules): Promise<void> {
        if (this.signal.aborted) return;
        const entries = await this.source.list(this.uri(path));
        if (entries === undefined) {
            this.#skip(path === "" ? "" : `${path}/`, "unreadable");
            return;
        }
        entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
        const hasRules = entries.some(({name}) => holdsRules(name));
        const rules = hasRules ? outer.within(path, await this.ignoreTexts(path)) : outer;
        const files: string[] = [];
        for (const {name, kind} of entries) {
            const entryPath = joinPath(path, name);
            if (name === ".git") continue;
            if (rules.ignores(entryPath, kind === "folder")) {
                this.#skip(kind === "folder" ? `${entryPath}/` : entryPath, "excluded");
            } else if (kind === "folder") await this.folder(entryPath, rules);
            else if (kind === "link") this.#skip(entryPath, "symlink");
            else if (kind === "other") this.#skip(entryPath, "not-a-file");
            else files.push(entryPath);
        }
        for (let start = 0; start < files.length && !this.signal.aborted; start += nAtOnce) {
            await Promise.all(files.slice(start, start + nAtOnce).map((file) => this.#file(file)));
        }
    }

    async #file(path: string): Promise<void> {
        const found = await this.source.stat(this.uri(path));
        if (found === undefined) return;
        const fullPath = this.root.prefix + path;
        const reason = classifyPath(fullPath, {sizeBytes: found.sizeBytes}, this.rules.limits);
        if (reason !== undefined) this.#skip(path, reason);
        else this.result.files.push({path: fullPath, mtimeMs: found.mtimeMs});
    }

    #skip(path: string, reason: SkipReason): void {
        this.result.skipped.push({path: this.root.prefix + path, reason});
    }

    async #text(path: string): Promise<string> {
        const bytes = await this.source.read(this.uri(path));
        return bytes === undefined ? "" : new TextDecoder().decode(bytes);
    }
}
