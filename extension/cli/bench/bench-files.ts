/** Real text for benches: files of a repository, with their tokens, picked the same way every time. */
import {readdirSync} from "node:fs";
import path from "node:path";
import type {SourceFile} from "../../protocol/engine.js";
import {type KvasirError, usage} from "../../protocol/errors.js";
import {fileText} from "../../core/layout/chat-layout.js";
import {packageRoot} from "../package-root.js";
import {collectFiles} from "../workspace-files.js";

export interface TokenFile extends SourceFile {
    tokens: Uint32Array;
}

/** The repository that set-up fetched. @throws KvasirError `usage` when there is none */
export function demoRepository(): string {
    const folder = path.join(packageRoot(), ".kvasir/repos");
    let names: string[];
    try {
        names = readdirSync(folder).filter((name) => !name.endsWith(".part"));
    } catch {
        names = [];
    }
    const [first] = names.sort();
    if (first === undefined)
        throw usage("the demo repository is not there.", "Run `npm run setup`, or name a repository with --repo PATH.");
    return path.join(folder, first);
}

/** Text files of the repository in the order of their paths, tokenised. */
export async function tokenFiles(
    repo: string,
    tokenize: (text: string) => Uint32Array,
    signal: AbortSignal,
): Promise<TokenFile[]> {
    const {files} = await collectFiles(repo, undefined, signal);
    return files.map((file) => ({...file, tokens: tokenize(fileText(file.path, file.text))}));
}

/** Files that are long enough to say something and short enough to be one of several. */
const usualTokens = [200, 2000] as const;

/**
 * Disjoint sets of whole files, each of at least `nTokens` in all and as little above as comes.
 * @throws KvasirError `usage` when the repository is too small
 */
export function disjointSets(files: readonly TokenFile[], nSets: number, nTokens: number): TokenFile[][] {
    const usual = files.filter(({tokens}) => tokens.length >= usualTokens[0] && tokens.length <= usualTokens[1]);
    const sets: TokenFile[][] = [];
    let next = 0;
    for (let set = 0; set < nSets; set++) {
        const chosen: TokenFile[] = [];
        while (sumTokens(chosen) < nTokens) {
            const file = usual[next++];
            if (file === undefined) throw tooSmall(nSets * nTokens);
            chosen.push(file);
        }
        sets.push(chosen);
    }
    return sets;
}

/**
 * Beginnings of files, every one exactly `nTokens` long.
 * @throws KvasirError `usage` when the repository has too few files of that length
 */
export function equalPieces(files: readonly TokenFile[], nPieces: number, nTokens: number): Uint32Array[] {
    const pieces: Uint32Array[] = [];
    for (const {tokens} of files) {
        for (let at = 0; at + nTokens <= tokens.length && pieces.length < nPieces; at += nTokens)
            pieces.push(tokens.slice(at, at + nTokens));
    }
    if (pieces.length < nPieces) throw tooSmall(nPieces * nTokens);
    return pieces;
}

export function sumTokens(files: readonly TokenFile[]): number {
    return files.reduce((sum, {tokens}) => sum + tokens.length, 0);
}

export function joinTokens(parts: readonly Uint32Array[]): Uint32Array {
    const joined = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        joined.set(part, at);
        at += part.length;
    }
    return joined;
}

function tooSmall(nTokens: number): KvasirError {
    return usage(
        `the repository is too small for this row: it takes files of ${nTokens} tokens in all.`,
        "Name a larger one with --repo PATH.",
    );
}
