/**
 * Owns which known files an import means, language by language, from the list of paths alone: no
 * tsconfig.json, go.mod or build file is read. Where a path does not say it, the nearest file wins; what is
 * not in the list (a package, the standard library) means nothing.
 */
import {extensionOf, folderOf, joinPath, normaliseRelative} from "../files/paths.js";
import type {Language} from "./languages.js";
import {one, only, relative, type Resolver, searchFolders, upwards} from "./import-paths.js";
import {nearestPath, type PathIndex} from "./path-index.js";
import {resolveRust} from "./resolve-rust.js";
import {resolveScript} from "./resolve-script.js";
import type {ImportReference} from "./scan-imports.js";

/**
 * The known files that an import of `importer` means: one, or, where a language imports folders (Go, C#,
 * Java's `*`), that folder's files in order. Never the importer itself.
 */
export function resolveImport(importer: string, reference: ImportReference, known: PathIndex): string[] {
    const files = resolvers[reference.language](importer, reference, known);
    return [...new Set(files)].filter((path) => path !== importer);
}

const resolvers: Record<Language, Resolver> = {
    javascript: resolveScript,

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

    rust: resolveRust,

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

function pythonAt(base: string, known: PathIndex): string | undefined {
    return [`${base}.py`, `${base}.pyi`, `${base}/__init__.py`].find((path) => known.has(path));
}

function goFiles(folder: string, known: PathIndex): string[] {
    return known.filesIn(folder).filter((path) => path.endsWith(".go") && !path.endsWith("_test.go"));
}
