/**
 * Owns the reading of what goes to the engine in one message: small enough that neither side is busy with it for long.
 * Loaded with the first message.
 */
import type {FileLimits} from "../../core/files/classify.js";
import type {SkipReason} from "../../core/files/skip-reason.js";
import type {SourceFile} from "../../protocol/engine.js";
import {textOf} from "./document-texts.js";
import {type Root, uriInRoots} from "./folder-paths.js";

const maxPortionCharacters = 1024 * 1024;

export interface Portion {
    upsert: SourceFile[];
    /** No longer there, or no text to be read; with the reason of those that are there. */
    remove: {path: string; reason?: SkipReason}[];
    /** No longer fit in. */
    left: string[];
}

/** @param known files that may be read, with the time of their last change */
export async function nextPortion(
    paths: readonly string[],
    {roots, known, limits}: {roots: readonly Root[]; known: ReadonlyMap<string, number>; limits: FileLimits},
): Promise<Portion> {
    const portion: Portion = {upsert: [], remove: [], left: []};
    let nCharacters = 0;
    for (const [n, path] of paths.entries()) {
        if (nCharacters > maxPortionCharacters) {
            portion.left.push(...paths.slice(n));
            break;
        }
        const uri = known.has(path) ? uriInRoots(roots, path) : undefined;
        const text = uri && (await textOf(uri, path, limits));
        if (text?.text === undefined) {
            portion.remove.push({path, ...(text === undefined ? {} : {reason: text.reason})});
            continue;
        }
        nCharacters += text.text.length;
        portion.upsert.push({path, text: text.text, mtimeMs: known.get(path) ?? 0});
    }
    return portion;
}
