/** Facts about a model's heads that calibration would measure, made up: shares between 2 % and 100 % with the budget as their mean. */
import type {HeadProfile} from "../../extension/core/policy/head-profile.js";
import type {ReferenceFacts} from "./paper-cuts.js";
import {seeded} from "./random-qkv.js";

export function madeUpFacts(
    {nLayers, nKvHeads}: {nLayers: number; nKvHeads: number},
    budget: number,
    seed: number,
): {profile: HeadProfile; layerSimilarity: Float64Array; reference: ReferenceFacts} {
    const next = seeded(seed);
    const raw = Array.from({length: nLayers}, () =>
        Array.from({length: nKvHeads}, (_, h) => next() ** (h === 0 ? 3 : 1)),
    );
    const mean = raw.flat().reduce((a, b) => a + b, 0) / (nLayers * nKvHeads);
    const perHead = raw.map((layer) => layer.map((x) => Math.min(1, (x * budget) / mean)));
    const retrieval = raw.map((layer) => layer.map((x) => x / 2));
    const layerSimilarity = [0.61, 0.94, 0.9, 0.72].slice(0, nLayers);
    return {
        profile: {
            version: 1,
            modelHash: "m",
            format: "f16",
            nLayers,
            nKvHeads,
            policy: "aha-pooled",
            nFiles: 1,
            budgets: [{share: budget, perHead}],
            retrieval,
        },
        layerSimilarity: Float64Array.from(layerSimilarity),
        reference: {profile: perHead, retrieval, layerSimilarity},
    };
}
