/**
 * Owns which imports a text names, by patterns, language by language: light enough to run over every file
 * of a repository. Must not know which files exist: resolve-import.ts does. A pattern that takes a comment
 * for an import costs nothing, since what does not resolve to a known file is dropped.
 */
import {type Language, languageOf} from "./languages.js";

/** One import as written, in a form that tells resolve-import.ts how to look for it. */
export interface ImportReference {
    language: Language;
    /** The module as written: `./a.js`, `a.b`, `crate::a::b`, `foo/bar.h`. */
    specifier: string;
    /** How it was written, where that changes the look-up. */
    form?: "relative" | "module" | "static" | "system";
    /** Names taken from the module, which may be modules of their own (Python). */
    names?: readonly string[];
}

/** Imports named in a text, in the order in which they stand, without repeats; none for unknown languages. */
export function scanImports(path: string, text: string): ImportReference[] {
    const language = languageOf(path);
    if (language === undefined) return [];
    const found = new Map<string, ImportReference>();
    for (const reference of scanners[language](text)) {
        const key = `${reference.form ?? ""} ${reference.specifier} ${reference.names?.join() ?? ""}`;
        if (!found.has(key)) found.set(key, {language, ...reference});
    }
    return [...found.values()];
}

type Found = Omit<ImportReference, "language">;

const scanners: Record<Language, (text: string) => Found[]> = {
    javascript: (text) =>
        inOrder(text, [
            [
                /(?:^|;)[ \t]*(?:import|export)\b(?:[^'"`;()/]|\/(?!\/)|\/\/[^\n]*\n)*?\bfrom\s*(['"])([^'"\n]+)\1/gm,
                (m) => ({specifier: m[2]!}),
            ],
            [/(?:^|;)[ \t]*import\s*(['"])([^'"\n]+)\1/gm, (m) => ({specifier: m[2]!})],
            [/\b(?:require|import|require\.resolve)\s*\(\s*(['"`])([^'"`\n$]+)\1/g, (m) => ({specifier: m[2]!})],
            [/\bimport\s+\w+\s*=\s*require\(\s*(['"])([^'"\n]+)\1/g, (m) => ({specifier: m[2]!})],
        ]),
    python: (text) =>
        inOrder(text, [
            [
                /^[ \t]*from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)/gm,
                (m) => ({specifier: m[1]!, names: pythonNames(m[2]!)}),
            ],
            [
                /^[ \t]*import[ \t]+([\w.]+(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*[\w.]+(?:[ \t]+as[ \t]+\w+)?)*)/gm,
                (m) => m[1]!.split(",").map((module) => ({specifier: module.trim().split(/\s+/)[0]!})),
            ],
        ]),
    go: (text) =>
        inOrder(text, [
            [/^import\s+(?:[\w.]+\s+)?"([^"\n]+)"/gm, (m) => ({specifier: m[1]!})],
            [
                /^import\s*\(([^)]*)\)/gm,
                (m) => [...m[1]!.matchAll(/^\s*(?:[\w.]+\s+)?"([^"\n]+)"/gm)].map((line) => ({specifier: line[1]!})),
            ],
        ]),
    rust: (text) =>
        inOrder(text, [
            [/^[ \t]*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;/gm, (m) => ({specifier: m[1]!, form: "module"})],
            [
                /^[ \t]*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);/gm,
                (m) => rustUses(m[1]!).map((specifier) => ({specifier})),
            ],
        ]),
    java: (text) =>
        inOrder(text, [
            [
                /^[ \t]*import\s+(static\s+)?(\w+(?:\.\w+)*(?:\.\*)?)/gm,
                (m) => (m[1] === undefined ? {specifier: m[2]!} : {specifier: m[2]!, form: "static"}),
            ],
        ]),
    c: (text) =>
        inOrder(text, [
            [/^[ \t]*#[ \t]*(?:include|import)[ \t]*"([^"\n]+)"/gm, (m) => ({specifier: m[1]!, form: "relative"})],
            [/^[ \t]*#[ \t]*(?:include|import)[ \t]*<([^>\n]+)>/gm, (m) => ({specifier: m[1]!, form: "system"})],
        ]),
    csharp: (text) =>
        inOrder(text, [
            [
                /^[ \t]*(?:global\s+)?using\s+(static\s+)?(?:\w+\s*=\s*)?([\w.]+)\s*;/gm,
                (m) => (m[1] === undefined ? {specifier: m[2]!} : {specifier: m[2]!, form: "static"}),
            ],
        ]),
    ruby: (text) =>
        inOrder(text, [
            [/^[ \t]*require_relative[ \t(]+(['"])([^'"\n]+)\1/gm, (m) => ({specifier: m[2]!, form: "relative"})],
            [/^[ \t]*(?:require|load|autoload[ \t(]+:\w+,)[ \t(]*(['"])([^'"\n]+)\1/gm, (m) => ({specifier: m[2]!})],
        ]),
    php: (text) =>
        inOrder(text, [
            [
                /^[ \t]*use\s+(?:function\s+|const\s+)?([\w\\]*\w)(?:\\\{([^}]*)\})?/gm,
                (m) =>
                    m[2] === undefined
                        ? {specifier: m[1]!}
                        : m[2].split(",").map((name) => ({specifier: `${m[1]!}\\${name.trim().split(/\s/)[0]!}`})),
            ],
            [
                /\b(?:require|include)(?:_once)?\b[^;'"\n]*(['"])([^'"\n]+)\1/g,
                (m) => ({specifier: m[2]!, form: "relative"}),
            ],
        ]),
    css: (text) =>
        inOrder(text, [[/@(?:import|use|forward)\s+(?:url\(\s*)?(['"]?)([^'")\s;]+)\1/g, (m) => ({specifier: m[2]!})]]),
};

type Pattern = readonly [RegExp, (match: RegExpMatchArray) => Found | Found[]];

/** All matches of all patterns, by their place in the text. */
function inOrder(text: string, patterns: readonly Pattern[]): Found[] {
    const found = patterns.flatMap(([pattern, read]) =>
        [...text.matchAll(pattern)].map((match) => ({at: match.index, references: [read(match)].flat()})),
    );
    return found.sort((a, b) => a.at - b.at).flatMap(({references}) => references);
}

function pythonNames(list: string): string[] {
    const names = list
        .replace(/[()]/g, "")
        .replace(/#[^\n]*/g, "")
        .split(",");
    return names.map((name) => name.trim().split(/\s+/)[0]!).filter((name) => /^\w+$/.test(name));
}

/** `a::{b, c::{d, e}}` gives `a::b`, `a::c::d`, `a::c::e`. */
function rustUses(tree: string): string[] {
    const clean = tree
        .replace(/\/\/[^\n]*/g, "")
        .replace(/\s+as\s+\w+/g, "")
        .replace(/\s+/g, "");
    const open = clean.indexOf("{");
    if (open === -1) return clean === "" ? [] : [clean];
    const base = clean.slice(0, open);
    const inner = clean.slice(open + 1, clean.lastIndexOf("}"));
    return splitAtTopLevel(inner).flatMap((part) => rustUses(base + part));
}

function splitAtTopLevel(list: string): string[] {
    const parts: string[] = [];
    let depth = 0;
    let start = 0;
    for (let i = 0; i <= list.length; i++) {
        if (i === list.length || (list[i] === "," && depth === 0)) {
            if (i > start) parts.push(list.slice(start, i));
            start = i + 1;
        } else if (list[i] === "{") depth += 1;
        else if (list[i] === "}") depth -= 1;
    }
    return parts;
}
