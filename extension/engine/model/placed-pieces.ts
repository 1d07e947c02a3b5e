/**
 * Owns pieces of a prompt that node-llama-cpp's templates must carry as they are: marks stand for them while it renders, and
 * give way to them afterwards. So what a tool said is not spelled as JSON, and can hold no special token.
 */
import type * as library from "node-llama-cpp";
import type {LlamaText} from "node-llama-cpp";

export type Piece = LlamaText["values"][number];
export type PlacedPieces = ReadonlyMap<string, Piece>;

/** A text that nobody types. */
export function markOf(name: string): string {
    return `\u{F8FE}${name}\u{F8FF}`;
}

/** Quotes around a mark are those that a template's JSON has put there. */
const anyMark = /(?:\\*")*(\u{F8FE}[^\u{F8FF}]*\u{F8FF})(?:\\*")*/u;

export function withPlaced(
    {LlamaText, SpecialTokensText}: typeof library,
    {values}: LlamaText,
    placed: PlacedPieces,
): LlamaText {
    return LlamaText(
        values.flatMap((piece): Piece[] => {
            const text =
                typeof piece === "string" ? piece : piece instanceof SpecialTokensText ? piece.value : undefined;
            if (text === undefined || !anyMark.test(text)) return [piece];
            const again = (part: string) => (typeof piece === "string" ? part : new SpecialTokensText(part));
            // Split by a group: every second part is a mark.
            return text
                .split(anyMark)
                .map((part, i) => (i % 2 === 0 ? again(part) : (placed.get(part) ?? again(part))));
        }),
    );
}
