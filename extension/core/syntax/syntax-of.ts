/**
 * Owns the few facts about a language's surface that counting brackets and cutting completions need. A
 * language that is not listed is taken for one with C's comments and strings, which most are.
 */
import {baseNameOf, extensionOf} from "../files/paths.js";

export interface Syntax {
    lineComments: readonly string[];
    hasBlockComments: boolean;
    /** Quotes whose string may run over several lines. */
    longQuotes: readonly string[];
    /** A single quote is around one character, or it is something else (a lifetime). */
    hasCharacterQuotes: boolean;
    /** Brackets mean nothing in prose. */
    hasBrackets: boolean;
    /** Blocks are opened by a colon at the end of a line and held together by indentation. */
    hasIndentedBlocks: boolean;
}

const cLike: Syntax = {
    lineComments: ["//"],
    hasBlockComments: true,
    longQuotes: ["`"],
    hasCharacterQuotes: false,
    hasBrackets: true,
    hasIndentedBlocks: false,
};
const hashed: Syntax = {
    lineComments: ["#"],
    hasBlockComments: false,
    longQuotes: [],
    hasCharacterQuotes: false,
    hasBrackets: true,
    hasIndentedBlocks: false,
};
const python: Syntax = {...hashed, longQuotes: ['"""', "'''"], hasIndentedBlocks: true};
const prose: Syntax = {
    lineComments: [],
    hasBlockComments: false,
    longQuotes: [],
    hasCharacterQuotes: false,
    hasBrackets: false,
    hasIndentedBlocks: false,
};

const byName: Record<string, Syntax> = {
    ...named(python, "py pyi pyw python"),
    ...named({...hashed, hasIndentedBlocks: true}, "yaml yml nim"),
    ...named(
        hashed,
        "rb rake ruby sh bash zsh shellscript fish toml ini makefile dockerfile r perl pl ex exs elixir ps1 powershell cmake properties",
    ),
    ...named({...cLike, lineComments: ["//", "#"]}, "php"),
    ...named({...cLike, longQuotes: []}, "swift dart css scss less groovy"),
    ...named({...cLike, longQuotes: [], hasCharacterQuotes: true}, "c h cc hh cpp hpp cxx cu java cs csharp rs rust"),
    ...named({...cLike, longQuotes: ['"""'], hasCharacterQuotes: true}, "kt kts kotlin scala"),
    ...named({...cLike, hasCharacterQuotes: true}, "go"),
    ...named({...hashed, lineComments: ["--"], hasBlockComments: true}, "sql lua hs haskell elm ada vhdl"),
    ...named({...hashed, lineComments: [";"]}, "lisp clj clojure scm scheme el rkt"),
    ...named(prose, "md markdown mdx txt plaintext rst adoc tex latex html htm xml svg csv tsv gitignore"),
};

function named(syntax: Syntax, names: string): Record<string, Syntax> {
    return Object.fromEntries(names.split(" ").map((name) => [name, syntax]));
}

/** By a path (`src/a.py`, `Makefile`) or by an editor's language name (`python`). */
export function syntaxOf(pathOrLanguage: string): Syntax {
    return byName[extensionOf(pathOrLanguage)] ?? byName[baseNameOf(pathOrLanguage).toLowerCase()] ?? cLike;
}
