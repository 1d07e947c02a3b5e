/** What the reliability scenarios share: their form, random numbers from a seed, percentiles, and checks that name the run. */

export {seededRandom} from "../unit/store/sample-segments.js";

export interface ScenarioOptions {
    /** How much: mutations, kills, cancels, files, or minutes. */
    n: number;
    seed: number;
    /** Progress for a person. */
    say: (line: string) => void;
    /** Ends a long run early: what was done until then is reported. */
    stop?: AbortSignal;
}

/** Figures of a run. A scenario throws when something is not as it must be; figures are for the record. */
export type Figures = Record<string, number | string>;

export interface Scenario {
    name: string;
    /** Of the full form. */
    defaultN: number;
    run: (options: ScenarioOptions) => Promise<Figures>;
}

/** @throws Error with what was found: a reliability run ends at the first breach. */
export function must(holds: boolean, what: string): asserts holds {
    if (!holds) throw new Error(`not reliable: ${what}`);
}

/** The smallest value that a share `p` of all values does not exceed. */
export function percentile(values: readonly number[], p: number): number {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}

export function rounded(value: number, digits = 1): number {
    return Number(value.toFixed(digits));
}

export function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @throws Error when the promise takes longer: a hang. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not reliable: ${what} took more than ${ms} ms`)), ms);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}
