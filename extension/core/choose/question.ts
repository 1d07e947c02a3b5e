/**
 * Owns what a question says: the paths, file names and identifiers in it, and the words to search for, each
 * with a weight. Must not know which files exist.
 */
import type {QueryWord} from "./bm25.js";
import {questionWords, splitIdentifier, stem, wordsOf} from "./words.js";

export interface QuestionParts {
    /** What looks like a path or a file name: `src/a.ts`, `a.ts`, `@src/a.ts`, with a line behind it or not. */
    fileNames: string[];
    /** What is meant as a name in code: in backticks, `camelCase`, `snake_case`, `Pascal`, `name()`. */
    identifiers: string[];
    /** The other words that may be a file's name without its extension, as written. */
    plainWords: string[];
}

const codeSpan = /`+([^`\n]+)`+/g;
const pathLike =
    /(?<![\w@:/])@?((?:\.{0,2}\/)?(?:[\w.\-[\]+@]+\/)*[\w.\-[\]+@]*\w\.[A-Za-z]\w{0,11}|(?:[\w.\-[\]]+\/)+[\w.\-[\]]*|\.[a-z][\w-]*(?:\.[\w-]+)*|(?:Make|Docker|Rake|Gem|Pip|Proc|Jenkins|Vagrant|Just)file)(?=$|[\s,;:)?!'"#>\]]|\.(?:\s|$))/g;
const identifier = /(?<![\w$.])[#$]?[A-Za-z_$][\w$]*(?:(?:\.|::|->|#)[A-Za-z_$][\w$]*)*(?:\(\))?/g;

/** Takes a question apart. Nothing is looked up: choose.ts tries the names against the files it knows. */
export function readQuestion(question: string): QuestionParts {
    const fileNames = new Set<string>();
    const identifiers = new Set<string>();
    const plainWords = new Set<string>();
    // Code blocks are quotes: their identifiers count as search words, but they do not name anything on purpose.
    const prose = question.replace(/```[^]*?(?:```|$)/g, " ").replace(/\b[a-z][a-z0-9+.-]+:\/\/\S+/gi, " ");
    const spans = [...prose.matchAll(codeSpan)].map((match) => match[1]!.trim());
    for (const [, path] of prose.replaceAll("`", " ").matchAll(pathLike))
        fileNames.add(path!.replace(/^\.\//, "").replace(/\/$/, ""));
    for (const span of spans) {
        if (/^[\w./\-[\]@]+$/.test(span) && /[/.]/.test(span) && !span.includes(".."))
            fileNames.add(span.replace(/^\.?\//, ""));
        for (const name of namesIn(span)) identifiers.add(name);
        if (/^[\w-]+$/.test(span)) plainWords.add(span);
    }
    const outside = prose.replace(codeSpan, " ");
    for (const [written] of outside.matchAll(identifier)) {
        if (isCodeLike(written)) for (const name of namesIn(written)) identifiers.add(name);
    }
    for (const [word] of outside.matchAll(/(?<![\w./-])[A-Za-z][\w-]*[A-Za-z0-9](?![\w/-])/g)) {
        if (!questionWords.has(word.toLowerCase())) plainWords.add(word);
    }
    return {fileNames: [...fileNames], identifiers: [...identifiers], plainWords: [...plainWords]};
}

/** The names in `a.b::c()`: each part, since any of them may be what is declared. */
function namesIn(written: string): string[] {
    return [...written.matchAll(/#?[A-Za-z_$][\w$]*/g)]
        .map(([name]) => name)
        .filter(
            (name) =>
                name.length > 1 &&
                !/^(?:this|self|new|const|let|function|def|fn|func|class|return|await|async|import|from)$/.test(name),
        );
}

/** Written as only code is written: `name()`, two humps, an underscore inside, a dotted or qualified name. */
function isCodeLike(written: string): boolean {
    const bare = written.replace(/\(\)$/, "");
    if (bare !== written) return true;
    // A dot alone may be a file's: `a.ts`. A long name behind it is a member's.
    if (/::|->|\w\.[a-z](?:\w{4,}|\w*[A-Z_])/.test(bare)) return true;
    if (/^[#$]/.test(bare) || /\w_\w/.test(bare)) return true;
    return /[a-z0-9][A-Z]/.test(bare) || /^[A-Z]{2,}[a-z]{2,}/.test(bare);
}

/** How much the words of a question's earlier turns count, the latest first: enough for "and where is it tested?". */
const turnWeights = [0.35, 0.15];
/** A name in code is worth more than a word of English: it is exact, and meant. */
const identifierWeight = 2;
const partWeight = 0.75;

/**
 * The words to search for.
 * @param earlierTurns what was said before, the latest first; only the first two count
 */
export function queryWords(question: string, earlierTurns: readonly string[] = []): QueryWord[] {
    const words = new Map<string, QueryWord>();
    const add = (word: string, weight: number, surface: string) => {
        const before = words.get(word);
        if (before === undefined || before.weight < weight) words.set(word, {word, weight, surface});
    };
    const {identifiers, fileNames} = readQuestion(question);
    // `errors.ts` is about errors; every other file is a `.ts` as well.
    const prose = fileNames.reduce((text, name) => text.replaceAll(name, name.replace(/\.\w+$/, "")), question);
    for (const name of identifiers) {
        const parts = splitIdentifier(name);
        for (const word of wordsOf(name))
            add(word, parts.length > 1 && parts.map(stem).includes(word) ? partWeight : identifierWeight, name);
    }
    addText(prose, 1, add);
    turnWeights.forEach((weight, turn) => addText(earlierTurns[turn] ?? "", weight, add));
    return [...words.values()];
}

function addText(text: string, weight: number, add: (word: string, weight: number, surface: string) => void): void {
    for (const [run] of text.matchAll(/[\p{L}\p{N}_$]+/gu)) {
        if (questionWords.has(run.toLowerCase())) continue;
        for (const word of wordsOf(run)) add(word, weight, run);
    }
}

/** Lines before the cursor that say what is being written; and how much less each earlier line counts. */
const nCompletionLines = 40;
const lineDecay = 0.95;

/** The words to search for when completing: those of the lines before the cursor, the nearest counting most. */
export function completionWords(textBeforeCursor: string): QueryWord[] {
    const words = new Map<string, QueryWord>();
    const lines = textBeforeCursor.slice(-8_000).split("\n").slice(-nCompletionLines).reverse();
    lines.forEach((line, distance) =>
        addText(line, lineDecay ** distance, (word, weight, surface) => {
            if (!words.has(word)) words.set(word, {word, weight, surface});
        }),
    );
    return [...words.values()];
}
