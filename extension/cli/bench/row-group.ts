/** A group of rows that are measured in the same rounds. One file per group in rows/; a new one is added to rowGroups. */
import type {BenchLab} from "./bench-lab.js";
import type {Side} from "./alternate.js";
import type {SpeedRow} from "./speed-report.js";

/** One row: which side is Kvasir's and which the peer's. The same row against several peers is several plans. */
export interface RowPlan {
    name: string;
    unit: SpeedRow["unit"];
    kvasir: string;
    peer: string;
    peerName: string;
}

export interface PreparedGroup {
    /** Answers milliseconds, milliseconds per token, or bytes, as the rows' unit says. */
    sides: Record<string, Side>;
    /** Why a side cannot run here: the others still do. */
    absent?: Record<string, string>;
    /** False for work that is not the same twice. */
    warmUp?: boolean;
    /** Sides that answer the same every time need one round. */
    isExact?: boolean;
    dispose(): Promise<void> | void;
}

export interface RowGroup {
    rows: readonly RowPlan[];
    /** Takes minutes a round on a CPU: there it runs only when one of its rows is named. */
    isLong?: boolean;
    /** Begins no further round after so long, unless its rows are named; two minutes when it says nothing. */
    allowanceMs?: number;
    /** What it needs, made ready but not measured. Throws a coded error when it cannot run here. */
    prepare(lab: BenchLab): Promise<PreparedGroup>;
}

/** Why a side that needs an optional peer cannot run; nothing when the peer is there. */
export function absentAs(side: string, {why}: {why?: string | undefined}): Record<string, string> {
    return why === undefined ? {} : {[side]: why};
}
