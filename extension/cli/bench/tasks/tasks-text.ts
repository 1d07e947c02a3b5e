/** The rows of `bench tasks` as the one object of `--json`, and as a table for people. */
import {taskRows, type Answered, type TaskCut, type TaskRow} from "../../../core/fidelity/tasks/task-rows.js";
import {formatTable} from "../../output/table.js";
import type {Terminal} from "../../output/terminal.js";
import {formatNumberOf, formatShare} from "../../output/units.js";
import type {MissingPolicy} from "../quality/quality-lab.js";

export interface TasksOutcome {
    /** `none` and `full` first. */
    cuts: readonly TaskCut[];
    /** answered[set][cut][question] */
    answered: Answered[][][];
    nFiles: number;
    nNotMeasured: number;
    missing: readonly MissingPolicy[];
}

/** Index of `full` among the cuts. */
const full = 1;

export function tasksJson({cuts, answered, nFiles, nNotMeasured, missing}: TasksOutcome): object {
    return {
        sets: answered.length,
        files: nFiles,
        rows: taskRows(cuts, answered, full),
        ...(missing.length === 0 ? {} : {missing}),
        ...(nNotMeasured === 0 ? {} : {interrupted: true, notMeasured: nNotMeasured}),
    };
}

export function tasksText({cuts, answered, nFiles, nNotMeasured, missing}: TasksOutcome, terminal: Terminal): string {
    const {colors, columns: width} = terminal;
    const rows = taskRows(cuts, answered, full);
    const told = `${formatNumberOf(answered.length, "set")} of ${formatNumberOf(nFiles, "file")} in all`;
    return [
        nNotMeasured === 0
            ? told
            : colors.yellow(`interrupted: ${told}, ${formatNumberOf(nNotMeasured, "set")} not measured`),
        ...[...new Set(rows.map(({asked}) => asked))].map((way) =>
            formatTable(
                [
                    {title: `asked ${way}`},
                    {title: "budget", align: "right"},
                    {title: "task"},
                    {title: "questions", align: "right"},
                    {title: "right", align: "right"},
                    {title: "95 %"},
                    {title: "kept", align: "right"},
                    {title: "chosen", align: "right"},
                    {title: "nats", align: "right"},
                ],
                rows
                    .filter(({asked}) => asked === way)
                    .map((row) => [
                        row.policy,
                        formatShare(row.budget, 1),
                        row.task,
                        String(row.questions),
                        formatShare(row.accuracy, 1),
                        row.accuracyInterval.map((end) => formatShare(end, 1)).join(" to "),
                        row.kept === null ? "-" : formatShare(row.kept, 1),
                        row.choice === null ? "-" : formatShare(row.choice, 1),
                        row.nll.toFixed(2),
                    ]),
                {colors, width},
            ),
        ),
        colors.dim(
            "right: answers written exactly; kept: of those right behind all rows; nats: per token of the answer;\n" +
                `chosen: found among given answers, by lot ${chanceText(rows)}`,
        ),
        ...missing.map(({policy, why}) => `not measured: ${policy}: ${why}`),
    ].join("\n\n");
}

function chanceText(rows: readonly TaskRow[]): string {
    const chances = [
        ...new Set(
            rows.flatMap(({task, chance}) =>
                chance === null || task === "all" ? [] : [`${task} ${formatShare(chance, 1)}`],
            ),
        ),
    ];
    return chances.join(", ");
}
