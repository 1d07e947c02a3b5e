/**
 * Owns how long a completion waits after a keystroke: it learns the rhythm of the typing and the engine's speed, and
 * never waits longer than a share of what the answer itself takes. It owns no timer and no clock.
 */

/** What is known so far; a fresh window knows nothing. */
export interface Pace {
    /** Smoothed gap between two keystrokes of one burst, ms. */
    readonly typingMs?: number;
    /** Smoothed time of an answer that was not cancelled, ms. */
    readonly latencyMs?: number;
}

/** A longer gap is a pause to think: it says nothing about the rhythm. */
const pauseMs = 1000;
/** The newest value counts a quarter: three or four keystrokes are enough to follow a change of rhythm. */
const newest = 0.25;
/** After this many usual gaps without a key, the next key is unlikely to come at once. */
const gapsToWait = 1.3;
/** Of the answer's own time: the person then waits a fifth longer at most. */
const shareOfLatency = 0.2;
/** A longer wait is felt as slowness, whatever the engine's speed. */
const longestWaitMs = 250;
/** Before anything is measured: a fast typist's gap. */
const firstWaitMs = 75;

/** Learns from the time between two keystrokes. */
export function withKeystroke(pace: Pace, gapMs: number): Pace {
    if (!(gapMs >= 0) || gapMs > pauseMs) return pace;
    return {...pace, typingMs: smoothed(pace.typingMs, gapMs)};
}

/** Learns from one finished answer. */
export function withLatency(pace: Pace, latencyMs: number): Pace {
    if (!(latencyMs >= 0)) return pace;
    return {...pace, latencyMs: smoothed(pace.latencyMs, latencyMs)};
}

/**
 * Milliseconds to wait after a keystroke. Waiting spares work that the next key would cancel, and cancelling is cheap
 * (it ends within one layer), so a fast engine is asked almost at once and a slow one after the burst of keys.
 */
export function waitMs({typingMs, latencyMs}: Pace): number {
    if (latencyMs === undefined) return firstWaitMs;
    const burstMs = typingMs === undefined ? firstWaitMs : typingMs * gapsToWait;
    return Math.round(Math.min(burstMs, latencyMs * shareOfLatency, longestWaitMs));
}

function smoothed(before: number | undefined, value: number): number {
    return before === undefined ? value : before * (1 - newest) + value * newest;
}
