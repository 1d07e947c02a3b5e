/**
 * Owns what a file is for, by its path: most questions are about sources, and tests, prose and records of
 * the past speak of the same things in more words.
 */
import {extensionOf} from "../files/paths.js";

export type PathKind = "source" | "test" | "prose" | "record";

const test =
    /(?:^|[/._-])(?:tests?|specs?|__tests__|testdata|test_?utils?|fixtures?|mocks?|__mocks__|e2e|benchmarks?|benches)(?:[/._-]|$)|Tests?\.(?:java|kt|cs|swift)$/i;
const record =
    /(?:^|\/)(?:change(?:s|log)|history|releases?(?:[_-]notes)?|news|authors|contributors|maintainers|codeowners|licen[cs]es?|copying|notice|code_of_conduct)(?:[.-][^/]*)?$/i;
const prose = new Set(
    "md mdx markdown rst txt adoc html htm svg csv tsv json jsonc json5 yaml yml toml xml ini po".split(" "),
);

/** The kind of a file; `prose` includes data, `record` is a changelog, a licence, a list of people, a test's recorded output. */
export function pathKind(path: string): PathKind {
    if (record.test(path)) return "record";
    const isProse = prose.has(extensionOf(path));
    if (test.test(path)) return isProse ? "record" : "test";
    return isProse ? "prose" : "source";
}
