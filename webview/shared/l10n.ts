/** Texts in the editor's language: English is the key, and what is missing stays English. */

let texts: Readonly<Record<string, string>> = {};

export function setTexts(next: Readonly<Record<string, string>>): void {
    texts = next;
}

/** `{0}`, `{1}` stand for the arguments. */
export function t(text: string, ...args: readonly (string | number)[]): string {
    const translated = Object.hasOwn(texts, text) ? (texts[text] as string) : text;
    return translated.replace(/\{(\d)\}/g, (place, index: string) => String(args[Number(index)] ?? place));
}
