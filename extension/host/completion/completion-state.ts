/**
 * Owns what the completions' status item shows and what the provider obeys: snoozed or not, busy or not, the last
 * failure, why nothing is offered at the cursor, and the counts, which are kept on this machine only.
 */
import * as vscode from "vscode";
import type {WhyNot} from "../../core/completion/eligibility.js";
import {isSnoozed} from "../../core/completion/snooze.js";
import {
    startingFrom,
    type SuggestionEvent,
    type Tally,
    tallied,
    tallyFrom,
    type TallyState,
} from "../../core/completion/tally.js";
import type {KvasirError} from "../../protocol/errors.js";

export interface CompletionStatus {
    isBusy: boolean;
    /** Epoch ms. */
    snoozedUntilMs: number | undefined;
    error: KvasirError | undefined;
    whyNot: WhyNot | undefined;
}

const tallyKey = "kvasir.completion.tally";
/** Counts are written a while after the last event: typing must not cause a write per key. */
const writeAfterMs = 5000;

export class CompletionState implements vscode.Disposable {
    readonly #kept: vscode.Memento;
    readonly #changed = new vscode.EventEmitter<void>();
    readonly onDidChange = this.#changed.event;
    #status: CompletionStatus = {isBusy: false, snoozedUntilMs: undefined, error: undefined, whyNot: undefined};
    #tally: TallyState;
    #writeTimer: ReturnType<typeof setTimeout> | undefined;
    #snoozeTimer: ReturnType<typeof setTimeout> | undefined;

    constructor(kept: vscode.Memento) {
        this.#kept = kept;
        this.#tally = startingFrom(tallyFrom(kept.get(tallyKey), Date.now()));
    }

    get status(): CompletionStatus {
        return this.#status;
    }

    get tally(): Tally {
        return this.#tally.tally;
    }

    get isSnoozed(): boolean {
        return isSnoozed(this.#status.snoozedUntilMs, Date.now());
    }

    set(change: Partial<CompletionStatus>): void {
        const next = {...this.#status, ...change};
        if (Object.entries(next).every(([name, value]) => this.#status[name as keyof CompletionStatus] === value))
            return;
        this.#status = next;
        this.#changed.fire();
    }

    /** @param untilMs epoch ms, Infinity for until restart, undefined to end it */
    snooze(untilMs: number | undefined): void {
        clearTimeout(this.#snoozeTimer);
        this.set({snoozedUntilMs: untilMs});
        if (untilMs === undefined || !Number.isFinite(untilMs)) return;
        this.#snoozeTimer = setTimeout(() => this.set({snoozedUntilMs: undefined}), untilMs - Date.now());
    }

    count(event: SuggestionEvent): void {
        const next = tallied(this.#tally, event);
        if (next === this.#tally) return;
        const hasCounted = next.tally !== this.#tally.tally;
        this.#tally = next;
        if (!hasCounted) return;
        this.#changed.fire();
        clearTimeout(this.#writeTimer);
        this.#writeTimer = setTimeout(() => this.#write(), writeAfterMs);
    }

    /** Starts counting anew. */
    resetCounts(): void {
        this.#tally = startingFrom({since: Date.now(), byLanguage: {}});
        this.#write();
        this.#changed.fire();
    }

    dispose(): void {
        clearTimeout(this.#writeTimer);
        clearTimeout(this.#snoozeTimer);
        this.#write();
        this.#changed.dispose();
    }

    #write(): void {
        void this.#kept.update(tallyKey, this.#tally.tally);
    }
}
