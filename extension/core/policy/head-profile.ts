/**
 * The head profile: which share of its rows each (layer, KV head) of a model keeps at a budget, measured once per
 * model by cutting a dozen files in one pool. Its form on disk and its values between the measured budgets; how it
 * is used to cut is shares.ts's, how the files are scored the engine's.
 */

import * as z from "zod";
import {profileMismatch} from "../../protocol/errors.js";
import {apportion, waterFill} from "./apportion.js";
import type {KvShape} from "./head-rows.js";

/** Budgets at which a model is calibrated. */
export const profileBudgets: readonly number[] = [0.5, 0.25, 0.125, 0.0625];

const share = z.number().min(0).max(1);
const perHead = z.array(z.array(share).min(1)).min(1);

/** The form on disk. `version` rises when its meaning changes. */
export const headProfileSchema = z
    .object({
        version: z.literal(1),
        /** Hash of the model's weights: a profile holds for no other. */
        modelHash: z.string().min(1),
        /** Row type it was measured with. It says nothing against another: scores differ by rounding alone. */
        format: z.string(),
        nLayers: z.int().positive(),
        nKvHeads: z.int().positive(),
        /** Name of the policy that scored the calibration files. */
        policy: z.string(),
        /** How many files were cut. */
        nFiles: z.int().positive(),
        /** Mean share kept at each budget, [layer][KV head]; the mean over all heads is the budget. */
        budgets: z.array(z.object({share: share.positive(), perHead})).min(1),
        /** Retrieval score of each head, [layer][KV head] (retrieval-heads.ts). */
        retrieval: z.array(z.array(z.number().min(0))).optional(),
    })
    .refine(
        ({nLayers, nKvHeads, budgets}) =>
            budgets.every((b) => b.perHead.length === nLayers && b.perHead.every((row) => row.length === nKvHeads)),
        {error: "a budget's heads do not fit nLayers and nKvHeads"},
    );

export type HeadProfile = z.infer<typeof headProfileSchema>;

/** How many rows each head of one calibration file kept at one budget. */
export interface CalibrationCut {
    nTokens: number;
    /** Rows kept, by layer * nKvHeads + head. */
    counts: ArrayLike<number>;
}

/** What a profile says of itself beside its shares. */
export type ProfileIdentity = Pick<HeadProfile, "modelHash" | "format" | "policy">;

/**
 * The mean, over the files, of the share each head kept, in six digits: a thousandth of a row in a file of 1000 tokens.
 * Rounded here and not on the way to disk, since every segment's identity holds the profile: one that is another after a
 * restart would make all files unread.
 *
 * @param levels for each budget the cuts of all files, in one pool over all heads each
 */
export function profileFromCuts(
    identity: ProfileIdentity,
    shape: Pick<KvShape, "nLayers" | "nKvHeads">,
    levels: readonly {share: number; cuts: readonly CalibrationCut[]}[],
): HeadProfile {
    const {nLayers, nKvHeads} = shape;
    const budgets = [...levels]
        .sort((a, b) => b.share - a.share)
        .map(({share: budget, cuts}) => ({
            share: budget,
            perHead: Array.from({length: nLayers}, (_, layer) =>
                Array.from({length: nKvHeads}, (_, head) => {
                    const shares = cuts.map((c) => c.counts[layer * nKvHeads + head]! / c.nTokens);
                    return Number((shares.reduce((a, b) => a + b, 0) / cuts.length).toFixed(6));
                }),
            ),
        }));
    return headProfileSchema.parse({
        version: 1,
        ...identity,
        nLayers,
        nKvHeads,
        nFiles: Math.max(...levels.map((level) => level.cuts.length)),
        budgets,
    });
}

/**
 * Share of its rows that each head keeps at any budget, by layer * nKvHeads + head; never above 1, and the mean over
 * the heads is the budget.
 *
 * Between two measured budgets a head's share runs in a straight line, from the highest of them to 1 at budget 1, and
 * below the lowest in proportion to it. Straight lines in the budget keep the mean right by themselves; what
 * rounding leaves is water-filled.
 */
export function profileShares(profile: HeadProfile, budget: number): Float64Array {
    const nHeads = profile.nLayers * profile.nKvHeads;
    const levels = [...profile.budgets]
        .sort((a, b) => a.share - b.share)
        .map((level) => ({share: level.share, heads: level.perHead.flat()}));
    const points = [
        {share: 0, heads: new Array<number>(nHeads).fill(0)},
        ...levels.filter((level) => level.share < 1),
        {share: 1, heads: new Array<number>(nHeads).fill(1)},
    ];
    const above = Math.max(
        1,
        points.findIndex((point) => point.share >= budget),
    );
    const low = points[above - 1]!;
    const high = points[above]!;
    const t = (budget - low.share) / (high.share - low.share);
    const shares = low.heads.map((from, h) => from + t * (high.heads[h]! - from));
    return waterFill(shares, new Float64Array(nHeads).fill(1), budget * nHeads);
}

/** Rows that each head of a file of `nTokens` keeps at a budget; exactly round(budget * nTokens * heads) together. */
export function profileRows(profile: HeadProfile, budget: number, nTokens: number): Uint32Array {
    const shares = profileShares(profile, budget);
    return apportion(
        shares,
        new Uint32Array(shares.length).fill(nTokens),
        Math.round(budget * nTokens * shares.length),
    );
}

/**
 * Reads a profile and checks that it is one for this model.
 *
 * @param path shown in the error
 * @throws KvasirError `profile-mismatch` when the text is no profile or one of another model or shape
 */
export function parseHeadProfile(
    text: string,
    path: string,
    model: Pick<KvShape, "nLayers" | "nKvHeads"> & {modelHash: string},
): HeadProfile {
    let data: unknown;
    try {
        data = JSON.parse(text);
    } catch {
        throw profileMismatch(path, "it is not JSON");
    }
    const parsed = headProfileSchema.safeParse(data);
    if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        throw profileMismatch(path, `${issue.path.join(".") || "it"}: ${issue.message}`);
    }
    const profile = parsed.data;
    if (profile.modelHash !== model.modelHash) {
        throw profileMismatch(path, "it was measured on another model");
    }
    if (profile.nLayers !== model.nLayers || profile.nKvHeads !== model.nKvHeads) {
        throw profileMismatch(
            path,
            `it has ${profile.nLayers} layers of ${profile.nKvHeads} KV heads, the model ${model.nLayers} of ${model.nKvHeads}`,
        );
    }
    return profile;
}

/** The text for disk: parsed again it is the same profile to the last digit. */
export function serialiseHeadProfile(profile: HeadProfile): string {
    return `${JSON.stringify(profile)}\n`;
}
