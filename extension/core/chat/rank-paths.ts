/** Files and folders by some letters of their names, the likeliest first. Pure, and quick over ten thousands of paths. */
import {baseNameOf, foldersAbove} from "../files/paths.js";

/** @param open open files, the active one first: of those that fit equally well they come first */
export function rankPaths(
    letters: string,
    paths: readonly string[],
    open: readonly string[],
    limit: number,
): {files: string[]; folders: string[]} {
    const wanted = letters.toLowerCase();
    const folders = new Set<string>();
    for (const path of paths) for (const folder of foldersAbove(path)) if (folder !== "") folders.add(folder);
    return {
        files: best(wanted, wanted === "" ? open : paths, new Map(open.map((path, at) => [path, at])), limit),
        // Without letters there are too many to be of use; one level is.
        folders: wanted === "" ? [] : best(wanted.replace(/\/$/, ""), [...folders], new Map(), limit),
    };
}

function best(wanted: string, paths: readonly string[], open: ReadonlyMap<string, number>, limit: number): string[] {
    return paths
        .flatMap((path) => {
            const score = scoreOf(wanted, path);
            return score === 0 ? [] : [{path, score, order: open.get(path) ?? Infinity}];
        })
        .sort(
            (a, b) =>
                b.score - a.score ||
                (a.order === b.order ? 0 : a.order - b.order) ||
                a.path.length - b.path.length ||
                (a.path < b.path ? -1 : 1),
        )
        .slice(0, limit)
        .map(({path}) => path);
}

/** 0 for no match; the beginning of the name counts most, then its inside, the path, its letters in order. */
function scoreOf(wanted: string, path: string): number {
    if (wanted === "") return 1;
    const lower = path.toLowerCase();
    const name = baseNameOf(lower);
    if (name === wanted || name.startsWith(`${wanted}.`)) return 6;
    if (name.startsWith(wanted)) return 5;
    if (lower.startsWith(wanted)) return 4;
    if (name.includes(wanted)) return 3;
    if (lower.includes(wanted)) return 2;
    let at = -1;
    for (const letter of wanted) {
        at = lower.indexOf(letter, at + 1);
        if (at === -1) return 0;
    }
    return 1;
}
