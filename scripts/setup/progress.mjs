/** Lines that show what set-up is doing: one line that moves in a terminal, a line now and then in a log. */

/** In a log a step that goes on says so this often. */
const heartbeatMs = 10_000;

export class Progress {
    #stream;
    #isTerminal;
    /** @type {NodeJS.Timeout | undefined} */
    #timer;
    #title = "";
    #line = "";
    #startedMs = 0;

    /** @param {{write: (text: string) => unknown, isTTY?: boolean, columns?: number}} [stream] */
    constructor(stream = process.stderr) {
        this.#stream = stream;
        this.#isTerminal = stream.isTTY === true;
    }

    /** @param {string} title */
    start(title) {
        this.#title = title;
        this.#line = "";
        this.#startedMs = Date.now();
        if (!this.#isTerminal) this.#stream.write(`  … ${title}\n`);
        this.#timer = setInterval(() => this.#show(), this.#isTerminal ? 120 : heartbeatMs);
    }

    /** @param {string} line what the running program said last */
    report(line) {
        this.#line = line;
    }

    /** @param {string} detail */
    done(detail) {
        const seconds = ((Date.now() - this.#startedMs) / 1000).toFixed(1);
        this.#end(`  ✔ ${this.#title}: ${detail} (${seconds} s)`);
    }

    failed() {
        this.#end(`  ✘ ${this.#title}`);
    }

    #show() {
        const seconds = Math.round((Date.now() - this.#startedMs) / 1000);
        const text = `  … ${this.#title} (${seconds} s)${this.#line === "" ? "" : `: ${this.#line}`}`;
        if (!this.#isTerminal) this.#stream.write(`${text}\n`);
        else this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    }

    /** @param {string} line */
    #end(line) {
        clearInterval(this.#timer);
        this.#stream.write(`${this.#isTerminal ? "\r\x1b[K" : ""}${line}\n`);
    }
}
