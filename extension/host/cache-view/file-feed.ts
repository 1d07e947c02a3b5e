/**
 * Owns when the list of files is asked for again: soon after something changed, never more often than the list's own
 * cost allows, and not at all while nobody looks. Must not know the editor.
 */
import type {FileStatus} from "../../protocol/engine.js";

export interface FileFeedOptions {
    /** Asks the engine. */
    list: () => Promise<FileStatus[]>;
    /** Whether somebody looks and the engine can be asked without being woken. */
    isWanted: () => boolean;
    onList: (files: FileStatus[]) => void;
    onError: (error: unknown) => void;
    /** ms, monotonic. */
    now: () => number;
}

/** A list twice a second is live to the eye. */
const shortestPauseMs = 500;
/** Asking takes a tenth of the time at most, however many files there are. */
const pausePerWork = 9;

export class FileFeed {
    readonly #options: FileFeedOptions;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #isAsking = false;
    #isStale = false;
    /** When the list may be asked for again. */
    #notBefore = 0;

    constructor(options: FileFeedOptions) {
        this.#options = options;
    }

    /** Something may have changed. */
    refresh(): void {
        if (!this.#options.isWanted()) return;
        if (this.#isAsking) {
            this.#isStale = true;
            return;
        }
        this.#timer ??= setTimeout(() => void this.#ask(), Math.max(0, this.#notBefore - this.#options.now()));
    }

    dispose(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
    }

    async #ask(): Promise<void> {
        this.#timer = undefined;
        const {list, isWanted, onList, onError, now} = this.#options;
        if (!isWanted()) return;
        this.#isAsking = true;
        this.#isStale = false;
        const startedMs = now();
        try {
            onList(await list());
        } catch (error) {
            onError(error);
        } finally {
            const endedMs = now();
            this.#notBefore = endedMs + Math.max(shortestPauseMs, (endedMs - startedMs) * pausePerWork);
            this.#isAsking = false;
        }
        if (this.#isStale) this.refresh();
    }
}
