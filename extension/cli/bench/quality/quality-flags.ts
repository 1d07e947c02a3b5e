/** The flags of `bench quality`, checked before anything is loaded. */
import {checkBudget} from "../../../core/policy/cut.js";
import {isFull, type Policy} from "../../../core/policy/policy.js";
import {policyNames} from "../../../core/policy/presets.js";
import type {Cut, FilePlace} from "../../../core/fidelity/measurements.js";
import {policyVariant} from "../../../core/fidelity/policy-variant.js";
import {usage} from "../../../protocol/errors.js";
import type {CommonFlags} from "../../common-flags.js";

export interface QualityFlags extends CommonFlags {
    pairs?: string;
    repo?: string[];
    nPairs: number;
    seed: number;
    writePairs?: string;
    pairsOnly?: boolean;
    policies?: string[];
    budgets: string[];
    positions?: string[];
    profile?: string;
    calibrateOn?: string;
    html?: string;
}

/** A policy at a budget, to be cut by. */
export interface PlannedCut extends Cut {
    composition: Policy;
}

/** Policies in their order, each at every budget; `full` once, at 1. */
export function plannedCuts({
    policies = [...policyNames],
    budgets,
}: Pick<QualityFlags, "policies" | "budgets">): PlannedCut[] {
    const shares = budgets.map(budgetOf);
    return [...new Set(policies)].flatMap((written): PlannedCut[] => {
        const composition = policyVariant(written);
        return isFull(composition)
            ? [{policy: written, budget: 1, composition}]
            : shares.map((budget) => ({policy: written, budget, composition}));
    });
}

/** @throws KvasirError `usage` for anything but a number above 0 and below 1 */
function budgetOf(text: string): number {
    const budget = text.trim() === "" ? Number.NaN : Number(text);
    checkBudget(budget);
    if (budget === 1)
        throw usage("at a budget of 1 nothing is cut.", "Name the policy `full` to see what uncut rows give.");
    return budget;
}

const placeNames: readonly FilePlace[] = ["parallel", "sequential"];

export function plannedPlaces({positions, position}: QualityFlags): FilePlace[] {
    return [...new Set(positions ?? [position])].map((name) => {
        const place = placeNames.find((known) => known === name);
        if (place === undefined)
            throw usage(`there are no positions "${name}".`, `Choose of: ${placeNames.join(", ")}.`);
        return place;
    });
}

/** @throws KvasirError `usage` when it is not clear where the pairs come from */
export function checkSource({pairs, repo, writePairs, pairsOnly, profile, calibrateOn}: QualityFlags): void {
    if ((pairs === undefined) === (repo === undefined))
        throw usage(
            pairs === undefined ? "nothing says which pairs to measure." : "--pairs and --repo do not go together.",
            "Give a file with --pairs FILE, or repositories to make pairs from with --repo PATH...",
        );
    if (repo === undefined && (writePairs !== undefined || pairsOnly === true))
        throw usage("--write-pairs and --pairs-only need --repo PATH.");
    if (pairsOnly === true && writePairs === undefined) throw usage("--pairs-only needs --write-pairs FILE.");
    if (profile !== undefined && calibrateOn !== undefined)
        throw usage("--profile and --calibrate-on do not go together.");
}
