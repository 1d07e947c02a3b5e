/**
 * Owns how Rust's modules and paths become files: `mod a;` beside or below its file, `crate::`, `super::` and
 * `self::`, and the other crates of a workspace.
 */
import {folderOf, foldersAbove, joinPath, stemOf} from "../files/paths.js";
import {one, only, type Resolver, upwards} from "./import-paths.js";
import {nearestPath, type PathIndex} from "./path-index.js";

/** What a `mod` or `use` means. */
export const resolveRust: Resolver = (importer, {specifier, form}, known) => {
    const own = rustModuleFolder(importer);
    if (form === "module") return one(rustAt(joinPath(own, specifier), known));
    const parts = specifier.split("::").filter((part) => part !== "" && part !== "*");
    const first = parts.shift();
    if (first === undefined) return [];
    if (first === "crate") return one(rustPath(crateFolder(importer, known), parts, known));
    if (first === "self") return one(rustPath(own, parts, known));
    if (first === "super") {
        let folder: string | undefined = folderOf(own);
        if (folder === "" && own === "") return [];
        while (parts[0] === "super") {
            parts.shift();
            folder = upwards(folder, 1);
            if (folder === undefined) return [];
        }
        return one(rustPath(folder, parts, known));
    }
    // Another crate of the workspace: its folder is called like it, with `-` for `_`.
    const crates = [first, first.replaceAll("_", "-")].flatMap((name) => known.foldersEndingWith(`${name}/src`));
    const crate = nearestPath(crates, importer);
    if (crate !== undefined) return one(rustPath(crate, parts, known) ?? only(known, `${crate}/lib.rs`));
    return one(rustPath(own, [first, ...parts], known, 1));
};

/** The folder in which the modules of a Rust file lie: `a.rs` has them in `a/`, `mod.rs`, `lib.rs` and `main.rs` beside themselves. */
function rustModuleFolder(path: string): string {
    const stem = stemOf(path);
    return stem === "mod" || stem === "lib" || stem === "main" ? folderOf(path) : joinPath(folderOf(path), stem);
}

function crateFolder(importer: string, known: PathIndex): string {
    const above = foldersAbove(importer).reverse();
    return (
        above.find((folder) => known.has(joinPath(folder, "lib.rs")) || known.has(joinPath(folder, "main.rs"))) ??
        above[0] ??
        ""
    );
}

function rustAt(base: string, known: PathIndex): string | undefined {
    return [`${base}.rs`, `${base}/mod.rs`].find((path) => known.has(path));
}

/** The file of the longest beginning of a path that is a module; the rest are items in it. */
function rustPath(folder: string, parts: readonly string[], known: PathIndex, atLeast = 0): string | undefined {
    for (let n = parts.length; n > atLeast; n--) {
        const file = rustAt(joinPath(folder, parts.slice(0, n).join("/")), known);
        if (file !== undefined) return file;
    }
    return atLeast === 0
        ? [joinPath(folder, "lib.rs"), joinPath(folder, "main.rs"), joinPath(folder, "mod.rs"), `${folder}.rs`].find(
              (path) => known.has(path),
          )
        : only(known, rustAt(joinPath(folder, parts[0] ?? ""), known));
}
