/** Owns what of the model's window a caller of VS Code's language models is promised. */
import {filePositions} from "../../core/layout/chat-layout.js";

/** As much as an answer ever needs; the rest is for what is said before it. */
const maxOutputTokens = 4096;

/** Tokens that messages may have, and the longest answer; files stand apart, in positions of their own. */
export function limitsOf(window: number): {maxInputTokens: number; maxOutputTokens: number} {
    const room = window - filePositions(window);
    const output = Math.min(maxOutputTokens, Math.floor(room / 4));
    return {maxInputTokens: room - output, maxOutputTokens: output};
}
