/**
 * Owns how an import of JavaScript or TypeScript becomes a file: relative paths, the usual aliases, packages
 * of the same repository.
 */
import {folderOf, joinPath} from "../files/paths.js";
import {firstAbove, one, relative, type Resolver} from "./import-paths.js";
import {nearestPath, type PathIndex} from "./path-index.js";

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

/** What an `import`, `export from` or `require` means. */
export const resolveScript: Resolver = (importer, {specifier}, known) => {
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
};

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
