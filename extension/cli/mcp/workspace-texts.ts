/**
 * Owns the workspace's texts for tools that need no model: searching and reading. What is a secret, ignored or no text is
 * not in here, so no tool can give it away, whatever path is asked for.
 */
import {queryWords} from "../../core/choose/question.js";
import {estimateTokens} from "../../core/choose/repository-index.js";
import {KnownWorkspace} from "../../engine/workspace/known-workspace.js";
import {fileMissing} from "../../protocol/errors.js";
import {LiveWorkspace} from "../live-workspace.js";

export interface FoundFile {
    path: string;
    /** Words of the query that were found, the telling ones first. */
    words: string[];
    /** Lines that hold most of them, from 1. */
    lines: {line: number; text: string}[];
}

export interface FileLines {
    path: string;
    text: string;
    /** From 1, both included. */
    startLine: number;
    endLine: number;
    nLines: number;
}

const nLinesShown = 3;
const maxLineCharacters = 240;
/** Of a file at once; the rest is asked for by line. */
const maxLinesRead = 2_000;

export class WorkspaceTexts {
    readonly #known: KnownWorkspace;
    readonly #live: LiveWorkspace;

    constructor(root: string) {
        // Sizes matter to a model only.
        this.#known = new KnownWorkspace(root, (text) => new Uint32Array(estimateTokens(text)), Infinity);
        this.#live = new LiveWorkspace(root, {
            updateWorkspace: async (update) => {
                this.#known.update(update);
                return {known: this.#known.files.size};
            },
        });
    }

    /** Files that speak of what the query speaks of, best first (BM25, as questions choose their files). */
    async search(query: string, limit: number, signal?: AbortSignal): Promise<FoundFile[]> {
        await this.#live.refresh(signal);
        return this.#known.index.search.search(queryWords(query), limit).map(({path, words}) => ({
            path,
            words,
            lines: tellingLines(this.#known.files.get(path)?.text ?? "", words),
        }));
    }

    /** @throws KvasirError `file-missing` for what is not there, outside, ignored or a secret: the difference is not told */
    async read(path: string, startLine = 1, endLine = Infinity, signal?: AbortSignal): Promise<FileLines> {
        await this.#live.refresh(signal);
        const name = path.replaceAll("\\", "/").replace(/^(\.\/)+/, "");
        const text = this.#known.files.get(name)?.text;
        if (text === undefined) throw fileMissing(path);
        const lines = text.split("\n");
        const first = Math.min(startLine, lines.length);
        const last = Math.min(endLine, lines.length, first + maxLinesRead - 1);
        return {
            path: name,
            text: lines.slice(first - 1, last).join("\n"),
            startLine: first,
            endLine: Math.max(first, last),
            nLines: lines.length,
        };
    }
}

/** The lines with the most different words, in their order. */
function tellingLines(text: string, words: readonly string[]): FoundFile["lines"] {
    const wanted = words.map((word) => word.toLowerCase());
    const scored = text.split("\n").map((line, i) => {
        const lower = line.toLowerCase();
        return {
            line: i + 1,
            text: line.trim().slice(0, maxLineCharacters),
            n: wanted.filter((word) => lower.includes(word)).length,
        };
    });
    return scored
        .filter(({n}) => n > 0)
        .sort((a, b) => b.n - a.n || a.line - b.line)
        .slice(0, nLinesShown)
        .sort((a, b) => a.line - b.line)
        .map(({line, text: shown}) => ({line, text: shown}));
}
