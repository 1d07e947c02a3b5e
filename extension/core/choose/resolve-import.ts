/**
 * Owns which known files an import means, language by language, from the list of paths alone: no
 * tsconfig.json, go.mod or build file is read. Where a path does not say it, the nearest file wins; what is
 * not in the list (a package, the standard library) means nothing.
 */
import {extensionOf, folderOf, foldersAbove, joinPath, normaliseRelative, stemOf} from "../files/paths.js";
import type {Language} from "./languages.js";
import {nearestPath, type PathIndex} from "./path-index.js";
import type {ImportReference} from "./scan-imports.js";

/**
 * The known files that an import of `importer` means: one, or, where a language imports folders (Go, C#,
 * Java's `*`), that folder's files in order. Never the importer itself.
 */
export function resolveImport(importer: string, reference: ImportReference, known: PathIndex): string[] {
    const files = resolvers[reference.language](importer, reference, known);
    return [...new Set(files)].filter((path) => path !== importer);
}

type Resolver = (importer: string, reference: ImportReference, known: PathIndex) => string[];

const scriptExtensions = [
    "ts",
    "tsx",
    "mts",
    "cts",
    "d.ts",
    "js",
    "jsx",
    "mjs",
    "cjs",
    "vue",
    "svelte",
    "astro",
    "json",
    "css",
    "scss",
    "less",
];

