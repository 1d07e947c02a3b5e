/** Pairs from repositories on disk, and the file they are written to. */
import {makePairs, type MakePairsOptions} from "../../../core/fidelity/make-pairs.js";
import type {Pairs, Sample} from "../../../core/fidelity/pairs.js";
import {writeFileAtomically} from "../../../engine/store/write-file-atomically.js";
import {nothingToMeasure} from "../../../protocol/errors.js";
import {tokenFiles} from "../bench-files.js";

/**
 * The number of pairs is shared out evenly; a repository with fewer targets gives what it has. The repositories take
 * turns, so that the pairs measured before an interruption are of all of them.
 *
 * @throws KvasirError `pairs-invalid` when none of them has a target
 */
export async function makeRepositoryPairs(
    folders: readonly string[],
    options: MakePairsOptions,
    tokenize: (text: string) => Uint32Array,
    signal: AbortSignal,
): Promise<Pairs> {
    const lists: Sample[][] = [];
    for (const folder of folders) {
        const files = (await tokenFiles(folder, tokenize, signal)).map(({path, text, tokens}) => ({
            path,
            text,
            nTokens: tokens.length,
        }));
        // More than its part: another repository may have too few.
        lists.push(makePairs(files, options));
    }
    const samples: Sample[] = [];
    for (let turn = 0; samples.length < options.nPairs && lists.some((list) => list.length > turn); turn++)
        samples.push(...lists.flatMap((list) => list.slice(turn, turn + 1)));
    if (samples.length === 0)
        throw nothingToMeasure(
            folders.join(", "),
            "no source file there imports two others of a usual size",
            "Name a larger repository.",
        );
    return {samples: samples.slice(0, options.nPairs)};
}

export async function writePairsFile(file: string, pairs: Pairs): Promise<void> {
    await writeFileAtomically(file, async (handle) => {
        await handle.writeFile(`${JSON.stringify(pairs)}\n`);
    });
}
