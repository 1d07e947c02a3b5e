/**
 * Owns the way from what a model wrote to what is shown at the cursor: cut where the thought ends, without
 * what stands behind the cursor already, without repetition. Must not know a model or an editor.
 */
import {cutCompletion, defaultMaxLines} from "./completion-cut.js";
import {type Cursor, cursorPlace, type CursorPlace, indentOf, type MultiLine, opensBlock} from "./completion-place.js";

export interface CompletionOptions {
    multiLine?: MultiLine;
    maxLines?: number;
    /** FimPrompt.heldBack: blanks before the cursor that the model was left to write again. */
    heldBack?: string;
    /** FimPrompt.stopTexts. */
    stopTexts?: readonly string[];
}

/** One completion while it is written. Everything about its place is computed once. */
export class CompletionText {
    readonly #cursor: Cursor;
    readonly #place: CursorPlace;
    readonly #options: CompletionOptions;

    constructor(cursor: Cursor, options: CompletionOptions = {}) {
        this.#cursor = cursor;
        this.#options = options;
        this.#place = cursorPlace(cursor, options.multiLine);
    }

    /**
     * Whether what the model has written so far settles the completion: nothing it could add would be shown.
     * @param raw all of it so far
     */
    isDone(raw: string): boolean {
        const {text, isStopped} = this.#start(raw);
        if (isStopped) return true;
        const cut = cutCompletion(text, this.#place, this.#options.maxLines ?? defaultMaxLines);
        if (cut.isFinal) return true;
        const lines = text.split("\n").slice(0, -1);
        return withoutLoop(lines).length < lines.length;
    }

    /** What is shown; `""` when nothing of it is worth showing. */
    finish(raw: string): string {
        const {text} = this.#start(raw);
        const place = this.#place;
        const {end, isAtCloser} = cutCompletion(text, place, this.#options.maxLines ?? defaultMaxLines);
        let shown = text.slice(0, end);
        shown = this.#withoutEcho(shown);
        shown = withoutLoop(shown.split("\n")).join("\n");
        // `{|}`: the line feed before the closer that stands there already belongs to the completion.
        const keepsEnd = isAtCloser && shown.length === end && /\n[ \t]*$/.test(shown) && place.lineAfter.trim() !== "";
        if (!keepsEnd) shown = withoutOverlap(shown.trimEnd(), this.#cursor.textAfter);
        return shown.trim() === "" ? "" : shown;
    }

    /** Without what the prompt held back, up to the first stop text, and with the indentation that the cursor already has left out. */
    #start(raw: string): {text: string; isStopped: boolean} {
        const {heldBack = "", stopTexts = []} = this.#options;
        let text = raw.startsWith(heldBack)
            ? raw.slice(heldBack.length)
            : heldBack === ""
              ? raw
              : raw.replace(/^[ \t]+/, "");
        const stops = stopTexts.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
        if (stops.length > 0) text = text.slice(0, Math.min(...stops));
        const {lineBefore, lineAbove, syntax} = this.#place;
        if (lineBefore.trim() === "" && lineBefore !== "") {
            const written = /^[ \t]*/.exec(text)![0];
            const wanted = indentOf(lineAbove) + (opensBlock(lineAbove, syntax) ? 4 : 0);
            const extra = Math.max(0, wanted - indentOf(lineBefore));
            text = written.slice(0, Math.min(written.length, extra)) + text.slice(written.length);
        }
        return {text, isStopped: stops.length > 0};
    }

    /** Up to the line that stands behind the cursor already, or `""` when the first line only says again what is above or below. */
    #withoutEcho(text: string): string {
        const lines = text.split("\n");
        const below =
            this.#cursor.textAfter
                .slice(this.#place.lineAfter.length)
                .split("\n")
                .map((line) => line.trim())
                .find((line) => line !== "") ?? "";
        const isFullLine = this.#place.lineBefore.trim() === "" && this.#place.lineAfter.trim() === "";
        const [first = ""] = lines;
        if (isFullLine && isTelling(first) && (first.trim() === below || first.trim() === this.#place.lineAbove.trim()))
            return "";
        const echo = lines.findIndex((line, i) => i > 0 && isTelling(line) && line.trim() === below);
        return echo === -1 ? text : lines.slice(0, echo).join("\n");
    }
}

/** A line that two places hardly share by chance: not a lone bracket or keyword. */
function isTelling(line: string): boolean {
    return line.trim().length >= 6;
}

/** How often lines may repeat: data has three equal rows, hardly a fourth that matters at the cursor. */
const maxRepeats = 3;
const maxPeriod = 4;

/** Lines up to where a group of one to four lines stands for the third time, or the fourth for a single line. */
function withoutLoop(lines: readonly string[]): string[] {
    const trimmed = lines.map((line) => line.trim());
    for (let end = 2; end <= lines.length; end++) {
        for (let period = 1; period <= maxPeriod; period++) {
            const nRepeats = period === 1 ? maxRepeats : maxRepeats - 1;
            const start = end - period * (nRepeats + 1);
            if (start < 0) break;
            const group = trimmed.slice(end - period, end);
            if (group.every((line) => line.length < 2)) continue;
            const isLoop = Array.from({length: nRepeats}, (_, i) => end - period * (i + 2)).every((from) =>
                group.every((line, i) => trimmed[from + i] === line),
            );
            // What came before the loop, and the group once.
            if (isLoop) return lines.slice(0, start + period);
        }
    }
    return [...lines];
}

/** Without the end that the text behind the cursor begins with: `a, b)` before `)`, `name: string` before `: string`. */
function withoutOverlap(text: string, textAfter: string): string {
    const most = Math.min(text.length, textAfter.length, 400);
    for (let length = most; length > 0; length--) {
        const overlap = textAfter.slice(0, length);
        if (!text.endsWith(overlap) || overlap.trim() === "") continue;
        // In the middle of a word a few equal letters are chance: `for` before `r`.
        const isInsideWord = /\w$/.test(text.slice(0, text.length - length)) && /^\w/.test(overlap);
        if (isInsideWord && overlap.trim().length < 6) continue;
        return text.slice(0, text.length - length);
    }
    return text;
}
