/** Picks the pieces of files that a calibration reads: the beginnings of the longest files, in a fixed order. */
import type {KnownWorkspace} from "../workspace/known-workspace.js";

/** A piece shorter than this tells little about which rows are worth keeping. */
const minTokens = 128;

/**
 * @returns up to nPieces token sequences of at most nTokens each, or undefined when the workspace has less than
 * a third of the text that is wanted
 */
export function calibrationPiecesOf(
    workspace: KnownWorkspace,
    nPieces: number,
    nTokens: number,
): Uint32Array[] | undefined {
    const bySize = [...workspace.files.values()].sort(
        (a, b) => b.text.length - a.text.length || (a.path < b.path ? -1 : 1),
    );
    const pieces: Uint32Array[] = [];
    for (const {path} of bySize) {
        if (pieces.length === nPieces) break;
        const piece = workspace.parts(path)[0]?.tokens.subarray(0, nTokens);
        if (piece !== undefined && piece.length >= minTokens) pieces.push(piece);
    }
    const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return total * 3 >= nPieces * nTokens ? pieces : undefined;
}
