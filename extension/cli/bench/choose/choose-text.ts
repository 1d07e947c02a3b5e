/** The rows of `bench choose` as the one object of `--json`, and as a table for people. */
import {bootstrapInterval, mean, recovered, type Benefit} from "../../../core/fidelity/statistics.js";
import {formatTable} from "../../output/table.js";
import type {Terminal} from "../../output/terminal.js";
import {formatCount, formatNumberOf, formatShare} from "../../output/units.js";
import type {Choosing, TargetMeasured} from "./choose.js";

export interface ChooseOutcome {
    /** Targets that were asked for and not reached, after an interruption. */
    nNotMeasured: number;
    nKnown: number;
    poolTokens: number;
    choosings: readonly Choosing[];
    measured: readonly TargetMeasured[];
    /** Targets left out: their imports help by less than `minBenefit`. */
    nWithout: number;
    minBenefit: number;
}

export interface ChooseRow {
    chooser: string;
    /** Null for choosers that pick as many as there are. */
    files: number | null;
    policy: string;
    budget: number;
    /** Share of the benefit of the hand-picked imports, uncut; null when these bring none. */
    recovered: number | null;
    recoveredInterval: [number, number] | null;
    recoveredAll: number | null;
    /** Mean tokens of the chosen files, before cutting. */
    tokens: number;
}

export function chooseRows({choosings, measured}: Pick<ChooseOutcome, "choosings" | "measured">): ChooseRow[] {
    return choosings.map(({chooser, nFiles, cut}, i) => {
        const benefits = (over: "identifiers" | "all"): Benefit[] =>
            measured.flatMap(({none, reference, choosings: results}) => {
                const [a, b, c] = [none[over], reference[over], results[i]!.nll[over]];
                return a === undefined || b === undefined || c === undefined ? [] : [{none: a, uncut: b, cut: c}];
            });
        const named = benefits("identifiers");
        const r = finite(recovered(named));
        return {
            chooser,
            files: nFiles,
            policy: cut.policy,
            budget: cut.budget,
            recovered: r,
            recoveredInterval: r === null ? null : bootstrapInterval(named, recovered),
            recoveredAll: finite(recovered(benefits("all"))),
            tokens: Math.round(mean(measured.map(({choosings: results}) => results[i]!.nTokens))),
        };
    });
}

export function chooseJson(outcome: ChooseOutcome): object {
    const {measured, nWithout, minBenefit, choosings, nNotMeasured, nKnown, poolTokens} = outcome;
    return {
        targets: measured.length,
        leftOut: nWithout,
        minBenefit,
        known: {files: nKnown, tokens: poolTokens},
        rows: chooseRows(outcome),
        each: measured.map(({path, none, reference, choosings: results}) => ({
            path,
            none,
            reference,
            chosen: results.map(({nll, files}, i) => ({...namesOf(choosings[i]!), nll, paths: files})),
        })),
        ...(nNotMeasured === 0 ? {} : {interrupted: true, notMeasured: nNotMeasured}),
    };
}

/** Which row of the report it belongs to. */
function namesOf({chooser, nFiles, cut}: Choosing) {
    return {chooser, files: nFiles, budget: cut.budget};
}

export function chooseText(outcome: ChooseOutcome, {colors, columns: width}: Terminal): string {
    const {measured, nWithout, minBenefit, nNotMeasured, nKnown, poolTokens} = outcome;
    const told =
        `${formatNumberOf(measured.length, "target")}, ${formatNumberOf(nKnown, "file")} of ${formatCount(poolTokens)} tokens known; ` +
        `${nWithout} left out, whose imports help by less than ${minBenefit} nats per token`;
    return [
        nNotMeasured === 0 ? told : colors.yellow(`interrupted: ${told}; ${nNotMeasured} not measured`),
        formatTable(
            [
                {title: "chooser"},
                {title: "files", align: "right"},
                {title: "kept", align: "right"},
                {title: "tokens", align: "right"},
                {title: "R", align: "right"},
                {title: "95 %"},
                {title: "R all", align: "right"},
            ],
            chooseRows(outcome).map((row) => [
                row.chooser,
                row.files === null ? "" : String(row.files),
                formatShare(row.budget, 1),
                formatCount(row.tokens),
                figure(row.recovered),
                row.recoveredInterval === null ? "" : row.recoveredInterval.map(figure).join(" to "),
                figure(row.recoveredAll),
            ]),
            {colors, width},
        ),
        colors.dim("R: share of the benefit of the hand-picked imports, uncut"),
    ].join("\n\n");
}

function finite(value: number): number | null {
    return Number.isFinite(value) ? value : null;
}

function figure(value: number | null): string {
    return value === null ? "-" : value.toFixed(2);
}
