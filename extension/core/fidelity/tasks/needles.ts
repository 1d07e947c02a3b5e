/** Constants put into real files: a number that no model can know, under a name made of the file's own words. */
import {type Language, languageOf} from "../../choose/languages.js";
import {identifiersOf} from "../identifiers.js";
import {keywordsOf} from "../keywords.js";
import type {RepositoryFile} from "../make-pairs.js";
import type {Question} from "./questions.js";

/** How a language says that a name is a number. */
const forms: Record<Language, {before: string; between: string; behind: string}> = {
    javascript: {before: "const ", between: " = ", behind: ";"},
    python: {before: "", between: " = ", behind: "\n"},
    go: {before: "const ", between: " = ", behind: "\n"},
    rust: {before: "const ", between: ": u32 = ", behind: ";"},
    java: {before: "static final int ", between: " = ", behind: ";"},
    c: {before: "static const int ", between: " = ", behind: ";"},
    csharp: {before: "const int ", between: " = ", behind: ";"},
    ruby: {before: "", between: " = ", behind: "\n"},
    php: {before: "const ", between: " = ", behind: ";"},
    css: {before: "$", between: ": ", behind: ";"},
};

export interface Hidden {
    file: RepositoryFile;
    question: Question;
}

/**
 * The file with one constant more, on a line of its own between two paragraphs; undefined where it has none, or no word
 * for a name.
 * @param taken names that are not free any more; the new one is added
 */
export function hideConstant(file: RepositoryFile, random: () => number, taken: Set<string>): Hidden | undefined {
    const language = languageOf(file.path);
    const words = [...identifiersOf(file.text, keywordsOf(file.path)).keys()].filter((word) =>
        /^[A-Za-z]+$/.test(word),
    );
    // A blank line before something that is not indented: between two declarations.
    const places = [...file.text.matchAll(/\n\n(?=[A-Za-z/])/g)].map(({index}) => index + 2);
    if (language === undefined || words.length === 0 || places.length === 0) return undefined;
    const word = words[Math.floor(random() * words.length)]!;
    const name = `${word.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()}_LIMIT`;
    const place = places[Math.floor(random() * places.length)]!;
    const value = String(10_000 + Math.floor(random() * 90_000));
    if (taken.has(name) || file.text.includes(name)) return undefined;
    taken.add(name);
    const {before, between, behind} = forms[language];
    const line = `${before}${name}${between}${value}${behind}`.trimEnd();
    return {
        file: {...file, text: `${file.text.slice(0, place)}${line}\n\n${file.text.slice(place)}`},
        question: {
            task: "constant",
            path: file.path,
            prompt: `${before}${name}${between}`,
            answer: value,
            behind,
            others: [],
        },
    };
}
