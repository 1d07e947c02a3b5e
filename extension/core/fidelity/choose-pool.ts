/**
 * A repository as a chooser knows it: files of a given size in all, and targets whose imports are among them. The same
 * files and seed give the same pool.
 */
import {pathKind} from "../choose/path-kind.js";
import {beginningOf, targetsOf, type RepositoryFile, type Target} from "./make-pairs.js";
import {seededRandom, shuffled} from "./random.js";

export interface ChoosePool {
    targets: Target[];
    /** Everything that may be chosen. A target's own file may be among them; it is never chosen for itself. */
    known: RepositoryFile[];
    nTokens: number;
}

export interface ChoosePoolOptions {
    /** At most. */
    nTargets: number;
    seed: number;
    /** Tokens of all known files together, at least, where the repository has them. */
    poolTokens: number;
    /** Of longer files the beginning is known, up to about this many tokens. */
    maxFileTokens: number;
}

export function makeChoosePool(
    files: readonly RepositoryFile[],
    {nTargets, seed, poolTokens, maxFileTokens}: ChoosePoolOptions,
): ChoosePool {
    const random = seededRandom(seed);
    const known = new Map<string, RepositoryFile>();
    const size = (): number => [...known.values()].reduce((sum, {nTokens}) => sum + nTokens, 0);
    const targets: Target[] = [];
    for (const target of targetsOf(files, random, maxFileTokens)) {
        if (targets.length === nTargets) break;
        const fresh = target.imports.filter(({path}) => !known.has(path));
        // Other files must have room, too, or there would be nothing to choose.
        if (size() + fresh.reduce((sum, {nTokens}) => sum + nTokens, 0) > poolTokens / 2) continue;
        for (const file of fresh) known.set(file.path, file);
        targets.push(target);
    }
    const others = files
        .filter(({path}) => !known.has(path) && pathKind(path) === "source")
        .map((file) => beginningOf(file, maxFileTokens));
    let nTokens = size();
    for (const file of shuffled(others, random)) {
        if (nTokens >= poolTokens) break;
        known.set(file.path, file);
        nTokens += file.nTokens;
    }
    return {targets, known: shuffled([...known.values()], random), nTokens};
}
