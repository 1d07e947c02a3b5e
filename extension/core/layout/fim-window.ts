/**
 * Owns how much of a file a completion's prompt holds before and after the cursor. The window moves in
 * steps: while a person types, the prompt begins at the same line, and what was computed of it stays good.
 */

export interface FimWindowLimits {
    /** At least this many lines before the cursor, where the file has them and the tokens allow. */
    linesBefore: number;
    linesAfter: number;
    /** The first line of the window is a multiple of this. */
    stepLines: number;
    /** Tokens of both sides together; three quarters of them go before the cursor, as in llama-server's /infill. */
    maxTokens: number;
}

// 256 lines before and 64 after, as llama.vscode; 2048 tokens are a quarter of the smallest window in use.
export const defaultFimWindow: FimWindowLimits = {linesBefore: 256, linesAfter: 64, stepLines: 64, maxTokens: 2048};

export interface FimWindow {
    textBefore: string;
    textAfter: string;
    /** UTF-16 offset in the file at which `textBefore` begins. */
    start: number;
}

/**
 * The text around an offset that goes into the prompt.
 * @param offset UTF-16 offset of the cursor in `text`
 * @param countTokens tokens of a text; an estimate on the high side will do
 */
export function fimWindow(
    text: string,
    offset: number,
    countTokens: (text: string) => number,
    limits: FimWindowLimits = defaultFimWindow,
): FimWindow {
    const budgetAfter = Math.floor(limits.maxTokens / 4);
    const textAfter = linesFrom(text, offset, limits.linesAfter, budgetAfter, countTokens);
    const start = windowStart(text, offset, limits, limits.maxTokens - budgetAfter, countTokens);
    return {textBefore: text.slice(start, offset), textAfter, start};
}

function windowStart(
    text: string,
    offset: number,
    {linesBefore, stepLines}: FimWindowLimits,
    maxTokens: number,
    countTokens: (text: string) => number,
): number {
    const lineStarts = [0];
    for (
        let newline = text.indexOf("\n");
        newline !== -1 && newline < offset;
        newline = text.indexOf("\n", newline + 1)
    )
        lineStarts.push(newline + 1);
    const cursorLine = lineStarts.length - 1;
    const first = Math.max(0, Math.floor((cursorLine - linesBefore) / stepLines) * stepLines);
    // Further steps while the text is too long; the last step is the cursor's own.
    for (let line = first; line <= cursorLine; line += stepLines) {
        const start = lineStarts[line]!;
        if (countTokens(text.slice(start, offset)) <= maxTokens) return start;
    }
    // Even one step is too long: half of what is there, and so on, from a line's start where there is one.
    let start = lineStarts[Math.floor(cursorLine / stepLines) * stepLines]!;
    while (start < offset && countTokens(text.slice(start, offset)) > maxTokens) {
        const middle = start + Math.ceil((offset - start) / 2);
        const lineStart = text.indexOf("\n", middle - 1) + 1;
        start = wholeCharacter(text, lineStart > 0 && lineStart < offset ? lineStart : middle);
    }
    return start;
}

/** Whole lines after the cursor, as many as allowed; of a first line that is too long, its beginning. */
function linesFrom(
    text: string,
    offset: number,
    nLines: number,
    maxTokens: number,
    countTokens: (text: string) => number,
): string {
    let end = offset;
    for (let line = 0; line < nLines && end < text.length; line++) {
        const newline = text.indexOf("\n", end);
        end = newline === -1 ? text.length : newline + 1;
    }
    while (end > offset && countTokens(text.slice(offset, end)) > maxTokens) {
        const middle = offset + Math.floor((end - offset) / 2);
        const lineEnd = text.lastIndexOf("\n", middle - 1) + 1;
        end = wholeCharacter(text, lineEnd > offset ? lineEnd : middle);
    }
    return text.slice(offset, end);
}

/** Not between the halves of a surrogate pair: one further back. */
function wholeCharacter(text: string, offset: number): number {
    const isInside = /[\uD800-\uDBFF]/.test(text[offset - 1] ?? "") && /[\uDC00-\uDFFF]/.test(text[offset] ?? "");
    return isInside ? offset - 1 : offset;
}
