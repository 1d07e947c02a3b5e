/**
 * Owns which files a question sees: the candidates that fit the attended budget, in the order of their
 * reasons, and for every other candidate why it was left out. The same files and request give the same
 * answer, whatever was chosen before.
 */
import {skipSentence} from "../files/skip-reason.js";
import type {QueryWord} from "./bm25.js";
import {type Candidate, type ChooseRequest, findCandidates, type Why} from "./candidates.js";
import type {KnownFile, KnownPart, RepositoryIndex} from "./repository-index.js";

export type LeftOutWhy = "budget" | "unreadable" | "unknown" | "excluded";

export interface ChosenFile {
    path: string;
    why: Why;
    /** One phrase for people. */
    detail: string;
    /** Tokens of what was chosen of it, before cutting by a policy. */
    nTokens: number;
    /** Indices of the file's parts that were chosen, ascending; left out when the file is seen whole. */
    parts?: number[];
}

export interface LeftOutFile {
    path: string;
    why: LeftOutWhy;
    /** One sentence for people. */
    detail: string;
    /** Why it would have been attended. */
    wanted: Why;
}

export interface Choice {
    attended: ChosenFile[];
    leftOut: LeftOutFile[];
    /** Sum over `attended`; never above the budget. */
    nTokens: number;
    /** The words that were searched for: for reports. */
    words: string[];
}

export interface ChooseLimits {
    /** Tokens of files that a question may see, before cutting. */
    budgetTokens: number;
    /** Files beyond this number are left out: many small ones drown a question as one big one does. */
    maxFiles: number;
}

// 8k tokens: on measured work the right 4k give 0.95 of the benefit, 16k 0.70, 32k 0.45.
export const defaultChooseLimits: ChooseLimits = {budgetTokens: 8192, maxFiles: 24};

/**
 * How much of the room that is left after pinned, given and named files open files and imports may take at
 * first, so that a large open file does not push out the best match, nor the imports the open file. What
 * stays free after that goes to whoever comes next.
 */
const firstShares = {open: 0.75, imported: 0.35} as const;
/**
 * The share of the whole budget that one file may take when it was not itself asked for; of a larger one
 * the best parts are seen. The first may be what the question is about, the others are beside it.
 */
const maxShareOfFirst = 0.5;
const maxShareOfOther = 0.3;
/** Of a file that was not asked for, only parts that match at least this share as well as its best part. */
const minShareOfBestPart = 0.35;
/** Room for fewer tokens than this stays empty: no file in it would be worth measuring. */
const minRoom = 16;
/** Left-out matches are told about up to this number. */
const maxToldMatches = 12;

/** Chooses what a question sees. Every pinned, given, named or open file is in one of the two lists. */
export function chooseFiles(
    request: ChooseRequest,
    index: RepositoryIndex,
    limits: Partial<ChooseLimits> = {},
): Choice {
    const candidates = findCandidates(request, index);
    const room = new Room(request, index, {...defaultChooseLimits, ...limits}, candidates.words);
    for (const list of [candidates.pinned, candidates.context, candidates.named]) room.take(list);
    const free = room.free;
    room.take(candidates.open, free * firstShares.open);
    room.take(candidates.matched.slice(0, 1));
    // What a file being completed imports is what it uses; a question is often not about its files' imports.
    const isCompleting = request.question === "";
    room.take(
        candidates.imported.filter(({isMatched}) => isCompleting || isMatched),
        free * firstShares.imported,
    );
    room.take(candidates.matched);
    for (const list of [candidates.open, candidates.imported, candidates.importedFar]) room.take(list);
    const {open, imported, importedFar, matched, pinned, context, named} = candidates;
    return room.close([...pinned, ...context, ...named, ...open, ...imported, ...importedFar, ...matched]);
}

type ReadableFile = KnownFile & {reason?: undefined};

/** The budget while it is being filled. */
class Room {
    readonly #chosen = new Map<string, ChosenFile>();
    readonly #excluded: ReadonlySet<string>;
    #nTokens = 0;

    constructor(
        readonly request: ChooseRequest,
        readonly index: RepositoryIndex,
        readonly limits: ChooseLimits,
        readonly words: readonly QueryWord[],
    ) {
        this.#excluded = new Set(request.excluded);
    }

