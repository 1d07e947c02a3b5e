/** Text as markup. Everything that comes from files or models goes through here. */

const escapes: Record<string, string> = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"};

export function escaped(text: string): string {
    return text.replace(/[&<>"']/g, (character) => escapes[character]!);
}

/** `25 %`, `6.25 %`. */
export function percent(share: number): string {
    return `${Number((100 * share).toFixed(2))} %`;
}

/** Coordinates need no more than a tenth of a pixel. */
export function px(value: number): string {
    return String(Math.round(value * 10) / 10);
}

/** Two decimals, with a true minus sign; what rounds to nothing has no sign. */
export function twoDecimals(value: number): string {
    return value
        .toFixed(2)
        .replace(/^-(?=0\.00$)/, "")
        .replace("-", "\u2212");
}
