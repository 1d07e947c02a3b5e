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
}

/** A row or a peer that could not be measured here. */
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
}

export interface SpeedReport {
    machine: Machine;
    rows: SpeedRow[];
    missing: Missing[];
}

export function speedText({machine, rows, missing}: SpeedReport, {colors, columns: width}: Terminal): string {
    const parts = [
        `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, GPU: ${machine.gpu}\n` +
            `${machine.os}, ${machine.model}, llama.cpp ${machine.llamaRelease}`,
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
                ],
                rows.map((row) => [
                    row.name,
                    figure(row.kvasir, row.unit),
                    figure(row.peer, row.unit),
                    row.peerName,
                    (row.ratio >= 1 ? colors.green : colors.yellow)(`${formatRatio(row.ratio)}x`),
                    `${formatRatio(row.spread[0])} to ${formatRatio(row.spread[1])}`,
                ]),
                {colors, width},
            ),
            colors.dim("ratio: peer / Kvasir, above 1 Kvasir is better"),
        );
    if (missing.length > 0)
        parts.push(["not measured:", ...missing.map(({name, why}) => `  ${name}: ${why}`)].join("\n"));
    return parts.join("\n\n");
}

function figure(value: number, unit: SpeedRow["unit"]): string {
    if (unit === "bytes") return formatBytes(value);
    return unit === "ms" ? formatMs(value) : `${formatMs(value)}/token`;
}

function formatRatio(ratio: number): string {
    return ratio >= 99.5 ? ratio.toFixed(0) : ratio >= 9.95 ? ratio.toFixed(1) : ratio.toFixed(2);
}