    get free(): number {
        return Math.max(0, this.limits.budgetTokens - this.#nTokens);
    }

    /** Takes candidates in order while they fit into `share` tokens; one that does not fit is passed over. */
    take(list: readonly Candidate[], share = Infinity): void {
        let left = Math.min(share, this.free);
        for (const candidate of list) {
            if (this.#chosen.size >= this.limits.maxFiles || left < minRoom) return;
            if (this.#chosen.has(candidate.path) || this.#excluded.has(candidate.path)) continue;
            const file = this.index.measured(candidate.path);
            if (file === undefined || file.reason !== undefined) continue;
            const fitting = this.#fitting(candidate, file, left);
            if (fitting === undefined) continue;
            this.#chosen.set(candidate.path, {
                path: candidate.path,
                why: candidate.why,
                detail: candidate.detail,
                ...fitting,
            });
            this.#nTokens += fitting.nTokens;
            left -= fitting.nTokens;
        }
    }

    /** The file whole, or its best parts, or nothing. */
    #fitting(
        candidate: Candidate,
        file: ReadableFile,
        left: number,
    ): Pick<ChosenFile, "nTokens" | "parts"> | undefined {
        const isFirst = [...this.#chosen.values()].every(({why}) => why !== candidate.why);
        const most =
            candidate.isAskedFor === true
                ? left
                : Math.min(left, this.limits.budgetTokens * (isFirst ? maxShareOfFirst : maxShareOfOther));
        if (file.nTokens <= most) return {nTokens: file.nTokens};
        if (file.parts.length < 2) return file.nTokens <= left ? {nTokens: file.nTokens} : undefined;
        if (file.parts.every(({nTokens}) => nTokens > most)) return undefined;
        const parts: number[] = [];
        let nTokens = 0;
        for (const part of this.#bestParts(candidate, file.parts)) {
            const size = file.parts[part]!.nTokens;
            if (nTokens + size > most) continue;
            parts.push(part);
            nTokens += size;
        }
        return parts.length === 0 ? undefined : {nTokens, parts: parts.sort((a, b) => a - b)};
    }

    /** Part indices: the one with the line that matters, then by how well they match, then (only if the file was asked for) in order. */
    #bestParts(
        {path, isAskedFor = false, line = this.request.lines?.get(path)}: Candidate,
        parts: readonly KnownPart[],
    ): number[] {
        const focus =
            line === undefined
                ? []
                : [parts.findLastIndex((part) => part.startLine <= line)].filter((part) => part >= 0);
        const matches = this.index.partsOf(path)?.search(this.words) ?? [];
        const bar = isAskedFor ? 0 : (matches[0]?.score ?? 0) * minShareOfBestPart;
        const matching = matches.filter(({score}) => score >= bar).map((match) => Number(match.path));
        return [...new Set([...focus, ...matching, ...(isAskedFor ? parts.keys() : [])])];
    }

    /** The lists in the order of the reasons, whatever pass took a file. */
    close(wanted: readonly Candidate[]): Choice {
        const attended: ChosenFile[] = [];
        const leftOut: LeftOutFile[] = [];
        let nToldMatches = 0;
        for (const {path, why, steps} of wanted) {
            const chosen = this.#chosen.get(path);
            if (chosen !== undefined) {
                attended.push(chosen);
                continue;
            }
            const reason = this.#whyNot(path);
            const isFaint = why === "matched" || steps === 2;
            if (isFaint && (reason.why !== "budget" || nToldMatches++ >= maxToldMatches)) continue;
            leftOut.push({path, wanted: why, ...reason});
        }
        return {
            attended,
            leftOut,
            nTokens: this.#nTokens,
            words: this.words.map(({surface}) => surface).filter((word, i, all) => all.indexOf(word) === i),
        };
    }

    #whyNot(path: string): Pick<LeftOutFile, "why" | "detail"> {
        const file = this.index.file(path);
        if (file === undefined) return {why: "unknown", detail: "No file of this name is known in the workspace."};
        if (this.#excluded.has(path)) return {why: "excluded", detail: "Left out of this question by the user."};
        if (file.reason !== undefined) return {why: "unreadable", detail: skipSentence(file.reason)};
        if (this.#chosen.size >= this.limits.maxFiles)
            return {why: "budget", detail: `A question sees at most ${this.limits.maxFiles} files.`};
        return {
            why: "budget",
            detail: `Its ${file.nTokens} tokens do not fit into the ${this.limits.budgetTokens} tokens of files that a question sees.`,
        };
    }
}
