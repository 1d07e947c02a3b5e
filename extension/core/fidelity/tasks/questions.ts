/**
 * Questions about a repository's files whose answers stand in them word for word, so that an answer is right or wrong
 * without a judge. What is asked comes from the files too: nobody's imagination is in it.
 */
import {scanDeclarations} from "../../choose/declarations.js";
import {type Language, languageOf} from "../../choose/languages.js";
import {identifiersOf} from "../identifiers.js";
import {keywordsOf} from "../keywords.js";
import type {RepositoryFile} from "../make-pairs.js";

export const taskNames = ["function", "parameters", "constant"] as const;

/**
 * `function`: its name, by the first paragraph of its comment (the name does not occur there).
 * `parameters`: those of a function, by its name.
 * `constant`: a number that was put into the file, by its name.
 */
export type TaskName = (typeof taskNames)[number];

export interface Question {
    task: TaskName;
    /** The file that holds the answer. */
    path: string;
    /** What is written up to the answer, and the answer. */
    prompt: string;
    answer: string;
    /** What must come behind the answer for it to be whole: its first character counts. */
    behind: string;
    /** Wrong answers to choose among: right ones of other questions of the task about the same files. */
    others: readonly string[];
}

/** A comment of fewer words tells a function from no other. */
const minWords = 5;
const maxDescription = 240;
/** Shorter lists are guessed, longer ones fail by their length alone. */
const parameterCharacters = {min: 8, max: 90};
const minNameCharacters = 4;

/** Questions about functions of a file. Whether another file has the same answer is asked by `unambiguous`. */
export function questionsOf({path, text}: Pick<RepositoryFile, "path" | "text">): Question[] {
    const lines = text.split("\n");
    return scanDeclarations(path, text).flatMap(({name, line}) => {
        const whole = lines[line - 1]!;
        const at = whole.indexOf(name);
        if (name.length < minNameCharacters || at < 0) return [];
        const before = whole.slice(0, at).trimStart();
        const behind = whole.slice(at + name.length);
        if (!isFunction(before, behind)) return [];
        const found: Question[] = [];
        const description = descriptionAbove(lines, line - 1);
        if (description !== undefined && !description.toLowerCase().includes(name.toLowerCase()))
            found.push({
                task: "function",
                path,
                prompt: `${commented(path, description)}\n${before}`,
                answer: name,
                behind: behind.slice(0, 1),
                others: [],
            });
        const parameters = parametersIn(behind);
        if (parameters !== undefined && identifiersOf(parameters, keywordsOf(path)).size > 0)
            found.push({
                task: "parameters",
                path,
                prompt: `${before}${name}`,
                answer: parameters,
                behind: "",
                others: [],
            });
        return found;
    });
}

function isFunction(before: string, behind: string): boolean {
    return (
        /\b(?:function|fn|func|fun|def)\b/.test(before) ||
        /^\s*(?:<[^>]*>)?\(/.test(behind) ||
        /^[^=]*=\s*(?:async\s*)?(?:function\b|(?:<[^>]*>)?\()/.test(behind)
    );
}

/** `(a: string, b = f(1))` at the beginning of a text, type parameters before it included; all in one line. */
function parametersIn(text: string): string | undefined {
    if (!/^(?:<[^()\n]*>)?\(/.test(text)) return undefined;
    let depth = 0;
    for (let i = text.indexOf("("); i < text.length; i++) {
        if (text[i] === "(") depth++;
        if (text[i] === ")") depth--;
        if (depth > 0) continue;
        const {min, max} = parameterCharacters;
        return i + 1 >= min && i + 1 <= max ? text.slice(0, i + 1) : undefined;
    }
    return undefined;
}

/** The first paragraph of the comment that ends on the line before `line` (0-based), without marks and tags. */
function descriptionAbove(lines: readonly string[], line: number): string | undefined {
    const last = lines[line - 1]?.trim() ?? "";
    let first = line - 1;
    if (last.endsWith("*/")) while (first > 0 && !lines[first]!.includes("/*")) first--;
    else if (/^(?:\/\/|#(?!\[))/.test(last)) while (first > 0 && /^(?:\/\/|#)/.test(lines[first - 1]!.trim())) first--;
    else return undefined;
    const paragraph: string[] = [];
    for (const raw of lines.slice(first, line)) {
        const text = raw
            .trim()
            .replace(/^(?:\/\*+|\*+\/|\*|\/{2,}!?|#+)\s?/, "")
            .replace(/\s*\*+\/$/, "")
            .replace(/\{@link\s+([^}|\s]+)[^}]*\}/g, "$1")
            .trim();
        if (text === "" && paragraph.length > 0) break;
        if (/^[@`<]/.test(text)) break;
        if (text !== "") paragraph.push(text);
    }
    const words = paragraph.join(" ").replaceAll("*/", "");
    const end = words.length <= maxDescription ? words.length : words.lastIndexOf(" ", maxDescription);
    const description = words.slice(0, end);
    return description.split(/\s+/).length < minWords ? undefined : description;
}

/** How languages write a comment before a function; those that are not named write it as C does. */
const lineComment: Partial<Record<Language, string>> = {go: "//", rust: "///", python: "#", ruby: "#"};

function commented(path: string, text: string): string {
    const mark = lineComment[languageOf(path) ?? "c"];
    return mark === undefined ? `/** ${text} */` : `${mark} ${text}`;
}

/** Questions that have one answer in these files: the prompt's last line, and a description, occur there once. */
export function unambiguous(
    questions: readonly Question[],
    files: readonly Pick<RepositoryFile, "text">[],
): Question[] {
    const prompts = new Map<string, number>();
    for (const {prompt} of questions) prompts.set(prompt, (prompts.get(prompt) ?? 0) + 1);
    return questions.filter(({task, prompt, answer}) => {
        if (prompts.get(prompt)! > 1) return false;
        if (task !== "parameters") return true;
        // Of an overloaded function nobody knows which line is meant.
        const declared = files.reduce((sum, {text}) => sum + text.split(`${prompt}${answer[0]!}`).length - 1, 0);
        return declared === 1;
    });
}
