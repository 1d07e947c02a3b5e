/**
 * One job on the device at a time, the most urgent first: completion over chat over reading over refining. A lower job
 * gives way between two batches (or two tokens) and goes on afterwards. Knows nothing of what the jobs do.
 */
import {cancelledError} from "./kv/kv-context.js";

export const priorities = ["complete", "ask", "read", "refine"] as const;
export type Priority = (typeof priorities)[number];

/** The right to use the device, for a while. */
export interface Turn {
    readonly priority: Priority;
    /** True while something more urgent waits. */
    readonly isAskedToYield: boolean;
    /** Lets what is more urgent run, and comes back when it is done. */
    yield(): Promise<void>;
    /** Told when something more urgent begins to wait: a generation stops at its next token. */
    onAsked?: (() => void) | undefined;
}

interface Waiter {
    rank: number;
    order: number;
    start: () => void;
}

export class Scheduler {
    #running: {rank: number; turn: Turn} | undefined;
    /** Jobs that have begun and gave way. */
    readonly #waiting: Waiter[] = [];
    #nextOrder = 0;
    readonly #onChange: (running: Priority | undefined) => void;

    constructor(onChange: (running: Priority | undefined) => void = () => {}) {
        this.#onChange = onChange;
    }

    get running(): Priority | undefined {
        return this.#running?.turn.priority;
    }

    /** Jobs that wait, those included that gave way. */
    get nWaiting(): number {
        return this.#waiting.length;
    }

    /**
     * Runs the work when its time has come.
     * @throws KvasirError `cancelled` when the signal fires before the work has begun; after that the work sees to it
     */
    async run<T>(priority: Priority, work: (turn: Turn) => Promise<T>, signal?: AbortSignal): Promise<T> {
        const rank = priorities.indexOf(priority);
        const turn = this.#turn(priority, rank);
        await this.#acquire(rank, turn, signal);
        try {
            return await work(turn);
        } finally {
            this.#release();
        }
    }

    #turn(priority: Priority, rank: number): Turn {
        const isAsked = () => this.#waiting.some((waiter) => waiter.rank < rank);
        const acquire = (turn: Turn) => this.#acquire(rank, turn, undefined, 0);
        const release = () => this.#release();
        return {
            priority,
            get isAskedToYield() {
                return isAsked();
            },
            async yield() {
                if (!isAsked()) return;
                // In line again before the device is free, and before its equals: it has begun already.
                const again = acquire(this);
                release();
                await again;
            },
        };
    }

    #acquire(rank: number, turn: Turn, signal: AbortSignal | undefined, order = ++this.#nextOrder): Promise<void> {
        if (signal?.aborted) return Promise.reject(cancelledError());
        return new Promise((resolve, reject) => {
            const waiter: Waiter = {
                rank,
                order,
                start: () => {
                    signal?.removeEventListener("abort", onAbort);
                    this.#running = {rank, turn};
                    this.#onChange(turn.priority);
                    resolve();
                },
            };
            const onAbort = () => {
                const at = this.#waiting.indexOf(waiter);
                if (at < 0) return;
                this.#waiting.splice(at, 1);
                reject(cancelledError());
            };
            signal?.addEventListener("abort", onAbort, {once: true});
            this.#waiting.push(waiter);
            this.#waiting.sort((a, b) => a.rank - b.rank || a.order - b.order);
            if (this.#running === undefined) this.#startNext();
            else if (this.#running.rank > rank) this.#running.turn.onAsked?.();
        });
    }

    #release(): void {
        this.#running = undefined;
        this.#startNext();
        if (this.#running === undefined) this.#onChange(undefined);
    }

    #startNext(): void {
        this.#waiting.shift()?.start();
    }
}
