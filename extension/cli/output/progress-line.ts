/**
 * Owns the line on standard error that says what is being done: one that moves in a terminal, a line now and then
 * elsewhere (a log, a pipe). Quick work says nothing.
 */
import ora, {type Ora} from "ora";
import type {ReadProgress} from "../../protocol/engine.js";
import {formatCount, formatMs} from "./units.js";
import type {Terminal} from "./terminal.js";

/** Work that ends sooner shows nothing in a log. */
const firstLineAfterMs = 3000;
const nextLineAfterMs = 10_000;

export class ProgressLine {
    readonly #terminal: Terminal;
    #spinner: Ora | undefined;
    #nextLineAtMs: number;

    constructor(terminal: Terminal) {
        this.#terminal = terminal;
        this.#nextLineAtMs = Date.now() + firstLineAfterMs;
    }

    /** What is being done now; may be called as often as one likes. */
    show(text: string): void {
        if (!this.#terminal.isErrLive) {
            if (Date.now() < this.#nextLineAtMs) return;
            this.#nextLineAtMs = Date.now() + nextLineAfterMs;
            this.#terminal.stderr.write(`${text}\n`);
            return;
        }
        this.#spinner ??= ora({
            stream: this.#terminal.stderr as NodeJS.WritableStream,
            // Standard input is the chat's, and Ctrl-C must arrive as a signal.
            discardStdin: false,
            isEnabled: true,
        }).start();
        const width = this.#terminal.errColumns;
        this.#spinner.text = [...text].slice(0, width - 3).join("");
    }

    showRead = (progress: ReadProgress): void => {
        this.show(readProgressText(progress));
    };

    showShare(what: string, share: number): void {
        this.show(`${what} ${Math.floor(100 * share)} %`);
    }

    /** Takes the line away. Must be called before anything else is written. */
    clear(): void {
        this.#spinner?.stop();
        this.#spinner = undefined;
    }
}

/** `reading 3/12 files, 4.1k of 20.3k tokens, 52.0 s left: src/a.ts` */
export function readProgressText({
    filesDone,
    filesTotal,
    tokensDone,
    tokensTotal,
    path,
    isRefining,
    secondsLeft,
    measuredShare,
}: ReadProgress): string {
    if (measuredShare !== undefined) return `measuring the head profile ${Math.floor(measuredShare * 100)} %`;
    const left = secondsLeft === undefined || secondsLeft < 1 ? "" : `, ${formatMs(secondsLeft * 1000)} left`;
    const now = path === undefined ? "" : `: ${path}`;
    const doing = isRefining ? "refining" : "reading";
    return `${doing} ${filesDone}/${filesTotal} files, ${formatCount(tokensDone)} of ${formatCount(tokensTotal)} tokens${left}${now}`;
}
