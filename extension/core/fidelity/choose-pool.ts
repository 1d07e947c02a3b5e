/**
 * A repository as a chooser knows it: files of a given size in all, and targets whose imports are among them. The same
 * files and seed give the same pool.
 */
import {pathKind} from "../choose/path-kind.js";
import {targetsOf, type RepositoryFile, type Target} from "./make-pairs.js";
import {seededRandom, shuffled} from "./random.js";

export interface ChoosePool {
    targets: Target[];
    /** Everything that may be chosen. A target's own file may be among them; it is never chosen for itself. */
    known: RepositoryFile[];
    nTokens: number;
}

export interface ChoosePoolOptions {
    nTargets: number;
    seed: number;
    /** Tokens of all known files together, at least, where the repository has them. */
    poolTokens: number;
    maxFileTokens: number;
}

export function makeChoosePool(
    files: readonly RepositoryFile[],
    {nTargets, seed, poolTokens, maxFileTokens}: ChoosePoolOptions,
): ChoosePool {
    const random = seededRandom(seed);
    const known = new Set<RepositoryFile>();
    const size = (): number => [...known].reduce((sum, {nTokens}) => sum + nTokens, 0);
    const targets: Target[] = [];
    for (const target of targetsOf(files, random, maxFileTokens)) {
        if (targets.length === nTargets) break;
        const fresh = target.imports.filter((file) => !known.has(file));
        // Other files must have room, too, or there would be nothing to choose.
        if (size() + fresh.reduce((sum, {nTokens}) => sum + nTokens, 0) > poolTokens / 2) continue;
        for (const file of fresh) known.add(file);
        targets.push(target);
    }
    const others = files.filter(
        (file) => !known.has(file) && pathKind(file.path) === "source" && file.nTokens <= maxFileTokens,
    );
    let nTokens = size();
    for (const file of shuffled(others, random)) {
        if (nTokens >= poolTokens) break;
        known.add(file);
        nTokens += file.nTokens;
    }
    return {targets, known: shuffled([...known], random), nTokens};
}
