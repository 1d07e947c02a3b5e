/**
 * Measures a model's head profile: a dozen pieces of real files are read, the model repeats each, and the scores of
 * those replay rows are cut in one pool over all heads at several budgets. The mean share that each head keeps is a
 * property of the model, not of the files.
 */
import {cut} from "../../core/policy/cut.js";
import {
    profileBudgets,
    profileFromCuts,
    type CalibrationCut,
    type HeadProfile,
} from "../../core/policy/head-profile.js";
import {calibrationPolicy} from "../../core/policy/presets.js";
import type {Reader} from "./reader.js";

export interface CalibrateJob {
    modelHash: string;
    /** What else moves scores: the row type. */
    format: string;
    /** Tokens of each piece, header included. */
    pieces: readonly Uint32Array[];
    replayHeader: Uint32Array;
    signal?: AbortSignal | undefined;
    onBatch?: ((share: number) => Promise<void> | void) | undefined;
}

/** Pieces that a calibration reads; more hardly move the profile. */
export const calibrationPieces = 12;
/** Tokens of one piece: long enough for rows far apart, short enough for a CPU. */
export const calibrationTokens = 512;

export async function calibrate(reader: Reader, job: CalibrateJob): Promise<HeadProfile> {
    const shape = reader.context.cutShape;
    const levels = profileBudgets.map((share) => ({share, cuts: [] as CalibrationCut[]}));
    let nDone = 0;
    // Each piece is decoded twice: as itself and as its own repetition.
    const total = job.pieces.reduce((sum, piece) => sum + 2 * piece.length + job.replayHeader.length, 0);
    for (const tokens of job.pieces) {
        const evidence = await reader.score({
            tokens,
            policy: calibrationPolicy,
            // Only the step gain looks at it: the budget most used.
            budget: 0.25,
            replayHeader: job.replayHeader,
            signal: job.signal,
            onBatch: (nTokens) => job.onBatch?.(Math.min(1, (nDone + nTokens) / total)),
        });
        nDone += 2 * tokens.length + job.replayHeader.length;
        for (const {share, cuts} of levels) {
            const keep = cut({policy: calibrationPolicy, budget: share, nTokens: tokens.length, shape, ...evidence});
            cuts.push({nTokens: tokens.length, counts: keep.map((list) => list.length)});
        }
    }
    return profileFromCuts(
        {modelHash: job.modelHash, format: job.format, policy: calibrationPolicy.name},
        shape,
        levels,
    );
}
