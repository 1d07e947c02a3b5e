/**
 * Ctrl-C and SIGTERM: the first one asks the running work to end, the second one ends the process. Nothing on disk needs
 * a last word: the store's files are whole or not there at any moment.
 */

export class Interrupt {
    #controller = new AbortController();

    /** Aborted by the first signal. */
    get signal(): AbortSignal {
        return this.#controller.signal;
    }

    /** @returns whether this was the first since the last reset */
    trigger(): boolean {
        if (this.#controller.signal.aborted) return false;
        this.#controller.abort();
        return true;
    }

    /** For a chat, where Ctrl-C ends an answer and not the program: later work gets a fresh signal. */
    reset(): void {
        if (this.#controller.signal.aborted) this.#controller = new AbortController();
    }
}

/** Exit code of a process that a second Ctrl-C ended: 128 + SIGINT. */
const exitCodeInterrupted = 130;

/** @returns a function that takes the handlers away */
export function listenForSignals(interrupt: Interrupt): () => void {
    const onSignal = (): void => {
        if (!interrupt.trigger()) process.exit(exitCodeInterrupted);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const name of signals) process.on(name, onSignal);
    return () => {
        for (const name of signals) process.off(name, onSignal);
    };
}
