/** Which file a code block without a clear name means. Pure: gives an order of likelihood; the host asks when it is not clear. */
import {baseNameOf, extensionOf} from "../files/paths.js";
import {declarations} from "./edit/declaration.js";

/** What fences call a language, by the extensions of its files. */
const extensionsOf: Readonly<Record<string, readonly string[]>> = {
    typescript: ["ts", "mts", "cts", "tsx"],
    ts: ["ts", "mts", "cts", "tsx"],
    tsx: ["tsx"],
    javascript: ["js", "mjs", "cjs", "jsx"],
    js: ["js", "mjs", "cjs", "jsx"],
    jsx: ["jsx", "js"],
    python: ["py", "pyi"],
    py: ["py", "pyi"],
    rust: ["rs"],
    ruby: ["rb"],
    csharp: ["cs"],
    "c#": ["cs"],
    cpp: ["cpp", "cc", "cxx", "hpp", "h"],
    "c++": ["cpp", "cc", "cxx", "hpp", "h"],
    c: ["c", "h"],
    golang: ["go"],
    kotlin: ["kt", "kts"],
    markdown: ["md"],
    yaml: ["yml", "yaml"],
    yml: ["yml", "yaml"],
};

/** The known file that a written path means: itself, or the only one that ends with it. */
export function resolvePath(written: string, known: readonly string[]): string | undefined {
    if (known.includes(written)) return written;
    const lower = written.toLowerCase();
    const ends = known.filter((path) => path.toLowerCase() === lower || path.toLowerCase().endsWith(`/${lower}`));
    if (ends.length === 1) return ends[0];
    // In a workspace of several folders a path begins with the folder's name, which models leave out or add.
    const inner = known.filter((path) => lower.endsWith(`/${path.toLowerCase()}`) && path.includes("/"));
    return ends.length === 0 && inner.length === 1 ? inner[0] : undefined;
}

/**
 * Candidates for a block without a path, the likeliest first.
 * @param files attended and open files in their own order, with their texts
 * @returns with `isClear` when the first stands out: it alone declares what the block declares
 */
export function likelyTargets(
    block: {language: string; code: string},
    files: readonly {path: string; text: string}[],
): {paths: string[]; isClear: boolean} {
    const wanted = new Set(declarations(block.code.split(/\r?\n/)).map(({name}) => name));
    const extensions = extensionsOf[block.language] ?? [block.language];
    const scored = files
        .map(({path, text}, order) => {
            const isLanguage =
                extensions.includes(extensionOf(path)) || baseNameOf(path).toLowerCase() === block.language;
            const names = new Set(declarations(text.split(/\r?\n/)).map(({name}) => name));
            const nShared = [...wanted].filter((name) => names.has(name)).length;
            return {path, order, isLanguage, nShared};
        })
        .filter(({isLanguage}) => isLanguage || block.language === "")
        .sort((a, b) => b.nShared - a.nShared || a.order - b.order);
    const [first, second] = scored;
    const isClear = first !== undefined && first.nShared > 0 && first.nShared > (second?.nShared ?? 0);
    return {paths: scored.map(({path}) => path), isClear};
}
