/** Runs groups of rows one after another. A row that cannot run says why, and the others go on. */
import {isKvasirError, toKvasirError} from "../../protocol/errors.js";
import {sentenceOf} from "../output/report.js";
import {alternate, compareSides} from "./alternate.js";
import type {BenchLab} from "./bench-lab.js";
import type {RowGroup, RowPlan} from "./row-group.js";
import type {Missing, SpeedReport} from "./speed-report.js";

export interface MeasureOptions {
    /** Rows to run; undefined for all that this machine can run in a bearable time. */
    named: readonly string[] | undefined;
    isOnCpu: boolean;
    say: (what: string) => void;
    /** Gets what each group gave as soon as the group is complete. */
    onto: Measured;
}

export type Measured = Pick<SpeedReport, "rows" | "missing">;

const tooLong = "it takes minutes a round on a CPU. Name it with --rows to run it.";

/** @throws KvasirError `cancelled`, or the signal's reason */
export async function measureGroups(
    groups: readonly RowGroup[],
    lab: BenchLab,
    {named, isOnCpu, say, onto: all}: MeasureOptions,
): Promise<void> {
    for (const group of groups) {
        const plans = group.rows.filter(({name}) => named === undefined || named.includes(name));
        if (plans.length === 0) continue;
        if (group.isLong && named === undefined && isOnCpu) {
            all.missing.push(...plans.map((plan) => missed(plan, tooLong)));
            continue;
        }
        try {
            const {rows, missing} = await measureGroup(group, plans, lab, say);
            all.rows.push(...rows);
            all.missing.push(...missing);
        } catch (error) {
            if (lab.signal.aborted || isKvasirError(error, "cancelled")) throw error;
            all.missing.push(...plans.map((plan) => missed(plan, sentenceOf(toKvasirError(error)))));
        }
    }
}

async function measureGroup(
    group: RowGroup,
    plans: readonly RowPlan[],
    lab: BenchLab,
    say: (what: string) => void,
): Promise<Measured> {
    const names = [...new Set(plans.map(({name}) => name))].join(", ");
    say(`preparing ${names}`);
    const prepared = await group.prepare(lab);
    try {
        const {absent = {}} = prepared;
        const whyNot = ({kvasir, peer}: RowPlan) => absent[kvasir] ?? absent[peer];
        const able = plans.filter((plan) => whyNot(plan) === undefined);
        const used = new Set(able.flatMap(({kvasir, peer}) => [kvasir, peer]));
        const sides = Object.fromEntries(Object.entries(prepared.sides).filter(([side]) => used.has(side)));
        say(`measuring ${names}`);
        const costs = await alternate(sides, {
            rounds: prepared.isExact ? 1 : lab.rounds,
            warmUp: prepared.warmUp ?? true,
            signal: lab.signal,
        });
        return {
            rows: able.map(({name, unit, kvasir, peer, peerName}) => ({
                name,
                unit,
                peerName,
                ...compareSides(costs[kvasir]!, costs[peer]!),
            })),
            missing: plans.flatMap((plan) => {
                const why = whyNot(plan);
                return why === undefined ? [] : [missed(plan, why)];
            }),
        };
    } finally {
        await prepared.dispose();
    }
}

function missed({name, peerName}: RowPlan, why: string): Missing {
    return {name: `${name}, ${peerName}`, why};
}