const resolvers: Record<Language, Resolver> = {
    javascript: (importer, {specifier}, known) => {
        const bare = specifier.replace(/[?#].*$/, "");
        if (/^\.{1,2}(\/|$)/.test(bare)) return one(scriptAt(relative(importer, bare), known));
        if (bare.startsWith("/"))
            return one(scriptAt(bare.slice(1), known) ?? scriptAt(joinPath("public", bare.slice(1)), known));
        const alias = /^(?:@|~|#|\$lib|\$)\/(.+)$/.exec(bare);
        if (alias !== null)
            return one(
                firstAbove(importer, ["src", "", "app", "src/lib"], (folder) =>
                    scriptAt(joinPath(folder, alias[1]!), known),
                ),
            );
        return one(
            workspacePackage(importer, bare, known) ??
                (bare.includes("/") && !bare.startsWith("@")
                    ? (scriptAt(bare, known) ?? scriptAt(`src/${bare}`, known))
                    : undefined),
        );
    },

    python: (importer, {specifier, names = []}, known) => {
        const dots = /^\.*/.exec(specifier)![0].length;
        const module = specifier.slice(dots).replaceAll(".", "/");
        const inFolder = (folder: string | undefined): string[] => {
            if (folder === undefined) return [];
            const base = module === "" ? folder : joinPath(folder, module);
            const submodules = names.flatMap((name) => one(pythonAt(joinPath(base, name), known)));
            return [...submodules, ...one(pythonAt(base, known))];
        };
        if (dots > 0) return inFolder(upwards(folderOf(importer), dots - 1));
        for (const folder of searchFolders(importer, ["", "src", "lib", "python"])) {
            const files = inFolder(folder);
            if (files.length > 0) return files;
        }
        // A package below the folders above (a monorepo): only a dotted name is telling enough.
        return module.includes("/")
            ? one(
                  nearestPath(
                      [...known.endingWith(`${module}.py`), ...known.endingWith(`${module}/__init__.py`)],
                      importer,
                  ),
              )
            : [];
    },

    go: (importer, {specifier}, known) => {
        const parts = specifier.split("/");
        // The module's own path comes first; the longest rest that is a folder of Go files is the package.
        for (let from = parts[0]!.includes(".") || parts.length > 1 ? 1 : 0; from < parts.length; from++) {
            const folders = known.foldersEndingWith(parts.slice(from).join("/"));
            const folder = nearestPath(
                folders.filter((path) => goFiles(path, known).length > 0),
                importer,
            );
            if (folder !== undefined) return goFiles(folder, known);
        }
        return [];
    },

    rust: (importer, {specifier, form}, known) => {
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
    },

    java: (importer, {specifier, form}, known) => {
        const parts = specifier.split(".");
        if (parts.at(-1) === "*") {
            if (form !== "static") {
                const folder = nearestPath(known.foldersEndingWith(parts.slice(0, -1).join("/")), importer);
                return folder === undefined
                    ? []
                    : known.filesIn(folder).filter((path) => jvmExtensions.includes(extensionOf(path)));
            }
            parts.pop();
        } else if (form === "static") parts.pop();
        // A nested class or, in Kotlin, a member: the file is called like an outer part of the name.
        for (let n = parts.length; n >= Math.max(2, parts.length - 1); n--) {
            const name = parts.slice(0, n).join("/");
            const file = nearestPath(
                jvmExtensions.flatMap((extension) => known.endingWith(`${name}.${extension}`)),
                importer,
            );
            if (file !== undefined) return [file];
        }
        return [];
    },

    c: (importer, {specifier, form}, known) => {
        const beside = form === "relative" ? relative(importer, specifier) : undefined;
        if (beside !== undefined && known.has(beside)) return [beside];
        const name = normaliseRelative(specifier.replace(/^(\.\.?\/)+/, "")) ?? specifier;
        // `<stdio.h>` must not find some project's own stdio.h; `<project/part.h>` may.
        if (form === "system" && !name.includes("/")) return [];
        return one(nearestPath(known.endingWith(name), importer));
    },

    csharp: (importer, {specifier, form}, known) => {
        const parts = specifier.split(".");
        if (form === "static") {
            const file = nearestPath(known.named(`${parts.at(-1)!}.cs`), importer);
            return one(file);
        }
        for (let from = 0; from < parts.length; from++) {
            const suffix = parts.slice(from).join("/");
            const folders = [
                ...known.foldersEndingWith(suffix),
                ...known.foldersEndingWith(parts.slice(from).join(".")),
            ];
            const folder = nearestPath(folders, importer);
            const files =
                folder === undefined ? [] : known.filesIn(folder).filter((path) => extensionOf(path) === "cs");
            if (files.length > 0) return files;
        }
        return [];
    },

    ruby: (importer, {specifier, form}, known) => {
        const name = specifier.endsWith(".rb") ? specifier : `${specifier}.rb`;
        const beside = relative(importer, name);
        if (form === "relative" || specifier.startsWith(".")) return one(only(known, beside));
        return one(only(known, `lib/${name}`) ?? nearestPath(known.endingWith(name), importer));
    },

    php: (importer, {specifier, form}, known) => {
        if (form === "relative") {
            const path = specifier.replace(/^\//, "");
            return one(only(known, relative(importer, path)) ?? only(known, normaliseRelative(path)));
        }
        const parts = specifier.split("\\").filter((part) => part !== "");
        // PSR-4: a vendor's prefix stands for some folder, so the longest rest of the name that is a path is the file.
        for (let from = 0; from < parts.length; from++) {
            const file = nearestPath(known.endingWith(`${parts.slice(from).join("/")}.php`), importer);
            if (file !== undefined) return [file];
        }
        return [];
    },

    css: (importer, {specifier}, known) => {
        if (/^(https?:)?\/\//.test(specifier) || specifier.startsWith("sass:")) return [];
        const bases = [
            relative(importer, specifier.replace(/^~/, "")),
            normaliseRelative(specifier.replace(/^[~@]\/?/, "")),
        ];
        for (const base of bases) {
            if (base === undefined) continue;
            const folder = folderOf(base);
            const name = base.slice(folder === "" ? 0 : folder.length + 1);
            for (const candidate of [
                base,
                ...["scss", "sass", "less", "css"].flatMap((extension) => [
                    `${base}.${extension}`,
                    `${joinPath(folder, `_${name}`)}.${extension}`,
                    `${base}/_index.${extension}`,
                    `${base}/index.${extension}`,
                ]),
            ]) {
                if (known.has(candidate)) return [candidate];
            }
        }
        return [];
    },
};

const jvmExtensions = ["java", "kt", "kts", "scala", "groovy"];

function one(path: string | undefined): string[] {
    return path === undefined ? [] : [path];
}

function only(known: PathIndex, path: string | undefined): string | undefined {
    return path !== undefined && known.has(path) ? path : undefined;
}

/** The path that a relative specifier means, or undefined when it leaves the workspace. */
function relative(importer: string, specifier: string): string | undefined {
    return normaliseRelative(joinPath(folderOf(importer), specifier));
}

/** The importer's folder and those above it, nearest first, each with the usual source roots in it. */
function searchFolders(importer: string, roots: readonly string[]): string[] {
    return foldersAbove(importer)
        .reverse()
        .flatMap((folder) => roots.map((root) => (root === "" ? folder : joinPath(folder, root))));
}

function firstAbove(
    importer: string,
    roots: readonly string[],
    find: (folder: string) => string | undefined,
): string | undefined {
    for (const folder of searchFolders(importer, roots)) {
        const found = find(folder);
        if (found !== undefined) return found;
    }
    return undefined;
}

function upwards(folder: string, n: number): string | undefined {
    let path: string | undefined = folder;
    for (let i = 0; i < n; i++) {
        if (path === "") return undefined;
        path = folderOf(path);
    }
    return path;
}

/** Node's and TypeScript's look-up: the file, the source of a `.js`, a file with an extension, a folder's index. */
function scriptAt(path: string | undefined, known: PathIndex): string | undefined {
    if (path === undefined) return undefined;
    if (known.has(path)) return path;
    const compiled = /^(.*)\.([mc]?)js(x?)$/.exec(path);
    if (compiled !== null) {
        const [, base, kind, x] = compiled;
        for (const extension of [`${kind}ts${x}`, `${kind}tsx`, `d.${kind}ts`]) {
            if (known.has(`${base}.${extension}`)) return `${base}.${extension}`;
        }
    }
    for (const base of [path, path === "" ? "index" : `${path}/index`]) {
        for (const extension of scriptExtensions) if (known.has(`${base}.${extension}`)) return `${base}.${extension}`;
    }
    return undefined;
}

/** A package of the same repository: a folder with a package.json, called like the package's last name. */
function workspacePackage(importer: string, specifier: string, known: PathIndex): string | undefined {
    const parts = specifier.split("/");
    const name = specifier.startsWith("@") ? parts[1] : parts[0];
    if (name === undefined || name === "") return undefined;
    const rest = parts.slice(specifier.startsWith("@") ? 2 : 1).join("/");
    const folder = nearestPath(known.endingWith(`${name}/package.json`).map(folderOf), importer);
    if (folder === undefined || folder === "" || importer.startsWith(`${folder}/`)) return undefined;
    const inside =
        rest === ""
            ? ["src/index", "index", "src/main", "lib/index", `src/${name}`]
            : [`src/${rest}`, rest, `lib/${rest}`];
    for (const path of inside) {
        const file = scriptAt(joinPath(folder, path), known);
        if (file !== undefined) return file;
    }
    return undefined;
}

function pythonAt(base: string, known: PathIndex): string | undefined {
    return [`${base}.py`, `${base}.pyi`, `${base}/__init__.py`].find((path) => known.has(path));
}

function goFiles(folder: string, known: PathIndex): string[] {
    return known.filesIn(folder).filter((path) => path.endsWith(".go") && !path.endsWith("_test.go"));
}

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
