/** Everything that a fidelity report shows, as data: the command line prints the rows, the page draws all of it. */
import type {PairFigures, QualityRow} from "./measurements.js";

export interface ReportSetting {
    name: string;
    value: string;
}

/** Share of its rows that each head keeps, at one budget. */
export interface HeadShares {
    budget: number;
    /** [layer][KV head]. */
    perHead: number[][];
}

/** One file with what a policy kept of it. */
export interface KeptFile {
    path: string;
    policy: string;
    budget: number;
    /** Text of each token. */
    tokens: string[];
    /** Share of the (layer, KV head) pairs that kept each token. */
    kept: number[];
}

export interface FidelityReport {
    /** Model, rows, files: what one has to know to read the figures. */
    settings: ReportSetting[];
    rows: QualityRow[];
    pairs: PairFigures[];
    headShares: HeadShares[];
    files: KeptFile[];
    /** Pairs that were not measured because the run was interrupted. */
    nNotMeasured: number;
}
