/**
 * Owns the brackets and quotes that an editor closes by itself: what a piece of text leaves open, and how much of that
 * the text behind it closes. It knows no language: comments are read like code
 * (../syntax/brackets.ts knows some).
 */

const closers: Readonly<Record<string, string>> = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"};
const quotes = new Set(['"', "'", "`"]);

/** Of the closing characters that `text` still owes those which `rest` brings, innermost first: `foo([` and `1], x` give `]`. */
export function closedBy(text: string, rest: string): string {
    const open: string[] = [];
    scan(text, open);
    const owed = closersOf(open);
    let fewest = open.length;
    scan(rest, open, () => (fewest = Math.min(fewest, open.length)));
    return owed.slice(0, owed.length - fewest);
}

/** Pushes what opens and pops what closes; inside quotes only the same quote counts. */
function scan(text: string, open: string[], onClose?: () => void): void {
    for (let at = 0; at < text.length; at++) {
        const char = text.charAt(at);
        const top = open.at(-1);
        if (top !== undefined && quotes.has(top)) {
            if (char === "\\") at++;
            // Outside templates a quote ends with its line: an apostrophe in a comment must not swallow the rest.
            else if (char === top || (char === "\n" && top !== "`")) {
                open.pop();
                onClose?.();
            }
        } else if (char in closers) open.push(char);
        else if (top !== undefined && closers[top] === char) {
            open.pop();
            onClose?.();
        }
    }
}

function closersOf(open: readonly string[]): string {
    return [...open]
        .reverse()
        .map((char) => closers[char] ?? "")
        .join("");
}
