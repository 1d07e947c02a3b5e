/** Where in a text each of its tokens begins, when a tokenizer can only turn tokens back into text. */

/** A character is at most four bytes, and a byte at most one token; some tokenizers add marks around it. */
const maxTokensOfCharacter = 12;

/**
 * UTF-16 offset of the first character of each token. Tokens that hold parts of one character only get that
 * character's offset, as a group.
 *
 * @param textOf text of the tokens [from, to), in the place where they stand
 * @returns undefined when the tokens' texts are not the text (a tokenizer that normalises)
 */
export function tokenPlaces(
    text: string,
    nTokens: number,
    textOf: (from: number, to: number) => string,
): Uint32Array | undefined {
    const starts = new Uint32Array(nTokens);
    let offset = 0;
    for (let from = 0; from < nTokens;) {
        let to = from + 1;
        let piece = textOf(from, to);
        while (!isWhole(piece, text, offset)) {
            if (to === nTokens || to - from === maxTokensOfCharacter) return undefined;
            to++;
            piece = textOf(from, to);
        }
        starts.fill(offset, from, to);
        offset += piece.length;
        from = to;
    }
    return offset === text.length ? starts : undefined;
}

/** The piece stands at the offset. A replacement character is a broken one unless the text has it, too. */
function isWhole(piece: string, text: string, offset: number): boolean {
    return piece !== "" && text.startsWith(piece, offset);
}
