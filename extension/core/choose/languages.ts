/**
 * Owns which language a file is written in, as far as the scans for imports and declarations need it.
 */
import {extensionOf} from "../files/paths.js";

export type Language = "javascript" | "python" | "go" | "rust" | "java" | "c" | "csharp" | "ruby" | "php" | "css";

const extensions: Record<Language, string> = {
    javascript: "ts tsx mts cts js jsx mjs cjs vue svelte astro",
    python: "py pyi pyw",
    go: "go",
    rust: "rs",
    java: "java kt kts scala groovy",
    c: "c h cc hh cpp hpp cxx hxx cu cuh m mm inl ipp metal",
    csharp: "cs",
    ruby: "rb rake",
    php: "php",
    css: "css scss sass less",
};

const byExtension = new Map(
    Object.entries(extensions).flatMap(([language, list]) =>
        list.split(" ").map((extension) => [extension, language as Language] as const),
    ),
);

/** The language by the file's extension; undefined for what has no imports that we follow. */
export function languageOf(path: string): Language | undefined {
    return byExtension.get(extensionOf(path));
}
