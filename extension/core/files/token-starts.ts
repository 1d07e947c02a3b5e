/**
 * Owns the way from a tokenizer's output to the offsets that split.ts cuts by. Tokens of byte-level
 * vocabularies may begin inside a character; such a token counts from the character's start.
 */

/**
 * Offsets from the byte length of every token, exact when the tokens' bytes, joined, are the text.
 * @param byteLengths bytes of each token's piece, in order
 * @param nLeadingBytes bytes that the tokenizer put before the text (a SentencePiece vocabulary may add a space)
 * @returns UTF-16 offset of the first character of each token
 * @throws RangeError when the bytes of the tokens do not add up to those of the text
 */
export function tokenStartsFromBytes(text: string, byteLengths: ArrayLike<number>, nLeadingBytes = 0): Uint32Array {
    const starts = new Uint32Array(byteLengths.length);
    let tokenByte = -nLeadingBytes;
    let characterByte = 0;
    let offset = 0;
    for (let token = 0; token < starts.length; token++) {
        while (offset < text.length) {
            const nBytes = utf8Length(text.codePointAt(offset)!);
            if (characterByte + nBytes > tokenByte) break;
            characterByte += nBytes;
            offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
        }
        starts[token] = offset;
        tokenByte += byteLengths[token]!;
    }
    for (; offset < text.length; offset += text.codePointAt(offset)! > 0xffff ? 2 : 1)
        characterByte += utf8Length(text.codePointAt(offset)!);
    if (tokenByte !== characterByte)
        throw new RangeError(`the tokens have ${tokenByte} bytes, the text has ${characterByte}`);
    return starts;
}

/**
 * Offsets when a tokenizer only counts: each line is counted alone and its tokens are spread evenly over
 * it. Line starts, where parts are cut, get the sum of the lines before them, which is at most a few
 * tokens off (tokens that join two lines).
 */
export function tokenStartsByLine(text: string, countTokens: (line: string) => number): Uint32Array {
    const starts: number[] = [];
    for (let lineStart = 0; lineStart < text.length;) {
        const newline = text.indexOf("\n", lineStart);
        const lineEnd = newline === -1 ? text.length : newline + 1;
        const nTokens = countTokens(text.slice(lineStart, lineEnd));
        for (let token = 0; token < nTokens; token++)
            starts.push(lineStart + Math.floor(((lineEnd - lineStart) * token) / nTokens));
        lineStart = lineEnd;
    }
    return Uint32Array.from(starts);
}

/** A lone surrogate is encoded as U+FFFD, three bytes. */
function utf8Length(codePoint: number): number {
    if (codePoint < 0x80) return 1;
    if (codePoint < 0x800) return 2;
    return codePoint < 0x10000 ? 3 : 4;
}
