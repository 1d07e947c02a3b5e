/**
 * Owns where a long file is cut into parts that are read one by one. A part ends where a reader would
 * pause, and where it ends depends only on the text up to there: so editing the end of a file leaves the
 * earlier parts, and what was read of them, as they are. Must not know a tokenizer: it is given offsets.
 */

/** One part of a file. The parts of a file, joined, are the file. */
export interface FilePart {
    /** 1-based, inclusive. */
    startLine: number;
    /** 1-based, inclusive: the line that holds the part's last character. */
    endLine: number;
    /** UTF-16 offset of the first character. */
    start: number;
    /** UTF-16 offset behind the last character. */
    end: number;
    /** Tokens of the whole file's tokens that begin in the part. */
    nTokens: number;
}

export interface SplitOptions {
    /**
     * No part holds more tokens than this. A part tokenised alone can differ by a few tokens from its share
     * of the whole file's tokens, and gets a header: leave room for both.
     */
    maxTokens: number;
    /** A good place to cut is looked for in the last share of the part. */
    searchShare?: number;
}

/** Kinds of places to cut, the better the larger. */
const enum Place {
    insideLine = 0,
    line = 1,
    blankLine = 2,
    declaration = 3,
}

/**
 * Cuts a text into parts of at most `maxTokens` tokens: at a blank line before a top-level declaration,
 * else at any blank line, else at a line, else (a line longer than a part) between two tokens.
 * @param text the whole file
 * @param tokenStarts UTF-16 offset of the first character of each token, ascending; several tokens may share an offset
 * @throws RangeError when maxTokens is not a positive integer
 */
export function splitFile(
    text: string,
    tokenStarts: ArrayLike<number>,
    {maxTokens, searchShare = 0.5}: SplitOptions,
): FilePart[] {
    if (!Number.isInteger(maxTokens) || maxTokens < 1)
        throw new RangeError(`maxTokens must be a positive integer, got ${maxTokens}`);
    const parts: FilePart[] = [];
    let firstToken = 0;
    let startLine = 1;
    for (let start = 0; start < text.length;) {
        const end = partEnd(text, tokenStarts, start, firstToken, maxTokens, searchShare);
        const nextToken = lowerBound(tokenStarts, end, firstToken);
        const nLineEnds = countLineEnds(text, start, end);
        const endsWithLineEnd = text.charCodeAt(end - 1) === newline;
        parts.push({
            startLine,
            endLine: startLine + nLineEnds - (endsWithLineEnd ? 1 : 0),
            start,
            end,
            nTokens: nextToken - firstToken,
        });
        startLine += nLineEnds;
        start = end;
        firstToken = nextToken;
    }
    return parts;
}

/** Where the part that begins at `start` ends. */
function partEnd(
    text: string,
    tokenStarts: ArrayLike<number>,
    start: number,
    firstToken: number,
    maxTokens: number,
    searchShare: number,
): number {
    if (tokenStarts.length - firstToken <= maxTokens) return text.length;
    // The first token that no longer fits begins here; so the part may reach up to this offset, and no further.
    const limit = tokenStarts[firstToken + maxTokens]!;
    const earliest = tokenStarts[firstToken + Math.floor(maxTokens * (1 - searchShare))] ?? start;
    const best =
        bestLineStart(text, Math.max(earliest, start + 1), limit) ?? bestLineStart(text, start + 1, limit, Place.line);
    if (best !== undefined) return best;
    return betweenCharacters(text, start, limit, tokenStarts, firstToken + maxTokens);
}

/** The last line start of the best kind in [from, to], or undefined when no line starts there. */
function bestLineStart(text: string, from: number, to: number, enough: Place = Place.declaration): number | undefined {
    let best: number | undefined;
    let bestPlace = Place.insideLine;
    for (let lineStart = to; ;) {
        const lineEnd = lineStart === 0 ? -1 : text.lastIndexOf("\n", lineStart - 1);
        lineStart = lineEnd + 1;
        if (lineEnd === -1 || lineStart < from) return best;
        const place = placeAt(text, lineStart);
        if (place > bestPlace) {
            best = lineStart;
            bestPlace = place;
            if (bestPlace >= enough) return best;
        }
        lineStart = lineEnd;
    }
}

/** What kind of place the start of a line is. Only the line before and the first character of this line are looked at. */
function placeAt(text: string, lineStart: number): Place {
    const first = text[lineStart];
    // A blank line belongs to the part before it, so that every part begins with something.
    if (first === undefined || first === "\n" || first === "\r") return Place.line;
    const lineBefore = text.slice(text.lastIndexOf("\n", lineStart - 2) + 1, lineStart - 1);
    if (lineBefore.trim() !== "") return Place.line;
    const isDeclaration = first !== " " && first !== "\t" && !")]}".includes(first);
    return isDeclaration ? Place.declaration : Place.blankLine;
}

/** No line fits: cut before the token that no longer fits, but never inside a character. */
function betweenCharacters(
    text: string,
    start: number,
    limit: number,
    tokenStarts: ArrayLike<number>,
    token: number,
): number {
    let end = limit;
    while (end > start && isInsidePair(text, end)) {
        token -= 1;
        end = token >= 0 ? tokenStarts[token]! : start;
    }
    // One character of more tokens than a part may hold: it goes in whole, or the cut would never move on.
    return end > start ? end : start + (isInsidePair(text, start + 1) ? 2 : 1);
}

function isInsidePair(text: string, offset: number): boolean {
    const before = text.charCodeAt(offset - 1);
    const after = text.charCodeAt(offset);
    return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}

const newline = 10;

function countLineEnds(text: string, start: number, end: number): number {
    let n = 0;
    for (let at = text.indexOf("\n", start); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) n += 1;
    return n;
}

/** Index of the first token that begins at or behind an offset. */
function lowerBound(tokenStarts: ArrayLike<number>, offset: number, from: number): number {
    let low = from;
    let high = tokenStarts.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (tokenStarts[middle]! < offset) low = middle + 1;
        else high = middle;
    }
    return low;
}
