/**
 * One job on the device at a time, the most urgent first: completion over chat over reading over refining. A lower job
 * gives way between two batches (or two tokens) and goes on afterwards. Among equals the client comes first who has had
 * to wait longest, so that a window with many jobs does not keep the others waiting. Knows nothing of what the jobs do.
 */
import {busy} from "../protocol/errors.js";
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
    /** Lets equally urgent jobs of other clients run too: at places where a job has nothing half done. */
    share(): Promise<void>;
    /** Told when something more urgent begins to wait: a generation stops at its next token. */
    onAsked?: (() => void) | undefined;
}

interface Waiter {
    rank: number;
    client: string;
    order: number;
    start: () => void;
}

export interface JobOptions {
    signal?: AbortSignal | undefined;
    /** Whose job it is: jobs of one client take turns with those of others. */
    client?: string;
}

/** More than this is no use to anybody: who asks then is told so at once. */
const maxWaiting = 512;
/** Clients whose last turn is remembered; one that is forgotten comes first. */
const maxRemembered = 256;

/** Order of a job that gave way and goes on. */
const begun = 0;

export class Scheduler {
    #running: {rank: number; client: string; turn: Turn} | undefined;
    /** When each client's last turn began, as an order number. */
    readonly #lastTurns = new Map<string, number>();
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
     * @throws KvasirError `busy` when too many wait already; `cancelled` when the signal fires before the work has begun; after that the work sees to it
     */
    async run<T>(
        priority: Priority,
        work: (turn: Turn) => Promise<T>,
        {signal, client = ""}: JobOptions = {},
    ): Promise<T> {
        if (this.#waiting.length >= maxWaiting) throw busy("the engine");
        const rank = priorities.indexOf(priority);
        const turn = this.#turn(priority, rank, client);
        await this.#acquire(rank, client, turn, signal);
        try {
            return await work(turn);
        } finally {
            this.#release();
        }
    }

    #turn(priority: Priority, rank: number, client: string): Turn {
        const isAsked = () => this.#waiting.some((waiter) => waiter.rank < rank);
        const isShared = () => this.#waiting.some((one) => one.rank === rank && one.client !== client);
        const acquire = (turn: Turn, order?: number) => this.#acquire(rank, client, turn, undefined, order);
        const release = () => this.#release();
        return {
            priority,
            get isAskedToYield() {
                return isAsked();
            },
            async yield() {
                if (!isAsked()) return;
                // In line again before the device is free, and before its equals: it has begun already.
                const again = acquire(this, begun);
                release();
                await again;
            },
            async share() {
                if (!isAsked() && !isShared()) return;
                const again = acquire(this);
                release();
                await again;
            },
        };
    }

    #acquire(
        rank: number,
        client: string,
        turn: Turn,
        signal: AbortSignal | undefined,
        order = ++this.#nextOrder,
    ): Promise<void> {
        if (signal?.aborted) return Promise.reject(cancelledError());
        return new Promise((resolve, reject) => {
            const waiter: Waiter = {
                rank,
                client,
                order,
                start: () => {
                    signal?.removeEventListener("abort", onAbort);
                    this.#running = {rank, client, turn};
                    this.#rememberTurn(client);
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
        const next = this.#waiting.reduce<Waiter | undefined>(
            (best, waiter) => (best === undefined || this.#comesBefore(waiter, best) ? waiter : best),
            undefined,
        );
        if (next === undefined) return;
        this.#waiting.splice(this.#waiting.indexOf(next), 1);
        next.start();
    }

    #comesBefore(a: Waiter, b: Waiter): boolean {
        if (a.rank !== b.rank) return a.rank < b.rank;
        // What has begun holds memory: it is finished first.
        if ((a.order === begun) !== (b.order === begun)) return a.order === begun;
        const [lastA, lastB] = [this.#lastTurns.get(a.client) ?? 0, this.#lastTurns.get(b.client) ?? 0];
        return lastA !== lastB ? lastA < lastB : a.order < b.order;
    }

    #rememberTurn(client: string): void {
        this.#lastTurns.delete(client);
        this.#lastTurns.set(client, ++this.#nextOrder);
        for (const oldest of this.#lastTurns.keys()) {
            if (this.#lastTurns.size <= maxRemembered) break;
            this.#lastTurns.delete(oldest);
        }
    }
}
