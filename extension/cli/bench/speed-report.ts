/** The speed table: its object and its look. */
import {formatTable} from "../output/table.js";
import type {Terminal} from "../output/terminal.js";
import {formatBytes, formatMs} from "../output/units.js";

export interface SpeedRow {
    name: string;
    /** Of both figures: less is better. */
    unit: "ms" | "ms/token" | "bytes";
    kvasir: number;
    peer: number;
    peerName: string;
    ratio: number;
    spread: [number, number];
    /** How often each side was measured. */
    rounds: number;
    /** Load average of the last minute when it was measured: the bench's own threads and what others were doing. */
    load: number;
}

/** A row, with its peer, that could not be measured here. */
export interface Missing {
    name: string;
    why: string;
}

export interface Machine {
    cpu: string;
    cores: number;
    memoryBytes: number;
    /** Name of the GPU that computes; "none" on the CPU. */
    gpu: string;
    os: string;
    model: string;
    llamaRelease: string;
    /** When the run began, ISO 8601. */
    date: string;
    /** Load average of the last minute when it began: what others were doing. */
    load: number;
}

export interface SpeedReport {
    machine: Machine;
    rows: SpeedRow[];
    missing: Missing[];
    /** Of the whole run, all that was made ready included. */
    durationMs: number;
    /** Ended before all rows were measured. */
    interrupted?: true;
}

export function speedText(
    {machine, rows, missing, durationMs, interrupted}: SpeedReport,
    {colors, columns: width}: Terminal,
): string {
    const parts = [
        `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, GPU: ${machine.gpu}\n` +
            `${machine.os}, ${machine.model}, llama.cpp ${machine.llamaRelease}, load ${machine.load.toFixed(1)}, measured in ${formatMs(durationMs)}`,
    ];
    if (rows.length > 0)
        parts.push(
            formatTable(
                [
                    {title: "row"},
                    {title: "Kvasir", align: "right"},
                    {title: "peer", align: "right"},
                    {title: ""},
                    {title: "ratio", align: "right"},
                    {title: "lowest to highest"},
                    {title: "rounds", align: "right"},
                ],
                rows.map((row) => [
                    row.name,
                    figure(row.kvasir, row.unit),
                    figure(row.peer, row.unit),
                    row.peerName,
                    (row.ratio >= 1 ? colors.green : colors.yellow)(`${formatRatio(row.ratio)}x`),
                    `${formatRatio(row.spread[0])} to ${formatRatio(row.spread[1])}`,
                    String(row.rounds),
                ]),
                {colors, width},
            ),
            colors.dim("ratio: peer / Kvasir, above 1 Kvasir is better"),
        );
    if (interrupted) parts.push(colors.yellow("interrupted: these are the rounds that were complete"));
    if (missing.length > 0) parts.push(["not measured:", ...byReason(missing)].join("\n"));
    return parts.join("\n\n");
}

/** One line per reason: a peer that is not there is missing in many rows. */
function byReason(missing: readonly Missing[]): string[] {
    const names = new Map<string, string[]>();
    for (const {name, why} of missing) names.set(why, [...(names.get(why) ?? []), name]);
    return [...names].map(([why, rows]) => `  ${rows.join("; ")}: ${why}`);
}

function figure(value: number, unit: SpeedRow["unit"]): string {
    if (unit === "bytes") return formatBytes(value);
    return unit === "ms" ? formatMs(value) : `${formatMs(value)}/token`;
}

function formatRatio(ratio: number): string {
    return ratio >= 99.5 ? ratio.toFixed(0) : ratio >= 9.95 ? ratio.toFixed(1) : ratio.toFixed(2);
}
