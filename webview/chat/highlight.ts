/** Code with the classes of its syntax. Classes only: colours are the style sheet's, so no inline style is needed. */
import hljs from "highlight.js/lib/common";

/** Highlighting longer code would be felt in typing; it is shown plain. */
const maxChars = 60_000;
const maxCached = 200;
const cache = new Map<string, string>();

const aliases: Readonly<Record<string, string>> = {
    tsx: "typescript",
    jsx: "javascript",
    mts: "typescript",
    cts: "typescript",
    vue: "xml",
    svelte: "xml",
    jsonc: "json",
    console: "shell",
    patch: "diff",
};

/** HTML with every character of the code escaped; a language that is not known gives plain text. */
export function highlight(code: string, language: string): string {
    const name = aliases[language] ?? language;
    if (code.length > maxChars || hljs.getLanguage(name) === undefined) return escapeHtml(code);
    const key = `${name}\n${code}`;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const html = hljs.highlight(code, {language: name, ignoreIllegals: true}).value;
    if (cache.size >= maxCached) cache.delete(cache.keys().next().value ?? "");
    cache.set(key, html);
    return html;
}

/** What a person calls a language: "TypeScript"; the word itself when it is not known. */
export function languageName(language: string): string {
    return hljs.getLanguage(aliases[language] ?? language)?.name?.split(",")[0] ?? language;
}

export function escapeHtml(text: string): string {
    return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
