/**
 * What the reliability scenarios share: their form, how findings of several runs are added up, random numbers from a seed,
 * percentiles, and checks that name the run.
 */

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

/** Of a run: what was counted, and lists of what was measured. Those of several runs can be added up. */
export type Findings = Record<string, number | readonly number[]>;
/** For the record. */
export type Figures = Record<string, number>;

export interface Scenario {
    name: string;
    /** Of the full form. */
    defaultN: number;
    /** @throws Error when something is not as it must be */
    run: (options: ScenarioOptions) => Promise<Findings>;
    /** Figures of what was measured, where anything was. */
    figures?: (findings: Findings) => Figures;
    /** Whether a run with n is as good as several with other seeds and n in all. */
    canSplit?: boolean;
}

export function figuresOf(scenario: Scenario, parts: readonly Findings[]): Figures {
    const findings = addUp(parts);
    return scenario.figures?.(findings) ?? (findings as Figures);
}

function addUp(parts: readonly Findings[]): Findings {
    const sum: Findings = {};
    for (const part of parts)
        for (const [name, value] of Object.entries(part)) {
            const before = sum[name];
            if (typeof value === "number") sum[name] = ((before as number | undefined) ?? 0) + value;
            else sum[name] = [...((before as readonly number[] | undefined) ?? []), ...value];
        }
    return sum;
}

/** What was only counted. */
export function countsOf(findings: Findings): Figures {
    const isCount = (entry: [string, Findings[string]]): entry is [string, number] => typeof entry[1] === "number";
    return Object.fromEntries(Object.entries(findings).filter(isCount));
}

export function listOf(findings: Findings, name: string): readonly number[] {
    const list = findings[name];
    return typeof list === "object" ? list : [];
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
