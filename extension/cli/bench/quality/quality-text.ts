/** The rows of `bench quality` as the one object of `--json`, and as a table for people. */
import type {QualityRow} from "../../../core/fidelity/measurements.js";
import {formatTable} from "../../output/table.js";
import type {Terminal} from "../../output/terminal.js";
import {formatNumberOf, formatShare} from "../../output/units.js";
import type {MissingPolicy} from "./quality-lab.js";

export interface Outcome {
    nPairs: number;
    /** Pairs that an interruption left. */
    nNotMeasured: number;
    rows: QualityRow[];
    missing: MissingPolicy[];
}

/** `missing` and `notMeasured` are there only when something is. */
export function qualityJson({nPairs, nNotMeasured, rows, missing}: Outcome): object {
    return {
        pairs: nPairs,
        rows: rows.map(
            ({policy, budget, position, recovered, recoveredInterval, recoveredAll, kl, top1, bytesShare}) => ({
                policy,
                budget,
                position,
                recovered,
                recoveredInterval,
                recoveredAll,
                kl,
                top1,
                bytesShare,
            }),
        ),
        ...(missing.length === 0 ? {} : {missing}),
        ...(nNotMeasured === 0 ? {} : {interrupted: true, notMeasured: nNotMeasured}),
    };
}

export function qualityText({nPairs, nNotMeasured, rows, missing}: Outcome, terminal: Terminal): string {
    const {colors, columns: width} = terminal;
    const parts = [
        nNotMeasured === 0
            ? formatNumberOf(nPairs, "pair")
            : colors.yellow(
                  `interrupted: these are the rows of ${formatNumberOf(nPairs, "pair")}, ${nNotMeasured} were not measured`,
              ),
    ];
    for (const position of [...new Set(rows.map((row) => row.position))]) {
        const here = rows.filter((row) => row.position === position);
        parts.push(
            formatTable(
                [
                    {title: `${position} positions`},
                    {title: "budget", align: "right"},
                    {title: "R", align: "right"},
                    {title: "95 %"},
                    {title: "R all", align: "right"},
                    {title: "KL", align: "right"},
                    {title: "top 1", align: "right"},
                    {title: "bytes", align: "right"},
                ],
                here.map((row) => [
                    row.policy,
                    formatShare(row.budget, 1),
                    figure(row.recovered),
                    row.recoveredInterval === null ? "" : row.recoveredInterval.map(figure).join(" to "),
                    figure(row.recoveredAll),
                    row.kl.toFixed(4),
                    formatShare(row.top1, 1),
                    formatShare(row.bytesShare, 1),
                ]),
                {colors, width},
            ),
        );
    }
    parts.push(
        colors.dim(
            "R: share of the uncut files' benefit that is kept. KL in nats per token, top 1: both against uncut files",
        ),
    );
    if (missing.length > 0)
        parts.push(["not measured:", ...missing.map(({policy, why}) => `  ${policy}: ${why}`)].join("\n"));
    return parts.join("\n\n");
}

function figure(value: number | null): string {
    return value === null ? "-" : value.toFixed(2).replace(/^-(?=0\.00$)/, "");
}
