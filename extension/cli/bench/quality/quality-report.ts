/** Gathers what the page shows beside the rows: head shares, and one file with what is kept of it. */
import path from "node:path";
import type {FidelityReport, HeadShares, KeptFile} from "../../../core/fidelity/fidelity-report.js";
import type {PairFigures} from "../../../core/fidelity/measurements.js";
import {profileShares, type HeadProfile} from "../../../core/policy/head-profile.js";
import {isFull} from "../../../core/policy/policy.js";
import type {PreparedSample} from "./prepared-sample.js";
import type {PlannedCut, QualityFlags} from "./quality-flags.js";
import type {QualityLab} from "./quality-lab.js";
import type {Outcome} from "./quality-text.js";
import type {SampleMeasurer} from "./sample-measurer.js";

export interface ReportParts {
    lab: QualityLab;
    measurer: SampleMeasurer;
    samples: readonly PreparedSample[];
    cuts: readonly PlannedCut[];
    plan: {profile: HeadProfile | undefined};
    measured: PairFigures[];
    outcome: Outcome;
    flags: QualityFlags;
}

/** A file of a page or two shows best what is kept. */
const shownTokens = {min: 250, max: 900};

export async function reportOf(parts: ReportParts): Promise<FidelityReport> {
    const {lab, plan, measured, outcome, flags} = parts;
    const {model, bed} = lab;
    const budgets = [...new Set(outcome.rows.map((row) => row.budget))].filter((budget) => budget < 1);
    return {
        settings: [
            {name: "model", value: path.basename(model.path)},
            {name: "backend", value: model.backend},
            {name: "rows", value: bed.context.rowType},
            {name: "pairs", value: String(outcome.nPairs)},
            {
                name: "from",
                value: [flags.pairs ?? flags.repo ?? []]
                    .flat()
                    .map((one) => path.basename(one))
                    .join(", "),
            },
            {name: "llama.cpp", value: model.addon.llamaRelease},
        ],
        rows: outcome.rows,
        pairs: measured,
        headShares: plan.profile === undefined ? [] : budgets.map((budget) => sharesAt(plan.profile!, budget)),
        // An interrupted run has no time to read another file.
        files: outcome.nNotMeasured > 0 ? [] : await keptFiles(parts),
        nNotMeasured: outcome.nNotMeasured,
    };
}

function sharesAt(profile: HeadProfile, budget: number): HeadShares {
    const shares = profileShares(profile, budget);
    return {
        budget,
        perHead: Array.from({length: profile.nLayers}, (_, layer) =>
            Array.from({length: profile.nKvHeads}, (__, head) => shares[layer * profile.nKvHeads + head]!),
        ),
    };
}

/** The first context file of a fitting length, cut by every policy at every budget. */
async function keptFiles({lab, measurer, samples, cuts}: ReportParts): Promise<KeptFile[]> {
    const all = samples.flatMap(({contexts}) => contexts);
    const shown =
        all.find(({tokens}) => tokens.length >= shownTokens.min && tokens.length <= shownTokens.max) ?? all[0];
    if (shown === undefined) return [];
    const {tokens} = shown;
    const file = await measurer.read(`${shown.path}\n${shown.text}`, tokens);
    const texts = Array.from(tokens, (_, i) =>
        lab.detokenize(tokens.subarray(i, i + 1), tokens.subarray(Math.max(0, i - 8), i)),
    );
    const nRegions = lab.bed.context.globalLayers.length * lab.bed.context.shape.nKvHeads;
    return cuts
        .filter(({composition}) => !isFull(composition))
        .map((planned) => {
            const kept = new Array<number>(tokens.length).fill(0);
            for (const list of measurer.keep(file, planned)) for (const token of list) kept[token]! += 1 / nRegions;
            return {path: shown.path, policy: planned.policy, budget: planned.budget, tokens: texts, kept};
        });
}
