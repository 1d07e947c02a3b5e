/**
 * One answer while it comes: its reasoning is taken out, pieces that come close together are told together. Must not know
 * where the turn is kept.
 */
import {type AnswerTurn} from "../../core/chat/conversation.js";
import {splitThought, ThoughtSplitter, type ThoughtPiece} from "../../core/chat/thought.js";
import type {AnswerReport, ReadProgress} from "../../protocol/engine.js";

/** Pieces that come within this time are told together. */
const pieceMs = 30;

export interface RunningParts {
    conversation: string;
    turn: string;
    /** The turn has grown by this. */
    onPiece(piece: ThoughtPiece): void;
    /** What the page shall be told now. */
    onTell(piece: ThoughtPiece): void;
    later(ms: number, run: () => void): () => void;
}

export class RunningAnswer {
    readonly conversation: string;
    readonly turn: string;
    readonly controller = new AbortController();
    progress: ReadProgress | undefined;
    readonly #parts: RunningParts;
    readonly #splitter = new ThoughtSplitter();
    #untold: ThoughtPiece = {text: "", thought: ""};
    #endTelling: (() => void) | undefined;

    constructor(parts: RunningParts) {
        this.#parts = parts;
        this.conversation = parts.conversation;
        this.turn = parts.turn;
    }

    text(piece: string): void {
        this.#add(this.#splitter.push(piece));
    }

    thought(piece: string): void {
        this.#add({text: "", thought: piece});
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

    /** No more pieces come. */
    end(): void {
        this.#add(this.#splitter.end());
        this.flush();
    }

    #add(piece: ThoughtPiece): void {
        if (piece.text === "" && piece.thought === "") return;
        this.progress = undefined;
        this.#untold = {text: this.#untold.text + piece.text, thought: this.#untold.thought + piece.thought};
        this.#parts.onPiece(piece);
        this.#endTelling ??= this.#parts.later(pieceMs, () => this.flush());
    }
}

/** The turn with what the engine reports at its end. */
export function withReport(turn: AnswerTurn, report: AnswerReport, notes: readonly string[]): AnswerTurn {
    const {text, thought, ...figures} = report;
    const {isPartial: _isPartial, ...rest} = turn;
    const isCut = report.stop === "cancelled";
    const whole = splitThought(text);
    const allThought = thought ?? turn.thought ?? whole.thought;
    return {
        ...rest,
        // An engine that does not stream says all at the end.
        text: turn.text === "" ? whole.text : turn.text,
        ...(allThought.trim() === "" ? {} : {thought: allThought}),
        attended: report.attended,
        leftOut: report.leftOut,
        report: {...figures, notes: [...report.notes, ...notes]},
        ...(isCut ? {isPartial: true} : {}),
    };
}
