/** Owns for how long completions may be snoozed, and how that is told. Times are epoch ms. */

/** Until someone ends it; a window that is opened anew has forgotten it. */
export const untilRestart = Number.POSITIVE_INFINITY;

/** The choices offered, minutes. */
export const snoozeMinutes: readonly number[] = [5, 15, 60, 240];

export function isSnoozed(untilMs: number | undefined, nowMs: number): boolean {
    return untilMs !== undefined && nowMs < untilMs;
}

/** Whole minutes left, at least one while it lasts. */
export function minutesLeft(untilMs: number, nowMs: number): number {
    return Math.max(0, Math.ceil((untilMs - nowMs) / 60_000));
}
