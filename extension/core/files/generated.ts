/**
 * Owns how a file made by a tool is recognised: lockfiles and build products by name, generators by the
 * mark they leave at the top, minified text by the shape of its lines. Such files cost many tokens and
 * answer no question.
 */
import {baseNameOf, extensionOf} from "./paths.js";

const lockfiles = new Set([
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "cargo.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pipfile.lock",
    "conda-lock.yml",
    "pixi.lock",
    "composer.lock",
    "gemfile.lock",
    "go.sum",
    "go.work.sum",
    "flake.lock",
    "mix.lock",
    "rebar.lock",
    "pubspec.lock",
    "podfile.lock",
    "package.resolved",
    "cartfile.resolved",
    "packages.lock.json",
    "project.assets.json",
    "gradle.lockfile",
    "buildscript-gradle.lockfile",
    "chart.lock",
    ".terraform.lock.hcl",
    "cabal.project.freeze",
    "stack.yaml.lock",
    "manifest.toml.lock",
    "vcpkg-lock.json",
    "conan.lock",
    "module.bazel.lock",
]);

const generatedNames = [
    /\.(js|mjs|cjs|css|ts|mts|cts)\.map$/,
    /\.pb\.(go|cc|h|swift)$/,
    /_pb2(_grpc)?\.pyi?$/,
    /_pb\.(js|d\.ts|ts)$/,
    /\.pb(grpc|enum|json|server)?\.dart$/,
    /\.(g|freezed|mocks)\.dart$/,
    /\.designer\.(cs|vb)$/i,
    /\.g\.(i\.)?cs$/,
    /\.generated\.[a-z]+$/,
    /\.gen\.(go|ts|js|rs)$/,
    /_generated\.(go|rs|h)$/,
    /^zz_generated\..*\.go$/,
    /\.tsbuildinfo$/,
    /\.snap$/,
];

const minifiedName = /[.-]min\.(js|mjs|cjs|css|html|svg|json)$/i;

// A mark counts only on a comment line near the top: code that looks for such marks in other files is not
// generated itself. In prose `#` and `*` open headings and lists, so only an HTML comment counts there.
const commentLine =
    /^\s*(?:\/\/|\/\*|\*|#(?!\s*(?:define|include|if|elif|pragma)\b)|--|;|%|<!--|\{-|\(\*|"""|'|rem\b|dnl\b)/i;
const proseCommentLine = /^\s*<!--/;
const proseFormats = new Set(["md", "mdx", "markdown", "txt", "rst", "adoc"]);
const marks = [
    /@generated\b/,
    /\bDO NOT (?:EDIT|MODIFY)\b/,
    /\bdo not (?:edit|modify)(?: this file\b| it\b| manually\b| by hand\b| directly\b|\s*[.!*]|\s*$)/i,
    /\b(?:this|the) (?:file|code|source|module|document) (?:is|was|has been) (?:(?:auto|automatically|machine)[- ]?)?generated\b/i,
    /^\W*(?:auto|automatically|machine)[- ]?generated(?: file| code| by| from|\s*[.!]|\W*$)/i,
];
const nMarkLines = 24;
const nMarkCharacters = 4096;

/** True for lockfiles, source maps and other products that their name gives away. */
export function isGeneratedPath(path: string): boolean {
    const name = baseNameOf(path).toLowerCase();
    return lockfiles.has(name) || generatedNames.some((pattern) => pattern.test(name));
}

/** True for `x.min.js` and the like. */
export function isMinifiedPath(path: string): boolean {
    return minifiedName.test(path);
}

/** True when a generator's mark (`@generated`, "DO NOT EDIT", ...) stands in a comment within the first lines. */
export function hasGeneratedMark(path: string, text: string): boolean {
    const comment = proseFormats.has(extensionOf(path)) ? proseCommentLine : commentLine;
    const lines = text.slice(0, nMarkCharacters).split(/\r?\n/, nMarkLines);
    return lines.some((line) => comment.test(line) && marks.some((mark) => mark.test(line)));
}

// Prose keeps a paragraph on one line, tables of data are read as data: only lines that no person writes are held against them.
const longLineFormats = new Set(["md", "mdx", "markdown", "txt", "rst", "adoc", "tex", "csv", "tsv", "po", "ipynb"]);

/** True when most of a text lies in lines that nobody writes by hand: above 500 characters (20,000 in prose and tables). */
export function isMinifiedText(path: string, text: string): boolean {
    const longest = longLineFormats.has(extensionOf(path)) ? 20_000 : 500;
    if (text.length < 2_000) return false;
    let nLong = 0;
    for (let start = 0; start < text.length;) {
        const newline = text.indexOf("\n", start);
        const end = newline === -1 ? text.length : newline;
        if (end - start > longest) nLong += end - start;
        start = end + 1;
    }
    return nLong > text.length / 2;
}
