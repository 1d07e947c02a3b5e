/** Runs groups of rows one after another. A row that cannot run says why, and the others go on. */
import {loadavg} from "node:os";
import {isKvasirError, toKvasirError} from "../../protocol/errors.js";
import {sentenceOf} from "../output/report.js";
import {alternate, compareSides, type Side} from "./alternate.js";
import type {BenchLab} from "./bench-lab.js";
import type {PreparedGroup, RowGroup, RowPlan} from "./row-group.js";
import type {Missing, SpeedReport, SpeedRow} from "./speed-report.js";

export interface MeasureOptions {
    /** Rows to run, in as many rounds as there may be; undefined for all that this machine can run in a bearable time. */
    named: readonly string[] | undefined;
    isOnCpu: boolean;
    /** Hears which group begins: `3 of 17, read-1k`. */
    enter: (place: string) => void;
    /** Gets the rows of a group after each of its rounds, and what is missing when it ends. */
    onto: Measured;
    /** Milliseconds. */
    now?: () => number;
}

export type Measured = Pick<SpeedReport, "rows" | "missing">;

/** Of a group that says nothing else: with it a whole run on two cores takes about half an hour. */
const usualAllowanceMs = 2 * 60_000;

const tooLong = "it takes minutes a round on a CPU. Name it with --rows to run it.";

/** @throws KvasirError `cancelled`, or the signal's reason; what was measured by then is in `onto` */
export async function measureGroups(
    groups: readonly RowGroup[],
    lab: BenchLab,
    {named, isOnCpu, enter, onto: all, now}: MeasureOptions,
): Promise<void> {
    const wanted = groups
        .map((group) => ({
            group,
            plans: group.rows.filter(({name}) => named === undefined || named.includes(name)),
            isTooLong: group.isLong === true && named === undefined && isOnCpu,
        }))
        .filter(({plans}) => plans.length > 0);
    const chosen = wanted.filter(({isTooLong}) => !isTooLong);
    for (const {plans, isTooLong} of wanted)
        if (isTooLong) all.missing.push(...plans.map((plan) => missed(plan, tooLong)));
    for (const [index, {group, plans}] of chosen.entries()) {
        enter(`${index + 1} of ${chosen.length}, ${shortNames(plans)}`);
        const allowanceMs = named === undefined ? (group.allowanceMs ?? usualAllowanceMs) : Number.POSITIVE_INFINITY;
        await measureGroup(group, plans, lab, {allowanceMs, onto: all, now});
    }
}

async function measureGroup(
    group: RowGroup,
    plans: readonly RowPlan[],
    lab: BenchLab,
    {allowanceMs, onto, now}: {allowanceMs: number; onto: Measured; now: (() => number) | undefined},
): Promise<void> {
    /** By side. */
    const whyNot = new Map<string, string>();
    const reasonOf = ({kvasir, peer}: RowPlan) => whyNot.get(kvasir) ?? whyNot.get(peer);
    const able = () => plans.filter((plan) => reasonOf(plan) === undefined);
    const cannotRun = (error: unknown, sides: readonly string[]): void => {
        if (lab.signal.aborted || isKvasirError(error, "cancelled")) throw error;
        for (const side of sides) whyNot.set(side, sentenceOf(toKvasirError(error)));
    };
    let prepared: PreparedGroup | undefined;
    try {
        lab.say("preparing");
        prepared = await group.prepare(lab);
        for (const [side, why] of Object.entries(prepared.absent ?? {})) whyNot.set(side, why);
        /** A side that fails is left out from then on, and so is one that has nothing left to be compared with. */
        const trying =
            (name: string, side: Side): Side =>
            async () => {
                if (!able().some(({kvasir, peer}) => kvasir === name || peer === name)) return Number.NaN;
                try {
                    return await side();
                } catch (error) {
                    cannotRun(error, [name]);
                    return Number.NaN;
                }
            };
        const used = new Set(able().flatMap(({kvasir, peer}) => [kvasir, peer]));
        const sides = Object.fromEntries(
            Object.entries(prepared.sides)
                .filter(([name]) => used.has(name))
                .map(([name, side]) => [name, trying(name, side)]),
        );
        const firstRow = onto.rows.length;
        const rounds = prepared.isExact ? 1 : lab.rounds;
        lab.say("measuring");
        await alternate(sides, {
            rounds,
            warmUp: prepared.warmUp ?? true,
            allowanceMs,
            onRound: (costs) => {
                onto.rows.splice(firstRow, Infinity, ...able().map((plan) => rowOf(plan, costs)));
                const [{length: nDone} = []] = Object.values(costs);
                lab.say(`${nDone} of ${rounds} rounds measured`);
            },
            ...(now && {now}),
            signal: lab.signal,
        });
    } catch (error) {
        cannotRun(
            error,
            plans.map(({kvasir}) => kvasir),
        );
    } finally {
        // What was measured stands, and a group that needs what is broken says so itself.
        await disposed(prepared).catch((error: unknown) => lab.say(sentenceOf(toKvasirError(error))));
    }
    for (const plan of plans) {
        const why = reasonOf(plan);
        if (why !== undefined) onto.missing.push(missed(plan, why));
    }
}

async function disposed(prepared: PreparedGroup | undefined): Promise<void> {
    await prepared?.dispose();
}

function rowOf(
    {name, unit, kvasir, peer, peerName}: RowPlan,
    costs: Readonly<Record<string, readonly number[]>>,
): SpeedRow {
    const own = costs[kvasir]!;
    return {
        name,
        unit,
        peerName,
        ...compareSides(own, costs[peer]!),
        rounds: own.length,
        load: loadavg()[0]!,
    };
}

/** The first name stands for many. */
function shortNames(plans: readonly RowPlan[]): string {
    const [first, ...more] = new Set(plans.map(({name}) => name));
    return more.length > 1 ? `${first} and ${more.length} more` : [first, ...more].join(", ");
}

function missed({name, peerName}: RowPlan, why: string): Missing {
    return {name: `${name}, ${peerName}`, why};
}
