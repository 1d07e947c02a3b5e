/** Values of flags: each parser answers the value or throws commander's error for an invalid argument. */
import {InvalidArgumentError} from "commander";

/** A whole number of at least `min` (and at most `max`). */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    return (text) => {
        const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
        if (!Number.isSafeInteger(value) || value < min || value > max)
            throw new InvalidArgumentError(`It must be a whole number ${range}.`);
        return value;
    };
}

/** A number in (0, 1]. */
export function share(text: string): number {
    const value = decimal(text);
    if (!(value > 0 && value <= 1))
        throw new InvalidArgumentError("It must be above 0 and at most 1, for example 0.25.");
    return value;
}

/** A number of at least 0. */
export function temperature(text: string): number {
    const value = decimal(text);
    if (!(value >= 0 && value <= 10)) throw new InvalidArgumentError("It must be a number from 0 to 10.");
    return value;
}

/** A likelihood in nats, of at least 0. */
export function nats(text: string): number {
    const value = decimal(text);
    if (!(value >= 0 && value <= 100)) throw new InvalidArgumentError("It must be a number from 0 to 100.");
    return value;
}

/** `a,b` as a list without blanks. */
export function commaList(text: string): string[] {
    const items = text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
    if (items.length === 0) throw new InvalidArgumentError("It must be names with commas between them.");
    return items;
}

function decimal(text: string): number {
    return /^\d*\.?\d+(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
