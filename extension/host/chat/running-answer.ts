/** One answer while it comes: pieces that come close together are told together. Must not know where the turn is kept. */
import {type AnswerTurn} from "../../core/chat/conversation.js";
import type {AnswerReport, ReadProgress} from "../../protocol/engine.js";

/** Pieces that come within this time are told together. */
const pieceMs = 30;

/** Text, and reasoning, which the engine keeps apart. */
export interface AnswerPiece {
    text: string;
    thought: string;
}

export interface RunningParts {
    conversation: string;
    turn: string;
    /** The turn has grown by this. */
    onPiece(piece: AnswerPiece): void;
    /** What the page shall be told now. */
    onTell(piece: AnswerPiece): void;
    later(ms: number, run: () => void): () => void;
}

export class RunningAnswer {
    readonly conversation: string;
    readonly turn: string;
    readonly controller = new AbortController();
    progress: ReadProgress | undefined;
    readonly #parts: RunningParts;
    #untold: AnswerPiece = {text: "", thought: ""};
    #endTelling: (() => void) | undefined;

    constructor(parts: RunningParts) {
        this.#parts = parts;
        this.conversation = parts.conversation;
        this.turn = parts.turn;
    }

    add(piece: AnswerPiece): void {
        this.progress = undefined;
        this.#untold = {text: this.#untold.text + piece.text, thought: this.#untold.thought + piece.thought};
        this.#parts.onPiece(piece);
        this.#endTelling ??= this.#parts.later(pieceMs, () => this.flush());
    }

    /** Tells what was not told yet. */
    flush(): void {
        this.#endTelling?.();
        this.#endTelling = undefined;
        const untold = this.#untold;
        if (untold.text === "" && untold.thought === "") return;
        this.#untold = {text: "", thought: ""};
        this.#parts.onTell(untold);
    }
}

/** The turn with what the engine reports at its end. */
export function withReport(turn: AnswerTurn, report: AnswerReport, notes: readonly string[]): AnswerTurn {
    const {text, thought, calls: _calls, ...figures} = report;
    const {isPartial: _isPartial, ...rest} = turn;
    const isCut = report.stop === "cancelled";
    const allThought = thought ?? turn.thought ?? "";
    return {
        ...rest,
        // An engine that does not stream says all at the end.
        text: turn.text === "" ? text : turn.text,
        ...(allThought.trim() === "" ? {} : {thought: allThought}),
        attended: report.attended,
        leftOut: report.leftOut,
        report: {...figures, notes: [...report.notes, ...notes]},
        ...(isCut ? {isPartial: true} : {}),
    };
}
